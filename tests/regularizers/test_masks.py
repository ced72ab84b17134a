"""Masks are Bernoulli numbers, shared over what the paper says and over nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import LSTM
from rnn_regexp.regularizers.base import Place, Regularizer, Site
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.embedding_dropout import Per as Words
from rnn_regexp.regularizers.masks import Scaling, drop
from rnn_regexp.regularizers.recurrent_dropout import Per, RecurrentDropout
from rnn_regexp.regularizers.rnn_drop import RnnDrop
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.state_reset import StateReset
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.word_dropout import Replace, WordDropout
from rnn_regexp.regularizers.zoneout import Zoneout
from tests.regularizers.catalogue import CPU

T, B, H = 12, 40, 30
RATE = 0.3
LATE = Scaling.test_time
Shown = Callable[[Regularizer, Noise], Tensor]


def noise(step: int = 0, seed: int = 5) -> Noise:
    return Noise(torch.tensor([seed]), step)


def ones(*shape: int) -> Tensor:
    return torch.ones(1, *shape, dtype=torch.double)


def activations(site: Site, layer: int = 1) -> Shown:
    """What becomes of ones: (T, B, H)."""
    return lambda own, noise: own.transform_activations(site, layer, ones(T, B, H), noise)[0]


def inside(name: str, layer: int = 0, direction: int = 0) -> Shown:
    """A mask of the recurrence: (T, B, H), or (T, B, G, H)."""
    place = Place(layer, direction, LSTM, T, B, H, ones(1))

    def shown(own: Regularizer, noise: Noise) -> Tensor:
        mask = getattr(own.recurrent_noise(place, noise), name)[0]
        return mask.expand(T, B, 4, H) if name == "h" else mask.expand(T, B, H)

    return shown


def weights(own: Regularizer, noise: Noise) -> Tensor:
    matrices = {"layer0.0.W_hh": ones(4 * H, H), "layer0.0.W_hx": ones(4 * H, H)}
    own.transform_weights(matrices, noise)
    assert (matrices["layer0.0.W_hx"] == 1).all()
    return matrices["layer0.0.W_hh"][0]


def by_word(own: Regularizer, noise: Noise) -> Tensor:
    """What becomes of each of 300 words in each sequence, all words in all: (V, B, H)."""
    words = torch.arange(300)[None, :, None].expand(1, 300, B)
    return own.transform_embedded(ones(300, B, H), words, noise)[0]


def replaced(own: Regularizer, noise: Noise) -> Tensor:
    """1 where a word stays, 0 where it has become unknown: (T, B)."""
    words = torch.full((1, 200, B), 7)
    after = own.transform_tokens(words, noise)[0]
    assert set(after.unique().tolist()) == {1, 7}
    return (after == 7).double()


def carried(own: Regularizer, noise: Noise) -> Tensor:
    """(layers * 2 states, streams, H): what becomes of the states of 400 streams."""
    places = [Place(layer, 0, LSTM, T, 400, H, ones(1)) for layer in (0, 1)]
    found = [own.transform_states((ones(400, H),) * 2, place, noise) for place in places]
    return torch.stack([state[0] for layer in found for state in layer])


@dataclass(frozen=True)
class Mask:
    """A technique with rate ``RATE``, its mask, and the dimensions over which it is shared."""

    own: Regularizer
    shown: Shown
    shared: tuple[int, ...] = ()
    inverted: bool = True
    kept: float = 1 - RATE


MASKS = {
    "dropout": Mask(Dropout(RATE, [Where.between]), activations(Site.between)),
    "dropout, locked": Mask(
        Dropout(RATE, [Where.between], locked=True), activations(Site.between), (0,)
    ),
    "hidden": Mask(Dropout(RATE, [Where.hidden]), inside("state")),
    "hidden, locked": Mask(Dropout(RATE, [Where.hidden], True), inside("state"), (0,)),
    "hidden, survey": Mask(
        Dropout(RATE, [Where.hidden], scaling=LATE), inside("state"), inverted=False
    ),
    "gal, input": Mask(VariationalDropout(input=RATE), activations(Site.input), (0,)),
    "gal, between": Mask(VariationalDropout(input=RATE), activations(Site.between), (0,)),
    "gal, output": Mask(VariationalDropout(output=RATE), activations(Site.output), (0,)),
    "gal, tied": Mask(VariationalDropout(hidden=RATE), inside("h"), (0, 2)),
    "gal, per gate": Mask(VariationalDropout(hidden=RATE, per_gate=True), inside("h"), (0,)),
    "semeniuta, per step": Mask(RecurrentDropout(RATE, Per.step), inside("candidate")),
    "semeniuta, per sequence": Mask(RecurrentDropout(RATE), inside("candidate"), (0,)),
    "moon": Mask(RnnDrop(RATE), inside("cell"), (0,), inverted=False),
    "krueger, h": Mask(Zoneout(h=RATE), inside("zoneout_h"), (), False, RATE),
    "krueger, c": Mask(Zoneout(c=RATE), inside("zoneout_c"), (), False, RATE),
    "merity, weights": Mask(WeightDrop(RATE), weights),
    "merity, rows": Mask(WeightDrop(RATE, variational=True), weights, (1,)),
    "merity, words": Mask(EmbeddingDropout(RATE), by_word, (1, 2)),
    "gal, words": Mask(EmbeddingDropout(RATE, Words.sequence), by_word, (2,)),
    "bowman": Mask(WordDropout(RATE), replaced, (), False),
    "iyyer": Mask(WordDropout(RATE, Replace.zero), by_word, (2,), False),
    "lamb": Mask(StateReset(RATE), carried, (0, 2), False),
}
each_mask = pytest.mark.parametrize("name", MASKS)


def shown(name: str, noise: Noise) -> Tensor:
    return MASKS[name].shown(stack([MASKS[name].own], CPU), noise)


@each_mask
def test_values_mean_and_variance(name: str):
    it, mask = MASKS[name], shown(name, noise())
    for dim in it.shared:
        mask = mask.narrow(dim, 0, 1)  # independent values
    scale = 1 / it.kept if it.inverted else 1.0
    assert torch.allclose(mask.unique(), torch.tensor([0, scale], dtype=torch.double), rtol=1e-15)
    mean, variance = scale * it.kept, scale**2 * it.kept * (1 - it.kept)
    fourth = scale**4 * it.kept * (1 - it.kept) * (it.kept**3 + (1 - it.kept) ** 3)
    count = mask.numel()
    assert abs(mask.mean() - mean) < 4 * (variance / count) ** 0.5
    assert abs(mask.var() - variance) < 4 * ((fourth - variance**2) / count) ** 0.5 + 3 / count
    if it.inverted:
        assert mean == pytest.approx(1)
        assert variance == pytest.approx(RATE / (1 - RATE))


@each_mask
def test_shared_over_what_is_said_and_over_nothing_else(name: str):
    it, mask = MASKS[name], shown(name, noise())
    for dim in range(mask.dim()):
        pair = [mask.narrow(dim, start, mask.shape[dim] - 1) for start in (0, 1)]
        if dim in it.shared:
            assert torch.equal(*pair)
            continue
        for other in it.shared:
            pair = [own.narrow(other, 0, 1) for own in pair]
        agree, chance = (pair[0] == pair[1]).double().mean(), it.kept**2 + (1 - it.kept) ** 2
        assert abs(agree - chance) < 5 * (0.25 / pair[0].numel()) ** 0.5, dim


@each_mask
def test_another_seed_or_step_has_a_mask_of_its_own(name: str):
    here = shown(name, noise())
    assert torch.equal(shown(name, noise()), here)
    for other in (noise(step=1), noise(seed=6)):
        assert (shown(name, other) != here).double().mean() > 0.2


SOMEWHERE_ELSE = {
    "dropout": activations(Site.between, layer=2),
    "hidden": inside("state", layer=1),
    "gal, between": activations(Site.between, layer=2),
    "gal, tied": inside("h", direction=1),
    "semeniuta, per step": inside("candidate", direction=1),
    "moon": inside("cell", layer=1),
    "krueger, h": inside("zoneout_h", layer=1),
    "krueger, c": inside("zoneout_c", direction=1),
}


@pytest.mark.parametrize("name", SOMEWHERE_ELSE)
def test_each_layer_and_direction_has_a_mask_of_its_own(name: str):
    own = stack([MASKS[name].own], CPU)
    here, there = MASKS[name].shown(own, noise()), SOMEWHERE_ELSE[name](own, noise())
    assert (here != there).double().mean() > 0.3


def test_zoneout_shares_a_mask_between_h_and_c_where_it_is_told_to():
    for shared in (False, True):
        own = stack([Zoneout(RATE, RATE, shared)], CPU)
        h, c = (inside(name)(own, noise()) for name in ("zoneout_h", "zoneout_c"))
        assert torch.equal(h, c) is shared


@pytest.mark.parametrize("scaling", Scaling)
def test_training_and_evaluation_agree_in_the_mean(scaling: Scaling):
    """Trap: scaling at test time and in training are equal in expectation, and only there."""
    rate = torch.tensor([RATE], dtype=torch.double)
    mask = drop(noise(), "site", (200_000,), rate, ones(1), (scaling,))
    later = drop(None, "site", (200_000,), rate, ones(1), (scaling,))
    expected = 1.0 if later is None else float(later[0, 0])
    assert expected == {Scaling.inverted: 1.0, Scaling.test_time: 1 - RATE}[scaling]
    assert abs(mask.mean() - expected) < 5 * (mask.var() / mask.numel()) ** 0.5
    assert mask.square().mean() - expected**2 > 0.1


def test_each_run_is_scaled_in_its_own_way():
    rates = torch.tensor([RATE, RATE, 0.0], dtype=torch.double)
    ways = (Scaling.inverted, LATE, LATE)
    three = Noise(torch.tensor([5, 5, 5]))
    mask = drop(three, "site", (50,), rates, torch.ones(3, 1), ways)
    assert torch.allclose(mask[0] * (1 - RATE), mask[1])
    later = drop(None, "site", (50,), rates, torch.ones(3, 1), ways)
    assert later[:, 0].tolist() == pytest.approx([1, 1 - RATE, 1])
    assert (later[2] == 1).all()
    assert mask.dtype is later.dtype is torch.float32
