"""The whole model under each kind of dropout equals the papers' equations, typed again in numpy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnn_regexp.data.batches import Batch, gather
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.embedding_dropout import Per as Words
from rnn_regexp.regularizers.masks import Scaling
from rnn_regexp.regularizers.recurrent_dropout import Per, RecurrentDropout
from rnn_regexp.regularizers.rnn_drop import RnnDrop
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.word_dropout import Replace, WordDropout
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training.cohort import Cohort
from tests.recurrence import equations
from tests.training.tiny import VOCABULARY, cohort, run

Array = NDArray[np.float64]
T, B, D, H, P = 5, 4, 3, 4, 0.3
LAYERS = (0, 1)
LATE = Scaling.test_time


@dataclass
class Masks:
    """What the equations are multiplied by; absent: 1."""

    tokens: Array | None = None  # (T, B): whether a word stays
    embedded: Any = 1.0  # (T, B, 1)
    x: dict[int, Any] = field(default_factory=dict)  # of each layer's inputs, (T or 1, B, D)
    W_hh: dict[int, Any] = field(default_factory=dict)  # (G*H, H or 1)
    inside: dict[int, dict[str, Array]] = field(default_factory=dict)  # (T or 1, B, ..., H)
    read: Any = 1.0  # (B, H)


Draw = Callable[..., Array]  # site, *shape, rate=, inverted= -> 0 or 1 / (1 - rate)


def drawn(noise: Noise, k: int) -> Draw:
    """Bernoulli numbers of run ``k``."""

    def draw(site: str, *shape: int, rate: float = P, inverted: bool = True) -> Array:
        kept = noise.uniform(site, shape)[k].double().numpy() >= rate
        return kept / (1 - rate) if inverted else kept.astype(float)

    return draw


def in_layers(mask: Callable[[str], Any]) -> dict[int, Any]:
    return {layer: mask(f"{layer}.0") for layer in LAYERS}


def words(mask: Array, tokens: NDArray[np.int64]) -> Array:
    """(V, B or 1) by word -> (T, B, 1) by place."""
    mask = np.broadcast_to(mask, (len(mask), B))
    return np.stack([[mask[w, b] for b, w in enumerate(row)] for row in tokens])[..., None]


Case = tuple[Regularizer, Callable[[Draw, Model, NDArray[np.int64]], Masks]]
CASES: dict[str, Case] = {
    "survey: input": (
        Dropout(P, [Where.input], scaling=LATE),
        lambda draw, _, __: Masks(x={0: draw("dropout/input/0", T, B, D, inverted=False)}),
    ),
    "survey: hidden": (
        Dropout(P, [Where.hidden], scaling=LATE),
        lambda draw, _, __: Masks(
            inside=in_layers(
                lambda at: {"state": draw(f"dropout/hidden/{at}", T, B, H, inverted=False)}
            )
        ),
    ),
    "survey: both, with torch's scaling": (
        Dropout(P, [Where.input, Where.hidden]),
        lambda draw, _, __: Masks(
            x={0: draw("dropout/input/0", T, B, D)},
            inside=in_layers(lambda at: {"state": draw(f"dropout/hidden/{at}", T, B, H)}),
        ),
    ),
    "zaremba": (
        Dropout(P, [Where.input, Where.between, Where.output]),
        lambda draw, _, __: Masks(
            x={0: draw("dropout/input/0", T, B, D), 1: draw("dropout/between/1", T, B, H)},
            read=draw("dropout/output/2", B, H),
        ),
    ),
    "locked": (
        Dropout(P, list(Where), locked=True),
        lambda draw, _, __: Masks(
            x={0: draw("dropout/input/0", 1, B, D), 1: draw("dropout/between/1", 1, B, H)},
            inside=in_layers(lambda at: {"state": draw(f"dropout/hidden/{at}", 1, B, H)}),
            read=draw("dropout/output/2", B, H),
        ),
    ),
    "gal, tied": (
        VariationalDropout(0.2, P, 0.5),
        lambda draw, _, __: Masks(
            x={
                0: draw("variational_dropout/input/0", 1, B, D, rate=0.2),
                1: draw("variational_dropout/between/1", 1, B, H, rate=0.2),
            },
            inside=in_layers(lambda at: {"h": draw(f"variational_dropout/h/{at}", 1, B, 1, H)}),
            read=draw("variational_dropout/output/2", B, H, rate=0.5),
        ),
    ),
    "gal, a mask for each gate": (
        VariationalDropout(hidden=P, per_gate=True),
        lambda draw, model, _: Masks(
            inside=in_layers(
                lambda at: {"h": draw(f"variational_dropout/h/{at}", 1, B, model.cell.gates, H)}
            )
        ),
    ),
    "semeniuta, per step": (
        RecurrentDropout(P, Per.step),
        lambda draw, _, __: Masks(
            inside=in_layers(lambda at: {"candidate": draw(f"recurrent_dropout/{at}", T, B, H)})
        ),
    ),
    "semeniuta, as published": (
        RecurrentDropout(P, Per.sequence, LATE),
        lambda draw, _, __: Masks(
            inside=in_layers(
                lambda at: {"candidate": draw(f"recurrent_dropout/{at}", 1, B, H, inverted=False)}
            )
        ),
    ),
    "moon": (
        RnnDrop(P),
        lambda draw, _, __: Masks(
            inside=in_layers(lambda at: {"cell": draw(f"rnn_drop/{at}", 1, B, H, inverted=False)})
        ),
    ),
    "krueger": (
        Zoneout(0.2, P),
        lambda draw, model, _: Masks(
            inside=in_layers(
                lambda at: {
                    "zoneout_h": 1 - draw(f"zoneout/h/{at}", T, B, H, rate=0.2, inverted=False),
                    "zoneout_c": 1 - draw(f"zoneout/c/{at}", T, B, H, inverted=False),
                }
            )
        ),
    ),
    "krueger, one mask": (
        Zoneout(P, P, shared=True),
        lambda draw, model, _: Masks(
            inside=in_layers(
                lambda at: dict.fromkeys(
                    ("zoneout_h", "zoneout_c"),
                    1 - draw(f"zoneout/both/{at}", T, B, H, inverted=False),
                )
            )
        ),
    ),
    "merity: weights": (
        WeightDrop(P),
        lambda draw, model, _: Masks(
            W_hh=in_layers(lambda at: draw(f"weight_drop/layer{at}.W_hh", model.cell.gates * H, H))
        ),
    ),
    "merity: rows of one layer": (
        WeightDrop(P, layers=[1], variational=True),
        lambda draw, model, _: Masks(
            W_hh={1: draw("weight_drop/layer1.0.W_hh", model.cell.gates * H, 1)}
        ),
    ),
    "merity: words": (
        EmbeddingDropout(P),
        lambda draw, _, tokens: Masks(
            embedded=words(draw("embedding_dropout", VOCABULARY, 1), tokens)
        ),
    ),
    "gal: words": (
        EmbeddingDropout(P, Words.sequence),
        lambda draw, _, tokens: Masks(
            embedded=words(draw("embedding_dropout", VOCABULARY, B), tokens)
        ),
    ),
    "bowman": (
        WordDropout(P),
        lambda draw, _, __: Masks(tokens=draw("word_dropout", T, B, inverted=False)),
    ),
    "iyyer": (
        WordDropout(P, Replace.zero),
        lambda draw, _, __: Masks(embedded=draw("word_dropout", T, B, inverted=False)[..., None]),
    ),
}
EXPECTED = {  # of the cases that take part in evaluation
    "survey: input": Masks(x={0: 1 - P}),
    "survey: hidden": Masks(inside=in_layers(lambda _: {"state": np.full((1, B, H), 1 - P)})),
    "semeniuta, as published": Masks(
        inside=in_layers(lambda _: {"candidate": np.full((1, B, H), 1 - P)})
    ),
    "moon": Masks(inside=in_layers(lambda _: {"cell": np.full((1, B, H), 1 - P)})),
    "krueger": Masks(
        inside=in_layers(
            lambda _: {
                "zoneout_h": np.full((1, B, H), 0.2),
                "zoneout_c": np.full((1, B, H), P),
            }
        )
    ),
    "krueger, one mask": Masks(
        inside=in_layers(lambda _: dict.fromkeys(("zoneout_h", "zoneout_c"), np.full((1, B, H), P)))
    ),
}
MODELS = [RNN(D, H, layers=2), GRU(D, H, layers=2), LSTM(D, H, layers=2)]


def logits(own: Cohort, batch: Batch, k: int, masks: Masks) -> Array:
    """(B, C) of run ``k``: each sequence at its own length, by plain loops."""
    weights = {name: value[k].detach().numpy() for name, value in own.weights.items()}
    rows = []
    for b in range(B):
        length = int(batch.lengths[k, b])
        ids = batch.inputs[k, :length, b].numpy()
        if masks.tokens is not None:
            ids = np.where(masks.tokens[:length, b] > 0, ids, 1)
        embedded = np.broadcast_to(masks.embedded, (T, B, 1))
        x = weights["embedding"][ids] * embedded[:length, b]
        for layer in LAYERS:
            mask = np.broadcast_to(masks.x.get(layer, 1.0), (T, B, x.shape[1]))
            x = recurrence(own.model, weights, layer, x * mask[:length, b], masks, b)
        read = x[-1] * np.broadcast_to(masks.read, (B, H))[b]
        rows.append(weights["head.W_yh"] @ read + weights["head.b_y"])
    return np.stack(rows)


def recurrence(
    model: Model, weights: dict[str, Array], layer: int, x: Array, masks: Masks, b: int
) -> Array:
    parts = [weights[f"layer{layer}.0.{name}"] for name in ("W_hx", "W_hh", "b_hx", "b_hh")]
    parts[1] = parts[1] * masks.W_hh.get(layer, 1.0)
    inside = {name: mask[:, b] for name, mask in masks.inside.get(layer, {}).items()}
    zeros = [np.zeros(H)] * model.cell.states
    return equations.outputs(model.cell.name, x, zeros, parts, inside)


def two_runs(model: Model, technique: Regularizer) -> tuple[Cohort, Batch]:
    own = cohort(run(technique, seed=3), run(technique, seed=4), model=model)
    rows = torch.tensor([[0, 1, 2, 3], [5, 2, 7, 0]])
    return own, gather(own.split("train"), rows)


def refused(model: Model, name: str) -> bool:
    return (model.cell.gates == 1 and "semeniuta" in name) or (
        model.cell.states == 1 and name == "moon"
    )


def found(own: Cohort, batch: Batch, noise: Noise | None) -> Array:
    return own.task.forward(own.network(noise), batch, None).logits.detach().numpy()


FITTING = [(m, n) for m in MODELS for n in CASES if not refused(m, n)]
each_case = pytest.mark.parametrize(
    ("model", "name"), FITTING, ids=lambda own: own if isinstance(own, str) else own.cell.name
)


@each_case
def test_training_equals_the_equations(model: Model, name: str):
    technique, masks = CASES[name]
    own, batch = two_runs(model, technique)
    assert batch.inputs.shape == (2, T, B)
    assert len(set(batch.lengths.flatten().tolist())) > 2
    noise = Noise(own.seeds, 6)
    logits_found = found(own, batch, noise)
    assert not np.allclose(logits_found, found(own, batch, None))
    for k in range(2):
        wanted = logits(own, batch, k, masks(drawn(noise, k), model, batch.inputs[k].numpy()))
        np.testing.assert_allclose(logits_found[k], wanted, rtol=1e-10, atol=1e-12)


@each_case
def test_evaluation_equals_the_plain_equations_or_their_expectation(model: Model, name: str):
    own, batch = two_runs(model, CASES[name][0])
    logits_found = found(own, batch, None)
    plain = [logits(own, batch, k, Masks()) for k in range(2)]
    for k in range(2):
        wanted = logits(own, batch, k, EXPECTED.get(name, Masks()))
        np.testing.assert_allclose(logits_found[k], wanted, rtol=1e-10, atol=1e-12)
    assert np.allclose(logits_found, plain) is (name not in EXPECTED)
