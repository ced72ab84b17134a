"""Batch normalization inside the recurrence, with statistics of each time step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from rnn_regexp.fields import per_run, structural
from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import Cell, LayerWeights, State
from rnn_regexp.recurrence.lengths import valid
from rnn_regexp.recurrence.perturbation import NONE, RecurrentNoise
from rnn_regexp.regularizers.base import Place, Regularizer, Update
from rnn_regexp.regularizers.batch_moments import ByBatch, ByPopulation, Population
from rnn_regexp.regularizers.normalized_cell import (
    LSTM_GATES,
    normalized,
    start_gains,
    with_gains,
)
from rnn_regexp.regularizers.subject import TRANSLATE, Subject
from rnn_regexp.weights import Kind, Spec, Weights


@dataclass
class RecurrentBatchNorm(Regularizer):
    """Normalize both products of each step, and the LSTM's c, over the sequences of the batch.

    gates = BN(W_hx x_t; g_hx) + b_hx + BN(W_hh h_{t-1}; g_hh) + b_hh
    LSTM   h_t = o * tanh(BN(c_t; g_c) + b_c)
    BN(a; g) = g * (a - mean(a)) / sqrt(var(a) + 1e-5)

    Mean and variance are those of each unit over the sequences that reach step t, padding never
    among them.  Evaluation takes the population's, kept for each of the first ``steps`` steps by
    itself (the paper's T_max); later steps, and those that no batch has reached, take the last.
    They are the mean of the batches' estimates, the variance's without bias, and from the
    1 / ``momentum``-th on a moving one; the paper averages once, behind training.  A step that a
    single sequence of the batch reaches has no variance: it takes the population's too.  Gains
    start at ``gain``, b_c at 0.  ``h_0`` is the deviation of noise on h_0 in training, for
    first steps at which all sequences are alike, as pixels in order.

    The paper has the LSTM; for the Elman network and the GRU, with b_hh inside the reset gate, the
    same products are normalized.  The averages of ``ema`` are judged with the statistics of the
    weights that train; those of ``swa`` and ``nt_asgd`` are too far from them, and refused.
    """

    source = "Cooijmans et al. 2017, sections 3 and 4"
    separate = True
    judged_with = ("mean", "variance", "count")
    evaluates = True

    normalized: bool = structural(False, strength=True)
    steps: int = structural(100, "[1, inf)")
    gain: float = per_run(0.1, "(0, inf)")
    momentum: float = per_run(0.1, "(0, 1]")
    h_0: float = structural(0.0, "[0, inf)")
    seen: ClassVar[Mapping[int, ByBatch]] = MappingProxyType({})  # a stack has its last pass's
    of: ClassVar[Noise | None] = None  # the noise of that pass

    def objections(self, subject: Subject) -> Iterator[tuple[str, str]]:
        yield from subject.without_own_cell()
        if subject.task == TRANSLATE:
            yield "", "a search knows no statistics of the steps of its decoder (task translate)"
        if "layer_norm" in subject.techniques:
            yield "", "layer_norm beside it normalizes the same products (take one)"
        for average in sorted(subject.techniques.keys() & {"swa", "nt_asgd"}):
            yield "", f"{average} beside it judges weights with which no batch was normalized"
        if subject.task == TRANSLATE:
            yield "", f"a decoder that writes word by word counts no steps (task {TRANSLATE})"
        if subject.batch == 1:
            yield "", "one sequence has no variance (training.batch_size=1)"
        if self.h_0 and subject.carries:
            yield "h_0", f"on the task {subject.task} states go on from batch to batch"

    def specs(self, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        return with_gains(specs)

    def initialize(self, weights: Weights, noise: Noise) -> None:
        start_gains(weights, self.gain)

    def start(self, weights: Weights) -> dict[str, Tensor]:
        places = [spec for spec, _ in weights.of(Kind.hidden_hidden)]
        N = _columns(places[0].gates, places[0].shape[1])["c"].stop
        zero = weights.flat.new_zeros(weights.runs, len(places), self.steps, N)
        return {"mean": zero, "variance": torch.ones_like(zero), "count": zero[..., 0].clone()}

    def transform_cell(
        self,
        cell: Cell,
        own: LayerWeights,
        weights: Mapping[str, Tensor],
        place: Place,
        noise: Noise | None,
    ) -> tuple[Cell, LayerWeights]:
        name = f"layer{place.layer}.{place.direction}.W_hh"
        index = [name for name in weights if name.endswith(".W_hh")].index(name)
        known = self._population(index), _columns(cell.gates, place.hidden), _valid(place)
        if noise is None:
            return normalized(cell, own, weights, place, ByPopulation(*known))
        batch = ByBatch(*known)
        self._keep(noise, index, batch)
        changed, own = normalized(cell, own, weights, place, batch)
        return (self._stirred(changed, place, noise) if self.h_0 else changed), own

    def after_step(self, weights: Weights, update: Update) -> None:
        for index, batch in self.seen.items():
            self._population(index).absorb(batch, self.momentum, update.stepping)
        self._remember({}, None)

    def _population(self, index: int) -> Population:
        return Population(*(self.state[name][:, index] for name in self.judged_with))

    def _keep(self, noise: Noise, index: int, batch: ByBatch) -> None:
        """Of a step's passes the first one's moments, not those of a second one or of SAM's."""
        if noise.branch:
            return
        seen = self.seen if noise is self.of else {}
        self._remember({index: batch, **seen}, noise)

    def _remember(self, seen: Mapping[int, ByBatch], noise: Noise | None) -> None:
        setattr(self, "seen", seen)  # noqa: B010
        setattr(self, "of", noise)  # noqa: B010

    def _stirred(self, cell: Cell, place: Place, noise: Noise) -> Cell:
        """The cell, with noise on the state with which it starts."""
        drawn = noise.normal(place.name("recurrent_batch_norm"), (place.sequences, place.hidden))
        first = [(self.h_0 * drawn).to(place.like)]

        def step(
            x: Tensor, state: State, W: Tensor, b: Tensor, noise: RecurrentNoise = NONE
        ) -> State:
            h, *rest = state
            return cell.step(x, (h + first.pop() if first else h, *rest), W, b, noise)

        return replace(cell, name=f"stirred_{cell.name}", step=step)


def _columns(gates: int, hidden: int) -> dict[str, slice]:
    """Where the parts' moments stand; the Elman network's and the GRU's have no c."""
    G, c = gates * hidden, hidden * (gates == LSTM_GATES)
    return {"hx": slice(0, G), "hh": slice(G, 2 * G), "c": slice(2 * G, 2 * G + c)}


def _valid(place: Place) -> Tensor:
    """Which steps are no padding: bool (K, T, B)."""
    like, T = place.like, place.steps
    if place.lengths is None:
        return like.new_ones(len(like), T, place.sequences, dtype=torch.bool)
    return valid(place.lengths, T)
