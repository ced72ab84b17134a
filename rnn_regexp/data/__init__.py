"""Datasets: each becomes three splits of padded sequences with lengths."""

from rnn_regexp.data.ag_news import AgNews
from rnn_regexp.data.digits import Digits
from rnn_regexp.data.docstrings import Docstrings
from rnn_regexp.data.imdb import Imdb
from rnn_regexp.data.sst2 import Sst2
from rnn_regexp.data.text_csv import TextCsv
from rnn_regexp.data.trec import Trec

__all__ = ["ALL", "AgNews", "Digits", "Docstrings", "Imdb", "Sst2", "TextCsv", "Trec"]

ALL = (Docstrings, Digits, AgNews, Trec, Sst2, Imdb, TextCsv)
