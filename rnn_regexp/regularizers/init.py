"""How the weights start."""

import math
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from rnn_regexp.fields import per_run
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.weights import Kind, Spec, Weights


class Scheme(Enum):
    """Names of the schemes for the hidden-to-hidden matrices."""

    default = "default"
    xavier = "xavier"
    kaiming = "kaiming"
    orthogonal = "orthogonal"
    scaled_orthogonal = "scaled_orthogonal"
    identity = "identity"
    uniform = "uniform"
    truncated_normal = "truncated_normal"


class Others(Enum):
    """Schemes for the other matrices, W_hx and W_yh."""

    xavier = "xavier"
    kaiming = "kaiming"


@dataclass
class Init(Regularizer):
    """Initial weights of W_hh by ``scheme``, and of W_hx and W_yh beside it, each gate by itself.

    default            torch's: U(-1/sqrt(n), 1/sqrt(n)) everywhere
    xavier             U(-a, a), a = sqrt(6 / (fan_in + fan_out))   (Glorot & Bengio 2010)
    kaiming            U(-a, a), a = sqrt(6 / fan_in)               (He et al. 2015)
    orthogonal         gain * Q, Q uniform on the orthogonal group  (Saxe et al. 2014)
    scaled_orthogonal  sqrt(1/n) * gain * Q
    identity           gain * I and zero biases                     (Le et al. 2015)
    uniform            U(-gain, gain) for every parameter           (Zaremba et al. 2014)
    truncated_normal   N(0, gain^2 / fan_in), cut at two deviations (LeCun et al. 1998)

    Under ``orthogonal``, ``scaled_orthogonal`` and ``identity`` the other matrices follow
    ``others``, under the rest the same scheme.  Embeddings stay N(0, 1) and biases torch's default,
    except under ``uniform`` (Zaremba's bounds are .1, .05 and .04) and ``identity``.
    ``stacked`` takes one orthogonal matrix (G*H, H) for all gates, as Keras and the code of the
    Zoneout paper do: no gate is orthogonal then.  The survey offers sqrt(1/n) Q as an orthogonal
    start; it divides the state's norm by sqrt(n) at every step, so it is here under a name of its
    own, as a negative control.
    """

    source = "Saxe et al. 2014; Glorot & Bengio 2010; He et al. 2015; Le et al. 2015"

    scheme: Scheme = per_run(Scheme.default, strength=True)
    gain: float = per_run(1.0, "(0, inf)")
    others: Others = per_run(Others.xavier)
    stacked: bool = per_run(False)

    def initialize(self, weights: Weights, noise: Noise) -> None:
        with torch.no_grad():
            for spec in weights.specs:
                drawn = self._draw(spec, noise)  # (K, *shape) float64
                weights[spec.name].copy_(drawn)

    def _draw(self, spec: Spec, noise: Noise) -> Tensor:
        unit = 2 * noise.uniform(f"init/{spec.name}", spec.shape).double() - 1  # U(-1, 1)
        rows = [self._row(k, spec, unit[k], noise) for k in range(len(unit))]
        return torch.stack(rows)

    def _row(self, k: int, spec: Spec, unit: Tensor, noise: Noise) -> Tensor:
        scheme = self.scheme[k]
        if spec.kind is Kind.gain:
            return torch.ones_like(unit)
        if scheme is Scheme.uniform:
            return unit * float(self.gain[k])
        if spec.kind is Kind.embedding:
            own = Noise(noise.seeds[k : k + 1], noise.step)
            return own.normal(f"init/{spec.name}", spec.shape)[0]
        if spec.kind is Kind.bias:
            return unit * (0 if scheme is Scheme.identity else spec.fan**-0.5)
        if scheme is Scheme.default:
            return unit * spec.fan**-0.5
        if scheme in (Scheme.xavier, Scheme.kaiming):
            return unit * _bound(spec, scheme.name)
        if scheme is Scheme.truncated_normal:
            return truncated(unit) * float(self.gain[k]) * spec.shape[1] ** -0.5
        if spec.kind is not Kind.hidden_hidden:
            return unit * _bound(spec, self.others[k].name)
        return self._recurrent(k, spec, noise)

    def _recurrent(self, k: int, spec: Spec, noise: Noise) -> Tensor:
        n, gain = spec.shape[1], float(self.gain[k])
        if self.scheme[k] is Scheme.identity:
            return gain * torch.eye(n, dtype=torch.double, device=noise.seeds.device).repeat(
                spec.gates, 1
            )
        own = Noise(noise.seeds[k : k + 1], noise.step)
        shape = (1, spec.shape[0], n) if self.stacked[k] else (spec.gates, n, n)
        Q = haar(own.normal(f"init/{spec.name}/Q", shape)[0])  # (G, n, n) or (1, G*n, n)
        scale = n**-0.5 if self.scheme[k] is Scheme.scaled_orthogonal else 1.0
        return gain * scale * Q.flatten(0, 1)


def haar(normal: Tensor) -> Tensor:
    """Orthonormal columns, uniform in Haar measure, from standard normal matrices (..., m, n).

    QR with the signs of R's diagonal moved into Q (Mezzadri 2007, section 5).
    """
    Q, R = torch.linalg.qr(normal)
    return Q * R.diagonal(dim1=-2, dim2=-1).sign()[..., None, :]


def truncated(unit: Tensor) -> Tensor:
    """U(-1, 1) to the standard normal distribution between -2 and 2, by inversion."""
    return math.sqrt(2) * torch.erfinv(unit * math.erf(math.sqrt(2)))


def _bound(spec: Spec, scheme: str) -> float:
    """The a of U(-a, a) for one gate's block."""
    fan_out, fan_in = spec.shape[0] // spec.gates, spec.shape[1]
    return math.sqrt(6 / (fan_in + fan_out if scheme == "xavier" else fan_in))
