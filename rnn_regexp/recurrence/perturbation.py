"""Noise inside the recurrence as explicit tensors: who draws them is no concern of the cells."""

from dataclasses import dataclass, replace

from torch import Tensor

from rnn_regexp.recurrence.shapes import expect


@dataclass(frozen=True, eq=False)
class RecurrentNoise:
    """What disturbs the recurrence; an absent field costs nothing.

    With h~, c~ for what the cell computes, a step ends with (c is the LSTM's alone)::

        c~  = cell * (f * c_{t-1} + i * candidate * g)
        c_t = zoneout_c * c_{t-1} + (1 - zoneout_c) * c~
        h_t = state * (zoneout_h * h_{t-1} + (1 - zoneout_h) * h~),   h~ = o * tanh(c~)

    ``h`` (K, T, B, 1 or G, H) multiplies h_{t-1} in the recurrent product, one mask for all gates
    or one for each (Gal & Ghahramani 2016).  The others are (K, T, B, H): ``state`` multiplies
    h_t, which goes on to the outputs and into the recurrence; ``candidate`` the update, LSTM g or
    GRU n (Semeniuta et al. 2016); ``cell`` the LSTM's c_t (RNNDrop, Moon et al. 2015).
    ``zoneout_h`` and ``zoneout_c`` are the share of the old state that is kept, 0 or 1 in training
    and the probability in evaluation (Krueger et al. 2017).  T may be 1: the same at every step.
    All are constants; no gradient flows to them.
    """

    h: Tensor | None = None
    state: Tensor | None = None
    candidate: Tensor | None = None
    cell: Tensor | None = None
    zoneout_h: Tensor | None = None
    zoneout_c: Tensor | None = None

    def present(self) -> dict[str, Tensor]:
        """The fields that are there, by name."""
        return {name: mask for name, mask in vars(self).items() if mask is not None}

    def __bool__(self) -> bool:
        return bool(self.present())

    def of(self, runs: slice) -> "RecurrentNoise":
        """The noise of some runs."""
        return RecurrentNoise(**{name: mask[runs] for name, mask in self.present().items()})

    def at(self, t: int) -> "RecurrentNoise":
        """The noise of step ``t``: every field without its second dimension."""
        return replace(self, **{n: m[:, t % m.shape[1]] for n, m in self.present().items()})

    def silenced(self, valid: Tensor) -> "RecurrentNoise":
        """``state`` and ``cell`` zero where ``valid`` (K, T, B) is false.

        Masks above 1 could make the states grow without bound on long padding.
        """
        growing = {n: m for n, m in self.present().items() if n in ("state", "cell")}
        return replace(self, **{n: m * valid[..., None] for n, m in growing.items()})

    def shares(self) -> tuple[Tensor | None, Tensor | None]:
        """dh_t / dh~_t, and dh_t / dh_{t-1} past the cell; None for 1 and for 0."""
        if self.zoneout_h is None:
            return self.state, None
        return times(1 - self.zoneout_h, self.state), times(self.zoneout_h, self.state)

    def check(self, gates: int, states: int, inputs: Tensor, H: int) -> None:
        """Raise ``ValueError`` where the cell has no such noise or a tensor does not fit."""
        K, T, B, _ = inputs.shape
        for name, tensor in self.present().items():
            if name == "candidate" and gates == 1:
                raise ValueError("noise.candidate needs a gated cell, GRU or LSTM")
            if name in ("cell", "zoneout_c") and states == 1:
                raise ValueError(f"noise.{name} acts on the state c, which only the LSTM has")
            per_gate = ((1, gates),) if name == "h" else ()
            expect(f"noise.{name}", tensor, (K, (1, T), B, *per_gate, H), inputs)


NONE = RecurrentNoise()


def times(x: Tensor, mask: Tensor | None) -> Tensor:
    """x * mask, or x where there is no mask."""
    return x if mask is None else x * mask


def settle_(new: Tensor, old: Tensor, share: Tensor | None, mask: Tensor | None) -> Tensor:
    """mask * (share * old + (1 - share) * new) in place of ``new``; absent: share 0, mask 1."""
    if share is not None:
        new.lerp_(old, share)
    if mask is not None:
        new.mul_(mask)
    return new
