"""Words become unknown on the way in; labels, targets and lengths stay as they are."""

from unittest import mock

import torch
from torch import Tensor

from rnn_regexp.data import text
from rnn_regexp.models import LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout
from rnn_regexp.regularizers.stack import stack
from rnn_regexp.regularizers.word_dropout import UNKNOWN, Replace, WordDropout
from rnn_regexp.tasks import language_model
from tests.regularizers.catalogue import CPU
from tests.training.tiny import cohort, run, stream, watch


def test_the_unknown_word_is_that_of_every_vocabulary():
    assert text.UNKNOWN == UNKNOWN
    assert text.SPECIALS[UNKNOWN] == "<unk>"


def test_the_targets_of_a_language_model_keep_their_words():
    seen: list[Tensor] = []
    own_loss = language_model.cross_entropy

    def watched(logits: Tensor, targets: Tensor, *applied: Application) -> Tensor:
        seen.append(targets)
        return own_loss(logits, targets, *applied)

    def targets(*techniques: WordDropout) -> Tensor:
        seen.clear()
        with mock.patch.object(language_model, "cross_entropy", watched):
            watch(cohort(run(*techniques), data=stream(), model=LSTM(3, 4), window=5, epochs=1))
        return torch.cat([own.flatten() for own in seen])

    assert torch.equal(targets(WordDropout(0.8)), targets())
    assert not (targets() == UNKNOWN).any()


def test_each_run_replaces_in_its_own_way_and_the_same_places():
    own = stack([WordDropout(0.5), WordDropout(0.5, Replace.zero)], CPU)
    noise = Noise(torch.tensor([3, 3]))
    words = torch.full((2, 30, 4), 7)
    after = own.transform_tokens(words, noise)
    vectors = own.transform_embedded(torch.ones(2, 30, 4, 2), after, noise)
    assert (after[1] == 7).all()
    assert (vectors[0] == 1).all()
    assert torch.equal(after[0] == UNKNOWN, vectors[1, :, :, 0] == 0)


def test_an_unknown_word_is_looked_up_and_dropped_like_any_other():
    """Word dropout comes first: embedding dropout masks the unknown word's vector."""
    techniques = [stack([own], CPU) for own in (WordDropout(0.9), EmbeddingDropout(0.5))]
    applied = Application(techniques, Noise(torch.tensor([1]), 2))
    after = applied.tokens(torch.full((1, 20, 4), 7))
    vectors = applied.embedded(torch.ones(1, 20, 4, 1), after)[..., 0]
    for word in (7, UNKNOWN):
        assert len(vectors[after == word].unique()) == 1
