"""The recurrences in numpy, one sequence at a time, typed again from the papers."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Masks = Mapping[str, Array]  # h (1 or G, H), the others (H,): of one step


def sigmoid(a: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-a))


def products(W: Array, h: Array, masks: Masks) -> list[Array]:
    """U_k (z_k * h) for each gate k: Gal & Ghahramani 2016, equation 7."""
    H = len(h)
    gates = len(W) // H
    z = np.broadcast_to(masks.get("h", np.ones((1, H))), (gates, H))
    return [W[k * H : (k + 1) * H] @ (z[k] * h) for k in range(gates)]


def zoned_out(name: str, old: Array, new: Array, masks: Masks) -> Array:
    """Krueger et al. 2017, section 3.1: d * old + (1 - d) * new."""
    d = masks.get(name, 0.0)
    return d * old + (1.0 - d) * new


def finish(old: Array, new: Array, masks: Masks) -> Array:
    return masks.get("state", 1.0) * zoned_out("zoneout_h", old, new, masks)


def elman(f: Callable[[Array], Array]) -> Callable[..., tuple[Array, ...]]:
    def step(x, h, W_hx, W_hh, b_hx, b_hh, masks):
        (a,) = products(W_hh, h, masks)
        return (finish(h, f(W_hx @ x + b_hx + a + b_hh), masks),)

    return step


def gru(x, h, W_hx, W_hh, b_hx, b_hh, masks):
    """Cho et al. 2014 with torch's reset gate; the mask is Semeniuta et al. 2016, equation 9."""
    x_r, x_z, x_n = np.split(W_hx @ x + b_hx, 3)
    u_r, u_z, u_n = products(W_hh, h, masks)
    b_r, b_z, b_n = np.split(b_hh, 3)
    r, z = sigmoid(x_r + u_r + b_r), sigmoid(x_z + u_z + b_z)
    n = masks.get("candidate", 1.0) * np.tanh(x_n + r * (u_n + b_n))
    return (finish(h, (1 - z) * n + z * h, masks),)


def lstm(x, h, c, W_hx, W_hh, b_hx, b_hh, masks):
    """Semeniuta et al. 2016, equation 6; Moon et al. 2015, equation 8; Krueger et al. 2017."""
    parts = zip(np.split(W_hx @ x + b_hx + b_hh, 4), products(W_hh, h, masks))
    a_i, a_f, a_g, a_o = (a + u for a, u in parts)
    update = masks.get("candidate", 1.0) * np.tanh(a_g)
    new_c = masks.get("cell", 1.0) * (sigmoid(a_f) * c + sigmoid(a_i) * update)
    new_h = sigmoid(a_o) * np.tanh(new_c)
    return finish(h, new_h, masks), zoned_out("zoneout_c", c, new_c, masks)


STEPS = {
    "rnn_tanh": elman(np.tanh),
    "rnn_relu": elman(lambda a: np.maximum(a, 0.0)),
    "gru": gru,
    "lstm": lstm,
}


def outputs(
    name: str,
    inputs: Array,
    state: list[Array],
    weights: list[Array],
    masks: Masks,
) -> Array:
    """h_1 ... h_T (T, H) of one sequence (T, D); ``masks`` begin with T or 1."""
    hs = []
    for t, x in enumerate(inputs):
        now = {key: mask[t % len(mask)] for key, mask in masks.items()}
        state = list(STEPS[name](x, *state, *weights, now))
        hs.append(state[0])
    return np.stack(hs)
