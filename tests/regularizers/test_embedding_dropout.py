"""Dropped words are dropped from the input alone, wherever they occur."""

from dataclasses import replace

import pytest
import torch

from rnn_regexp.data.batches import Batch
from rnn_regexp.models import LSTM
from rnn_regexp.noise import Noise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.base import Regularizer
from rnn_regexp.regularizers.embedding_dropout import EmbeddingDropout, Per
from rnn_regexp.regularizers.stack import stack
from tests.regularizers.catalogue import CPU
from tests.training.tiny import VOCABULARY, cohort, run, stream


class Tied(Regularizer):
    """The head reads the embedding table (Press & Wolf 2017)."""

    def transform_weights(self, weights: dict[str, torch.Tensor], noise: Noise | None) -> None:
        weights["head.W_yh"] = weights["embedding"]


@pytest.mark.parametrize("per", Per)
def test_where_the_head_shares_the_table_its_use_there_is_not_masked(per: Per):
    """Trap: masking the table itself would take dropped words out of the predictions too."""
    own = cohort(run(), data=stream(), model=LSTM(4, 4))
    words = torch.randint(VOCABULARY, (1, 6, 5), generator=torch.Generator().manual_seed(4))
    batch, noise = Batch(words, torch.full((1, 5), 6), words), Noise(own.seeds, 3)
    applied = Application([stack([EmbeddingDropout(0.5, per)], CPU), Tied()], noise)
    network = replace(own.network(), applied=applied)
    trace = own.task.forward(network, batch, ())
    E, b = own.weights["embedding"][0], own.weights["head.b_y"][0]
    torch.testing.assert_close(trace.logits[0], trace.read[0] @ E.T + b)
    assert (trace.inputs[0] == 0).all(dim=-1).any()


def test_a_word_is_dropped_everywhere_or_nowhere():
    """Trap: the first version of Gal's code had a mask for each place of a word."""
    own = stack([EmbeddingDropout(0.5, Per.sequence)], CPU)
    words = torch.tensor([3, 1, 3, 2, 1, 3])[None, :, None].expand(1, 6, 50)
    out = own.transform_embedded(torch.ones(1, 6, 50, 2), words, Noise(torch.tensor([0])))[0]
    for same in ([0, 2, 5], [1, 4]):
        assert (out[same] == out[same[0]]).all()
    assert not torch.equal(out[0], out[1])
    assert not torch.equal(out[:, 0], out[:, 1])


def test_words_have_their_masks_whatever_other_words_there_are():
    own = stack([EmbeddingDropout(0.5)], CPU)
    few, many = (torch.arange(count)[None, :, None] for count in (20, 500))
    masks = [
        own.transform_embedded(torch.ones(1, w.shape[1], 1, 1), w, Noise(torch.tensor([7])))
        for w in (few, many)
    ]
    assert torch.equal(masks[0], masks[1][:, :20])
