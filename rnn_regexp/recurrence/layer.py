"""One recurrent layer of K runs on padded sequences, forward and reversed, by any backend."""

from itertools import repeat

import torch
from torch import Tensor

from rnn_regexp.host import may_ask
from rnn_regexp.recurrence.backends import Backend, choose, unrolling
from rnn_regexp.recurrence.cells import LSTM, RELU, Cell, LayerWeights, State
from rnn_regexp.recurrence.lengths import at_length, silenced, turn, valid, within
from rnn_regexp.recurrence.native import native, native_in_pieces
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.recurrence.ragged import ragged
from rnn_regexp.recurrence.shapes import expect

Noise = RecurrentNoise | tuple[RecurrentNoise | None, ...] | None  # of all directions, or of each
Cells = Cell | tuple[Cell, ...]  # of all directions, or of each


def run(
    cell: Cell,
    inputs: Tensor,
    state: State,
    weights: LayerWeights,
    backend: Backend,
    noise: RecurrentNoise | None = None,
) -> tuple[Tensor, State]:
    """All steps of one direction: outputs (K, T, B, H) and the state after step T.

    ``inputs`` (K, T, B, D), ``state`` of (K, B, H), W_hx (K, G*H, D), W_hh (K, G*H, H), biases
    (K, G*H).  Raises ``ValueError`` where a shape or type does not fit.
    """
    inputs = _checked(cell, inputs, state, weights, noise or NONE)
    states, last = _all_steps(cell, inputs, state, weights, backend, noise or NONE)
    return states[0], last


def layer(
    cell: Cells,
    inputs: Tensor,
    lengths: Tensor | None,
    directions: tuple[LayerWeights, ...],
    backend: Backend = Backend.auto,
    noise: Noise = None,
) -> tuple[Tensor, Tensor]:
    """A layer of one or two directions from zero states on sequences of the given lengths.

    ``inputs`` (K, T, B, D); ``lengths`` (K, B), None where all are T.  Returns the outputs
    (K, T, B, N*H) and each direction's output at its last valid step (K, B, N*H); N directions,
    forward first.  The steps of ``noise`` count in the order that the direction takes.
    """
    outputs, lasts = _directions(cell, inputs, lengths, directions, (), backend, noise, False)
    return outputs, _side_by_side([state[0] for state in lasts])


def carried(
    cell: Cells,
    inputs: Tensor,
    lengths: Tensor | None,
    directions: tuple[LayerWeights, ...],
    states: tuple[State, ...] = (),
    backend: Backend = Backend.auto,
    noise: Noise = None,
) -> tuple[Tensor, tuple[State, ...]]:
    """``layer`` from given states, one for each direction, to the states after the last valid step.

    For truncated backpropagation through time: hand the returned states, detached, to the next
    window.  A sequence of length 0 keeps its state.
    """
    return _directions(cell, inputs, lengths, directions, states, backend, noise, True)


def _directions(
    cell: Cells,
    inputs: Tensor,
    lengths: Tensor | None,
    directions: tuple[LayerWeights, ...],
    states: tuple[State, ...],
    backend: Backend,
    noise: Noise,
    every_c: bool,
) -> tuple[Tensor, tuple[State, ...]]:
    K, T, B, _ = _sizes(inputs)
    if lengths is not None:
        expect("lengths", lengths, (K, B))
        lengths = within(lengths, T)
    N = len(directions)
    noises = noise if isinstance(noise, tuple) else (noise,) * N
    cells = cell if isinstance(cell, tuple) else (cell,) * N
    for name, each in (("cell", cells), ("states", states or cells), ("noise", noises)):
        if len(each) != N:
            raise ValueError(f"{name} must be one for each of {N} directions, got {len(each)}")
    outputs, lasts = [], []
    for index, (one, weights, own) in enumerate(zip(cells, directions, noises, strict=True)):
        state = states[index] if states else zero_state(one, inputs, weights[1])
        seen = _turned(inputs, lengths) if index else inputs
        every, last = _one_direction(
            one, seen, lengths, weights, state, backend, own or NONE, every_c
        )
        outputs.append(_turned(every, lengths) if index else every)
        lasts.append(last)
    return _side_by_side(outputs), tuple(lasts)


