"""Several techniques at one place act together."""

from dataclasses import dataclass

import torch

from rnn_regexp.noise import Noise
from rnn_regexp.recurrence.cells import LSTM
from rnn_regexp.recurrence.perturbation import RecurrentNoise
from rnn_regexp.regularizers.application import Application
from rnn_regexp.regularizers.base import Place, Regularizer
from rnn_regexp.regularizers.dropout import Dropout, Where
from rnn_regexp.regularizers.rnn_drop import RnnDrop
from rnn_regexp.regularizers.stack import stack
from tests.regularizers.catalogue import CPU

PLACE = Place(0, 0, LSTM, 5, 4, 3, torch.ones(1))


@dataclass
class Halved(Regularizer):
    """Half of every state."""

    def recurrent_noise(self, place: Place, noise: Noise | None) -> RecurrentNoise:
        return RecurrentNoise(state=torch.full((1, 1, 4, 3), 0.5))


def test_masks_on_one_state_are_multiplied_and_others_stand_beside_them():
    drops = [stack([own], CPU) for own in (Dropout(0.5, [Where.hidden]), RnnDrop(0.5))]
    noise = Noise(torch.tensor([3]))
    alone = [own.recurrent_noise(PLACE, noise) for own in drops]
    for order in (1, -1):
        together = Application([*drops, Halved()][::order], noise).recurrent_noise(PLACE)
        assert torch.equal(together.state, alone[0].state / 2)
        assert torch.equal(together.cell, alone[1].cell)
        assert set(together.present()) == {"state", "cell"}


def test_without_masks_there_is_no_noise():
    applied = Application([stack([Dropout(0.5)], CPU)], Noise(torch.tensor([3])))
    assert applied.recurrent_noise(PLACE) is None
