"""The contracts of every technique on an encoder and a decoder, where it acts on both."""

import dataclasses
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, Model
from rnn_regexp.models.translation import decode, encode
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.activation import Activation
from rnn_regexp.regularizers.activation_noise import ActivationNoise
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.init import Init, Scheme
from rnn_regexp.regularizers.layer_norm import LayerNorm
from rnn_regexp.regularizers.norm_stabilizer import NormStabilizer
from rnn_regexp.regularizers.recurrent_dropout import RecurrentDropout
from rnn_regexp.regularizers.rnn_drop import RnnDrop
from rnn_regexp.regularizers.spectral_norm import SpectralNorm
from rnn_regexp.regularizers.temporal_activation import TemporalActivation
from rnn_regexp.regularizers.trace import Trace
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.weight_noise import WeightNoise
from rnn_regexp.regularizers.weight_tying import WeightTying
from rnn_regexp.regularizers.word_dropout import WordDropout
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.training.cohort import Cohort
from tests.regularizers import catalogue, test_contracts
from tests.regularizers.catalogue import Problem, Technique, name_of, strong
from tests.training.tiny import cohort, run, translations, watch

PROBLEMS = (
    Problem(GRU(4, 4, layers=2, bidirectional=True), translations(longest=3)),
    Problem(LSTM(4, 4), translations(longest=3)),
)
REFUSED = {
    "mixup": "task translate has a label at every step: nothing to mix as a whole",
    "monte_carlo": "each word of a search would need all samples (task translate)",
    "recurrent_batch_norm": "a search knows no statistics of the steps of its decoder "
    "(task translate)",
    "state_reset": "no states are carried over on the task translate",
    "variable_bptt": "task translate has whole sequences: only streams are cut into windows",
}


@pytest.fixture(autouse=True)
def _on_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PROBLEMS", PROBLEMS)


acting = pytest.mark.parametrize(
    "technique", [own for own in catalogue.ALL if name_of(own) not in REFUSED], ids=name_of
)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_cannot_act_is_refused(name: str, reason: str):
    (technique,) = (own for own in catalogue.ALL if name_of(own) == name)
    for problem in PROBLEMS:
        assert reason in list(problem.objections(Dropout(0.5), strong(technique)))


@acting
def test_evaluation(technique: Technique):
    name = "test_evaluation_is_deterministic_and_the_plain_models_unless_it_takes_part"
    getattr(test_contracts, name)(technique)


@acting
def test_alone_equals_in_a_cohort(technique: Technique):
    test_contracts.test_alone_equals_in_a_cohort_in_which_another_lacks_it(technique)


@acting
def test_gradient(technique: Technique):
    test_contracts.test_the_whole_steps_gradient_is_that_of_finite_differences(technique)


# On both sides

DEEP = GRU(4, 4, layers=2, bidirectional=True)
MEMORY = LSTM(4, 4, layers=2)
INSIDE: list[tuple[Model, Regularizer]] = [
    (DEEP, Dropout(0.5, [Where.input])),
    (DEEP, Dropout(0.5, [Where.between])),
    (DEEP, Dropout(0.5, [Where.hidden])),
    (DEEP, VariationalDropout(input=0.5)),
    (DEEP, VariationalDropout(hidden=0.5)),
    (DEEP, RecurrentDropout(0.5)),
    (MEMORY, RnnDrop(0.5)),
    (MEMORY, Zoneout(h=0.3)),
    (MEMORY, Zoneout(c=0.3)),
    (DEEP, WeightDrop(0.5)),
    (DEEP, WeightNoise(0.3)),
    (DEEP, WordDropout(0.5)),
    (DEEP, EmbeddingDropout(0.5)),
    (DEEP, ActivationNoise(0.3)),
    (DEEP, SpectralNorm(0.5)),
    (DEEP, LayerNorm(normalized=True)),
]


def parts(own: Cohort, noise: Noise, plain: Cohort) -> tuple[Trace, Trace]:
    """The encoder's trace, and that of the decoder behind an encoder without techniques."""
    batch = own.task.sample(own.split("train"), own.runs)
    flat = plain.weights.flat
    undisturbed = encode(plain.network(noise, flat), batch.inputs, batch.lengths)
    encoded = encode(own.network(noise), batch.inputs, batch.lengths)
    words = batch.targets[..., 1:].transpose(1, 2)
    alone = dataclasses.replace(undisturbed, decoder=encoded.decoder, weights=encoded.weights)
    return encoded.trace, decode(alone, words.clamp_min(0), (words >= 0).sum(dim=1))


@pytest.mark.parametrize(("model", "technique"), INSIDE, ids=lambda own: name_of(type(own)))
def test_it_acts_in_the_encoder_and_in_the_decoder(model: Model, technique: Regularizer):
    data, noise = translations(), Noise(torch.tensor([0]), 3)
    own, plain = (
        cohort(run(*techniques), data=data, model=model) for techniques in ([technique], [])
    )
    pairs = zip(parts(own, noise, plain), parts(plain, noise, plain))
    for disturbed, undisturbed in pairs:
        last = disturbed.outputs[-1] - undisturbed.outputs[-1]
        assert (last != 0).any()
    names = [spec.name for spec in own.weights.specs if ".W_hh" in spec.name]
    layers = {name.partition(".")[0] for name in names}
    assert layers == {"layer0", "layer1", "layer2", "layer3"}


