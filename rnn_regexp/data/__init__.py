"""Datasets: each becomes three splits of padded sequences with lengths."""

from rnn_regexp.data.digits import Digits
from rnn_regexp.data.docstrings import Docstrings
from rnn_regexp.data.text_csv import TextCsv

__all__ = ["ALL", "Digits", "Docstrings", "TextCsv"]

ALL = (Docstrings, Digits, TextCsv)
