"""Optimizers: run by run through torch's own updates, or all runs in a few operations.

On CPU a run's weights are one contiguous row, so its update is one call of torch's (fused) kernel
and equals ``torch.optim`` exactly.  On CUDA an update of every run ``together`` has its settings
in tensors (K,), which a recorded step reads; it equals torch's up to rounding.
"""

import copy
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.asgd import asgd
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from rnn_regexp.fields import Settings, per_run, structural
from rnn_regexp.host import may_ask
from rnn_regexp.regularizers.base import chosen, column
from rnn_regexp.regularizers.stack import stack


@dataclass
class Optimizer(Settings):
    """Base: a learning rate and an update of one run's row of weights in place."""

    buffers: ClassVar[int] = 0  # state rows a run needs
    decoupled: ClassVar[bool] = False  # whether its own weight decay is decoupled
    source: ClassVar[str] = ""

    lr: float = per_run(1e-3, "(0, inf)")

    def step(self, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        """Update ``w`` (P,) in place from ``g`` (P,) and ``state`` (buffers, P).

        ``count`` is the number of steps before this one, a scalar tensor of the run's own that
        this call increases.
        """
        raise NotImplementedError

    def together(self: Any, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        """``step`` for all runs, of a stack of optimizers: w and g (K, P), count (K,) before it.

        ``state`` is (K, buffers, P).  The count is the caller's to increase.
        """
        raise NotImplementedError

    def average(self, state: Tensor, count: Tensor) -> Tensor | None:
        """The weights (P,) by which the run is judged, or None where they are those it trains."""
        return None


@dataclass
class SGD(Optimizer):
    """w <- w - lr * u,  u = momentum * u + g;  Nesterov's variant looks ahead."""

    buffers = 1
    source = "Robbins & Monro 1951; Sutskever et al. 2013 (momentum)"

    lr: float = per_run(0.1, "(0, inf)")
    momentum: float = per_run(0.0, "[0, 1)")
    nesterov: bool = structural(False)

    def step(self, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        buffer = [state[0] if self.momentum else None]  # zeros before the first step
        sgd(
            [w], [g], buffer, foreach=False, lr=self.lr, momentum=self.momentum, dampening=0.0,
            weight_decay=0.0, nesterov=self.nesterov and self.momentum > 0, maximize=False,
        )  # fmt: skip
        count += 1

    def together(self: Any, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        momentum = column(self.momentum, w)
        u = state[:, 0].mul_(momentum).add_(g)
        w.sub_(column(self.lr, w) * (g + momentum * u if self.nesterov else u))


@dataclass
class Adam(Optimizer):
    """Adam; ``regularizers.weight_decay`` under it is coupled unless it says otherwise."""

    buffers = 2
    source = "Kingma & Ba 2015"

    beta1: float = per_run(0.9, "[0, 1)")
    beta2: float = per_run(0.999, "[0, 1)")
    eps: float = per_run(1e-8, "(0, inf)")

    def step(self, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        adam(
            [w], [g], [state[0]], [state[1]], [], [count], fused=True, amsgrad=False, lr=self.lr,
            beta1=self.beta1, beta2=self.beta2, eps=self.eps, weight_decay=0.0, maximize=False,
        )  # fmt: skip

    def together(self: Any, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        m, v, t = state[:, 0], state[:, 1], count.double() + 1
        m.lerp_(g, column(1 - self.beta1, w))
        v.lerp_(g * g, column(1 - self.beta2, w))
        rate = column(self.lr / (1 - self.beta1**t), w)
        scale = v.sqrt().div_(column((1 - self.beta2**t).sqrt(), w)).add_(column(self.eps, w))
        w.sub_(rate * m / scale)


@dataclass
class AdamW(Adam):
    """Adam whose own weight decay is decoupled: ``regularizers.weight_decay`` follows it."""

    decoupled = True
    source = "Loshchilov & Hutter 2019"


@dataclass
class RMSprop(Optimizer):
    """w <- w - lr * g / (sqrt(v) + eps),  v = alpha * v + (1 - alpha) * g^2; optional momentum."""

    buffers = 2
    source = "Tieleman & Hinton 2012"

    lr: float = per_run(1e-3, "(0, inf)")
    alpha: float = per_run(0.99, "[0, 1)")
    eps: float = per_run(1e-8, "(0, inf)")
    momentum: float = per_run(0.0, "[0, 1)")

    def step(self, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        rmsprop(
            [w], [g], [state[0]], [], [state[1]], [count], foreach=False, lr=self.lr,
            alpha=self.alpha, eps=self.eps, weight_decay=0.0, momentum=self.momentum,
            centered=False,
        )  # fmt: skip

    def together(self: Any, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        v, u = state[:, 0], state[:, 1]
        v.lerp_(g * g, column(1 - self.alpha, w))
        u.mul_(column(self.momentum, w)).add_(g / v.sqrt().add_(column(self.eps, w)))
        w.sub_(column(self.lr, w) * u)


class Averaging(Enum):
    """Which mean of the weights ASGD keeps; ``torch`` is what torch's optimizer computes."""

    exact = "exact"
    torch = "torch"


@dataclass
class ASGD(Optimizer):
    """SGD whose runs are judged by the mean of the weights after each step behind ``t0``.

    w <- (1 - lambd * eta_t) * w - eta_t * g,   eta_t = lr / (1 + lambd * lr * t) ** alpha

    with t steps before this one.  torch's own (``averaging=torch``) leaves the first of these
    weights out of the mean, and a change of the learning rate reaches it one step late: a
    schedule's factor, or that of a window's length, then acts on the wrong batch.
    """

    buffers = 2
    source = "Polyak & Juditsky 1992; Bottou 2010"

    lr: float = per_run(1e-2, "(0, inf)")
    lambd: float = per_run(1e-4, "[0, inf)")
    alpha: float = per_run(0.75, "[0, inf)")
    t0: float = per_run(1e6, "[0, inf)")  # steps
    averaging: Averaging = per_run(Averaging.exact)

    def step(self, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        mean, late = state[0], state[1, :2]  # late: eta and mu, as torch set them a step ago
        t = float(count)
        eta = self._eta(t)
        if t == 0:
            late.copy_(torch.tensor([self.lr, 1.0]))
        if self.averaging is Averaging.exact:
            late.copy_(torch.tensor([eta, 1 / max(1.0, t + 1 - self.t0)]))
        own_eta, own_mu = late.float()
        asgd(
            [w], [g], [mean], [own_mu], [own_eta], [count], foreach=False, lambd=self.lambd,
            lr=self.lr, t0=self.t0, alpha=self.alpha, weight_decay=0.0,
        )  # fmt: skip
        late.copy_(torch.stack((own_eta, own_mu)))

    def together(self: Any, w: Tensor, g: Tensor, state: Tensor, count: Tensor) -> None:
        mean, late, t = state[:, 0], state[:, 1, :2], count.double()
        now = torch.stack((self._eta(t), 1 / (t + 1 - self.t0).clamp_min(1)), dim=1)  # (K, 2)
        first = torch.stack((self.lr, torch.ones_like(t)), dim=1)
        behind = torch.where(t[:, None] > 0, late, first)
        exact = chosen(self.averaging, Averaging.exact, w)
        eta, mu = torch.where(exact[:, None], now, behind).unbind(1)
        w.mul_(column(1 - self.lambd * eta, w)).sub_(column(eta, w) * g)
        mean.lerp_(w, column(mu, w))
        after = torch.stack((self._eta(t + 1), 1 / (t + 1 - self.t0).clamp_min(1)), dim=1)
        late.copy_(after)

    def _eta(self: Any, t: Any) -> Any:
        """The step size behind ``t`` steps."""
        return self.lr / (1 + self.lambd * self.lr * t) ** self.alpha

    def average(self, state: Tensor, count: Tensor) -> Tensor | None:
        return state[0] if count > 0 else None


ALL: tuple[type[Optimizer], ...] = (SGD, Adam, AdamW, RMSprop, ASGD)


class OptimizerState:
    """The optimizers of K runs: settings, state rows and step counts of their own."""

    def __init__(self, optimizers: list[Optimizer], flat: Tensor) -> None:
        K, P = flat.shape
        self.decoupled = optimizers[0].decoupled
        self.state = flat.new_zeros(K, optimizers[0].buffers, P)
        self.counts = torch.zeros(K, device=flat.device)  # steps, as torch's updates count them
        self._base = optimizers
        self._factors: list[float] = []
        self.learning_rate = torch.zeros(K, dtype=torch.double, device=flat.device)
        self.scale([1.0] * K)

    @cached_property
    def _stacked(self) -> Any:
        own: Any = stack(self._base, self.state.device)
        own.lr = self.learning_rate
        return own

    def scale(self, factors: list[float]) -> None:
        """Multiply each run's own learning rate by its schedule's factor."""
        if factors == self._factors:
            return
        self._factors = factors
        self.optimizers = [copy.copy(own) for own in self._base]
        for own, factor in zip(self.optimizers, factors, strict=True):
            own.lr *= factor  # may come down to 0, which is not for users to set
        rates = [own.lr for own in self.optimizers]
        self.learning_rate.copy_(torch.tensor(rates, dtype=torch.double))

    def select(self, rows: list[int]) -> "OptimizerState":
        """Those of some runs alone."""
        part = OptimizerState([self._base[k] for k in rows], self.state[rows, 0])
        part.state = self.state[rows]
        part.counts = self.counts[rows]
        return part

    def averaged(self, flat: Tensor) -> Tensor:
        """The weights (K, P) by which runs are judged, where the optimizer averages them."""
        rows = [own.average(self.state[k], self.counts[k]) for k, own in enumerate(self._base)]
        if all(row is None for row in rows):
            return flat
        return torch.stack([w if row is None else row for w, row in zip(flat, rows, strict=True)])

    def step(self, flat: Tensor, gradient: Tensor, stepping: Tensor) -> None:
        """Update the rows of ``flat`` (K, P) of the runs that make a step; the others may change.

        Of those, on CUDA, only what the optimizer remembers stays.
        """
        if not may_ask(flat.device):
            self._all(flat, gradient, stepping)
            return
        for k, moves in enumerate(stepping.tolist()):
            if moves:
                self.optimizers[k].step(flat[k], gradient[k], self.state[k], self.counts[k])

    def _all(self, flat: Tensor, gradient: Tensor, stepping: Tensor) -> None:
        state = self.state.clone()
        self._stacked.together(flat, gradient, state, self.counts)
        self.state.copy_(torch.where(stepping[:, None, None], state, self.state))
        self.counts += stepping
