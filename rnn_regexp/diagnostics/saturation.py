"""How often gates stand fully open or shut."""

import torch
from torch import Tensor

from rnn_regexp.diagnostics.view import View
from rnn_regexp.models.forward import layer_weights
from rnn_regexp.models.rnn import RNN, Nonlinearity
from rnn_regexp.recurrence import cells
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.regularizers.base import Place

SHUT, OPEN = 0.1, 0.9


def saturation(view: View) -> dict[str, Tensor]:
    """Per layer (forward direction) and gate, the share of activations in ``shut`` and ``open``.

    shut: below 0.1, open: above 0.9, for sigmoid gates; for a tanh, a of (1 + a) / 2 in their
    place.  Over units and valid steps (Karpathy et al. 2015, section 4.2).  A relu has neither,
    and of gates that are more than two products (``layer_norm``, the Mogrifier's) nothing is said.
    """
    model = view.network.model
    if isinstance(model, RNN) and model.nonlinearity is Nonlinearity.relu:
        return {}
    if model.cell.takes_inputs or any(
        own.evaluates for own in view.network.applied.acting("transform_cell")
    ):
        return {}
    stack = view.trace.stacks[0]  # of an encoder and a decoder the former
    inside = valid(stack.lengths, stack.inputs[0].shape[1])[..., None]  # (K, T, B, 1)
    found = {}
    for layer in range(model.layers):
        for gate, activation in _gates(view, layer).items():  # (K, T, B, H)
            count = inside.sum(dim=(1, 2, 3)) * activation.shape[-1]
            for name, hit in (("shut", activation < SHUT), ("open", activation > OPEN)):
                share = (hit & inside).sum(dim=(1, 2, 3)) / count
                found[f"layer{layer}.0/{gate}/{name}"] = share
    return found


@torch.no_grad()
def _gates(view: View, layer: int) -> dict[str, Tensor]:
    """Activations (K, T, B, H) of each gate in [0, 1], from the layer's inputs and outputs."""
    model = view.network.model
    stack = view.trace.stacks[0]
    x, h = stack.inputs[layer], stack.outputs[layer][..., : model.hidden]
    place = Place(layer, 0, model.cell, x.shape[1], x.shape[2], model.hidden, h)
    W_hx, W_hh, b_hx, b_hh = (own.detach() for own in layer_weights(view.weights, place))
    before = torch.cat((torch.zeros_like(h[:, :1]), h[:, :-1]), dim=1)
    from_x = torch.einsum("ktbd,knd->ktbn", x, W_hx) + b_hx[:, None, None]
    from_h = torch.einsum("ktbh,knh->ktbn", before, W_hh) + b_hh[:, None, None]
    if model.cell is cells.GRU:
        (r, z, n), (r_h, z_h, n_h) = from_x.chunk(3, dim=-1), from_h.chunk(3, dim=-1)
        reset = torch.sigmoid(r + r_h)
        return {"r": reset, "z": torch.sigmoid(z + z_h), "n": _unit(torch.tanh(n + reset * n_h))}
    parts = (from_x + from_h).chunk(len(view.gates), dim=-1)
    return {
        gate: torch.sigmoid(part) if gate in "ifo" else _unit(torch.tanh(part))
        for gate, part in zip(view.gates, parts, strict=True)
    }


def _unit(a: Tensor) -> Tensor:
    return (1 + a) / 2
