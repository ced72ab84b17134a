"""Techniques that a model or a task cannot have are refused; those without effect are told."""

import pytest

from rnn_regexp.data.sequences import SequenceData
from rnn_regexp.errors import BadInput
from rnn_regexp.models import GRU, LSTM, RNN, Model
from rnn_regexp.recurrence.backends import Backend
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.fitting import idle, refuse
from rnn_regexp.regularizers.mixup import Mixup
from rnn_regexp.regularizers.monte_carlo import MonteCarlo
from rnn_regexp.regularizers.recurrent_batch_norm import RecurrentBatchNorm
from rnn_regexp.regularizers.recurrent_dropout import RecurrentDropout
from rnn_regexp.regularizers.rnn_drop import RnnDrop
from rnn_regexp.regularizers.state_reset import StateReset
from rnn_regexp.regularizers.subject import Subject
from rnn_regexp.regularizers.variational_dropout import VariationalDropout
from rnn_regexp.regularizers.weight_decay import WeightDecay
from rnn_regexp.regularizers.weight_drop import WeightDrop
from rnn_regexp.regularizers.word_dropout import WordDropout
from rnn_regexp.regularizers.zoneout import Zoneout
from rnn_regexp.tasks import task_of
from rnn_regexp.training.cohort import subject_of
from rnn_regexp.training.settings import Training
from tests.regularizers.catalogue import name_of
from tests.training.tiny import cohort, pixels, run, sentences, stream

SENTENCES, PIXELS, STREAM = sentences(), pixels(), stream()
NATIVE = "training.backend=native has no noise inside the recurrence (take auto)"
FEATURES = "the dataset has features, not words"


def subject(
    *techniques: Regularizer,
    model: Model | None = None,
    data: SequenceData = SENTENCES,
    backend: Backend = Backend.auto,
    batch_size: int = 32,
) -> Subject:
    named = {name_of(type(own)): own for own in techniques}
    training = Training(backend=backend, batch_size=batch_size)
    return subject_of(model or GRU(3, 4), task_of(data), training, named)


REFUSED = {
    "rnn_drop: drops the state c, which only the LSTM has (model=gru)": subject(RnnDrop(0.1)),
    "recurrent_dropout: drops a candidate update, which only gates have (model=rnn)": subject(
        RecurrentDropout(0.1), model=RNN(3, 4)
    ),
    f"word_dropout: {FEATURES}": subject(WordDropout(0.1), data=PIXELS),
    f"embedding_dropout: {FEATURES}": subject(EmbeddingDropout(0.1), data=PIXELS),
    "state_reset: no states are carried over on the task classify": subject(StateReset(0.1)),
    "weight_drop.layers: there is no layer 2 (model.layers=2)": subject(
        WeightDrop(0.1, layers=[0, 2]), model=LSTM(3, 4, layers=2)
    ),
    f"dropout.on: {NATIVE}": subject(Dropout(0.1, [Where.hidden]), backend=Backend.native),
    f"variational_dropout.hidden: {NATIVE}": subject(
        VariationalDropout(0.1, 0.1, 0.1), backend=Backend.native
    ),
    f"recurrent_dropout: {NATIVE}": subject(RecurrentDropout(0.1), backend=Backend.native),
    f"rnn_drop: {NATIVE}": subject(RnnDrop(0.1), model=LSTM(3, 4), backend=Backend.native),
    f"zoneout: {NATIVE}": subject(Zoneout(0.1), backend=Backend.native),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_done_is_refused_with_the_reason(line: str):
    with pytest.raises(BadInput) as caught:
        refuse(REFUSED[line])
    assert str(caught.value) == f"regularizers.{line}"


def test_all_reasons_are_given_at_once():
    with pytest.raises(BadInput) as caught:
        refuse(subject(RnnDrop(0.1), StateReset(0.1), WordDropout(0.1), data=PIXELS))
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "regularizers.rnn_drop",
        "regularizers.state_reset",
        "regularizers.word_dropout",
    ]


GOOD = {
    "neutral": subject(RnnDrop(), RecurrentDropout(), StateReset(), model=RNN(3, 4)),
    "lstm": subject(RnnDrop(0.1), RecurrentDropout(0.1), model=LSTM(3, 4)),
    "stream": subject(StateReset(0.1), WordDropout(0.1), EmbeddingDropout(0.1), data=STREAM),
    "native": subject(
        Dropout(0.1, [Where.input, Where.output]),
        VariationalDropout(0.1, 0, 0.1),
        WeightDrop(0.5),
        backend=Backend.native,
    ),
    "layers": subject(WeightDrop(0.1, layers=[0, 1]), model=LSTM(3, 4, layers=2)),
    "between": subject(Dropout(0.1, [Where.between]), model=GRU(3, 4, layers=2)),
    "more than between": subject(Dropout(0.1, [Where.between, Where.output])),
    "zoneout": subject(Zoneout(0.1, 0.1), model=LSTM(3, 4)),
    "zoneout of h": subject(Zoneout(0.1)),
    "samples": subject(MonteCarlo(3), WeightDrop(0.1)),
    "two sequences": subject(Mixup(0.2), RecurrentBatchNorm(True), batch_size=2),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_done_is_not_spoken_of(name: str):
    refuse(GOOD[name])
    assert idle(GOOD[name]) == {}


IDLE = {
    "dropout": (
        "there is nothing between the layers of one (model.layers=1)",
        subject(Dropout(0.1, [Where.between])),
    ),
    "zoneout.c": ("only the LSTM has a state c (model=gru)", subject(Zoneout(0.1, 0.1))),
    "zoneout": (
        "only the LSTM has a state c (model=rnn)",
        subject(Zoneout(c=0.1), model=RNN(3, 4)),
    ),
    "mixup": (
        "a sequence has no other beside it (training.batch_size=1)",
        subject(Mixup(0.2), batch_size=1),
    ),
    "monte_carlo": (
        "no technique beside it has masks to average over",
        subject(MonteCarlo(3), WordDropout(0.1), WeightDecay(0.1), Dropout()),
    ),
}


@pytest.mark.parametrize("key", IDLE)
def test_what_has_no_effect_is_told(key: str):
    reason, own = IDLE[key]
    refuse(own)
    assert idle(own) == {f"regularizers.{key}": reason}


def test_nowhere_is_without_effect():
    own = subject(Dropout(0.1, []))
    assert idle(own) == {"regularizers.dropout": "regularizers.dropout.on is empty"}


def test_a_cohort_is_not_built_of_what_cannot_be_done():
    with pytest.raises(BadInput, match=r"^regularizers\.rnn_drop: "):
        cohort(run(), run(RnnDrop(0.1)))
    assert cohort(run(), run(RnnDrop())).runs == 2
