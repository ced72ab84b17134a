"""Embedding, recurrent layers and head for K runs; ``recurrent.ALL`` is the list of models."""

from rnn_regexp.models.recurrent import ALL, Model

__all__ = ["ALL", "Model"]