def test_encoder_and_decoder_have_masks_of_their_own():
    """The same word at the same place is not dropped in both, or in none."""
    own = cohort(run(WordDropout(0.5)), data=translations(), model=DEEP)
    network = own.network(Noise(own.seeds, 3))
    words = torch.full((1, 20, 10), 7)
    encoder = network.applied.tokens(words) == 1
    decoder = network.applied.branched("decoder").tokens(words) == 1
    assert 0.35 < (encoder == decoder).double().mean() < 0.65


def test_the_head_shares_the_decoders_table():
    own = cohort(run(WeightTying(tied=True)), data=translations(), model=DEEP)
    weights = own.network().applied.weights(own.weights)
    assert weights["head.W_yh"] is weights["decoder.embedding"]
    assert weights["head.W_yh"] is not weights["embedding"]
    assert "head.W_yh" not in own.weights


def test_a_tied_table_must_be_as_wide_as_the_decoder():
    with pytest.raises(BadInput) as caught:
        cohort(run(WeightTying(tied=True)), data=translations(), model=GRU(3, 4))
    assert str(caught.value) == (
        "regularizers.weight_tying: model.embedding=3 must be as wide as what the head reads (4)"
    )


def test_the_decoders_matrices_start_as_asked():
    own = cohort(run(Init(Scheme.orthogonal)), data=translations(), model=DEEP)
    for layer in range(4):
        for gate in own.weights[f"layer{layer}.0.W_hh"][0].unflatten(0, (3, -1)):
            torch.testing.assert_close(gate @ gate.T, torch.eye(4, dtype=torch.double))


def test_a_decoders_layers_have_the_numbers_behind_the_encoders():
    own = cohort(run(WeightDrop(0.9, layers=[3])), data=translations(), model=DEEP)
    weights = own.network(Noise(own.seeds, 1)).applied.weights(own.weights)
    changed = [name for name in own.weights if not torch.equal(weights[name], own.weights[name])]
    assert changed == ["layer3.0.W_hh"]
    with pytest.raises(BadInput) as caught:
        cohort(run(WeightDrop(0.5, layers=[4])), data=translations(), model=DEEP)
    assert "there is no layer 4" in str(caught.value)


def mean_square(values: Tensor, lengths: Tensor) -> float:
    """Over units and valid steps of (T, B, D)."""
    valid = [values[:n, b] for b, n in enumerate(lengths)]
    return torch.cat(valid).square().mean().item()


def sides(own: Cohort) -> tuple[Trace, list[Trace]]:
    batch = own.task.sample(own.split("valid"), 1)
    trace = own.task.forward(own.network(), batch, None)
    assert trace.encoder is not None
    assert trace.encoder.lengths.tolist() == batch.lengths.tolist()
    assert trace.lengths.tolist() == (batch.lengths + 1).tolist()
    return trace, [trace.encoder, trace]


def test_activation_regularization_has_a_term_for_each():
    own = cohort(run(Activation(2.0)), data=translations(), model=DEEP)
    trace, both = sides(own)
    (found,) = own.regularizers.penalties(own.weights, trace)
    expected = sum(2.0 * mean_square(part.read[0], part.lengths[0]) for part in both)
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_temporal_activation_regularization_has_a_term_for_each():
    own = cohort(run(TemporalActivation(1.5)), data=translations(), model=DEEP)
    trace, both = sides(own)
    (found,) = own.regularizers.penalties(own.weights, trace)
    steps = [(part.outputs[-1][0].diff(dim=0), part.lengths[0] - 1) for part in both]
    expected = sum(1.5 * mean_square(*own) for own in steps)
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_the_norm_stabilizer_sees_all_layers_of_both():
    own = cohort(run(NormStabilizer(3.0)), data=translations(), model=DEEP)
    trace, both = sides(own)
    (found,) = own.regularizers.penalties(own.weights, trace)
    expected = 0.0
    for part in both:
        for outputs in part.outputs:
            for h in outputs[0].split(4, dim=-1):
                norms = torch.linalg.vector_norm(h, dim=-1)
                moves = norms.diff(dim=0)[..., None]
                expected += 3.0 * mean_square(moves, part.lengths[0] - 1)
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_all_that_can_act_act_together():
    """In one run; a second one has them at no strength, and a third at another."""
    fits: list[Regularizer] = []
    for technique in catalogue.ALL:
        if not list(PROBLEMS[0].objections(*fits, strong(technique))):
            fits.append(strong(technique))
    assert len(fits) > len(catalogue.ALL) / 2
    shared = [own for own in fits if not type(own).separate]
    separate = [own for own in fits if type(own).separate]
    runs = [run(*separate, *shared), run(*separate, seed=1), run(*fits, seed=2)]
    outcomes, journal = watch(PROBLEMS[0].cohort(*runs, epochs=2))
    (alone,), single = watch(PROBLEMS[0].cohort(run(*separate, *shared), epochs=2))
    torch.testing.assert_close(journal.path(0), single.path(0), rtol=1e-9, atol=1e-11)
    assert outcomes[0].metrics == pytest.approx(alone.metrics, rel=1e-9)
    for one, other in pairwise(journal.path(k) for k in range(3)):
        assert not torch.equal(one[-1], other[-1])