def _one_direction(
    cell: Cell,
    inputs: Tensor,
    lengths: Tensor | None,
    weights: LayerWeights,
    state: State,
    backend: Backend,
    noise: RecurrentNoise,
    every_c: bool,
) -> tuple[Tensor, State]:
    """Outputs, and the state (h alone where every_c is false) at each sequence's own length."""
    inputs = _checked(cell, inputs, state, weights, noise)
    if lengths is None:
        states, last = _all_steps(cell, inputs, state, weights, backend, noise)
        return states[0], last
    if cell is RELU:
        inputs, weights = silenced(inputs, weights, lengths)
    noise = noise.silenced(valid(lengths, inputs.shape[1]))
    states, ends = _all_steps(cell, inputs, state, weights, backend, noise, lengths, every_c)
    return states[0], ends


def _all_steps(
    cell: Cell,
    inputs: Tensor,
    state: State,
    weights: LayerWeights,
    backend: Backend,
    noise: RecurrentNoise,
    lengths: Tensor | None = None,
    every_c: bool = False,
) -> tuple[tuple[Tensor, ...], State]:
    """The states at every step (of native h alone) and after each sequence's last.

    With lengths the latter is h alone where ``every_c`` is false.
    Autocast stays outside: a state rounded to bfloat16 at every step loses what is added slowly.
    """
    device = inputs.device.type
    if torch.is_autocast_enabled(device):
        with torch.autocast(device, enabled=False):
            return _all_steps(cell, inputs, state, weights, backend, noise, lengths, every_c)
    backend = choose(backend, cell, inputs, bool(noise), every_c and cell is LSTM)
    if backend is Backend.native:
        return _native(cell, inputs, state, weights, lengths)
    wanted = cell.states if every_c else 1
    unroll, short = unrolling(backend), None
    if lengths is not None and backend in (Backend.scan, Backend.cpu):
        short = ragged(lengths, inputs.shape[1], weights[1])
    if short is not None:
        return short.unroll(unroll, cell, inputs, state, weights, noise, wanted)
    states = unroll(cell, inputs, state, weights, noise)
    if lengths is None:
        return states, tuple(s[:, -1] for s in states)
    return states, tuple(map(at_length, states[:wanted], repeat(lengths), state))


def _native(
    cell: Cell, inputs: Tensor, state: State, weights: LayerWeights, lengths: Tensor | None
) -> tuple[tuple[Tensor], State]:
    if lengths is not None and may_ask(inputs.device):
        outputs = native_in_pieces(cell, inputs, state, weights, lengths)
    else:
        outputs, last = native(cell, inputs, state, weights)
        if lengths is None:
            return (outputs,), last
    return (outputs,), (at_length(outputs, lengths, state[0]),)


def _checked(
    cell: Cell, inputs: Tensor, state: State, weights: LayerWeights, noise: RecurrentNoise
) -> Tensor:
    """The inputs, in the weights' type where autocast has rounded them, if everything fits."""
    W_hx, W_hh, b_hx, b_hh = weights
    K, T, B, D = _sizes(inputs)
    H = W_hh.shape[-1]
    if torch.is_autocast_enabled(inputs.device.type):
        inputs = inputs.to(W_hh.dtype)
    N = cell.gates * H
    expect("inputs", inputs, (K, T, B, W_hx.shape[-1]), W_hh)
    expect("W_hx", W_hx, (K, N, D), W_hh)
    expect("W_hh", W_hh, (K, N, H))
    expect("b_hx", b_hx, (K, N), W_hh)
    expect("b_hh", b_hh, (K, N), W_hh)
    if len(state) != cell.states:
        raise ValueError(f"state must be {cell.states} tensors for {cell.name}, got {len(state)}")
    for name, own in zip(("h_0", "c_0"), state, strict=False):
        expect(name, own, (K, B, H), W_hh)
    noise.check(cell.gates, cell.states, inputs, H)
    return inputs


def _sizes(inputs: Tensor) -> torch.Size:
    if inputs.dim() != 4 or not inputs.numel():
        rule = "(K, T, B, D), each at least 1"
        raise ValueError(f"inputs must be {rule}, got {tuple(inputs.shape)}")
    return inputs.shape


def zero_state(cell: Cell, inputs: Tensor, W_hh: Tensor) -> State:
    """The initial state: zeros (K, B, H)."""
    K, _, B, _ = inputs.shape
    return tuple(W_hh.new_zeros(K, B, W_hh.shape[-1]) for _ in range(cell.states))


def _turned(steps: Tensor, lengths: Tensor | None) -> Tensor:
    return steps.flip(1) if lengths is None else turn(steps, lengths)


def _side_by_side(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
