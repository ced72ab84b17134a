"""Embedding, recurrent layers and head for K runs; ``ALL`` is the list of models."""

from rnn_regexp.models.attention import Score
from rnn_regexp.models.gru import GRU
from rnn_regexp.models.lstm import LSTM
from rnn_regexp.models.pooling import Pooling
from rnn_regexp.models.recurrent import Model
from rnn_regexp.models.rnn import RNN, Nonlinearity

ALL: tuple[type[Model], ...] = (RNN, GRU, LSTM)

__all__ = ["ALL", "GRU", "LSTM", "RNN", "Model", "Nonlinearity", "Pooling", "Score"]
