"""Datasets: each becomes three splits of padded sequences with lengths."""

from rnn_regexp.data.ag_news import AgNews
from rnn_regexp.data.antimicrobial_peptides import AntimicrobialPeptides
from rnn_regexp.data.digits import Digits
from rnn_regexp.data.docstrings import Docstrings
from rnn_regexp.data.hf import Hf
from rnn_regexp.data.imdb import Imdb
from rnn_regexp.data.japanese_vowels import JapaneseVowels
from rnn_regexp.data.mnist import Mnist
from rnn_regexp.data.parity import Parity
from rnn_regexp.data.promoters import Promoters
from rnn_regexp.data.protein_location import ProteinLocation
from rnn_regexp.data.sequence_parquet import SequenceParquet
from rnn_regexp.data.splice_junctions import SpliceJunctions
from rnn_regexp.data.spoken_digits import SpokenDigits
from rnn_regexp.data.sst2 import Sst2
from rnn_regexp.data.surnames import Surnames
from rnn_regexp.data.temporal_order import TemporalOrder
from rnn_regexp.data.text_csv import TextCsv
from rnn_regexp.data.trec import Trec
from rnn_regexp.data.ucr import Ucr

__all__ = [
    "ALL",
    "AgNews",
    "AntimicrobialPeptides",
    "Digits",
    "Docstrings",
    "Hf",
    "Imdb",
    "JapaneseVowels",
    "Mnist",
    "Parity",
    "Promoters",
    "ProteinLocation",
    "SequenceParquet",
    "SpliceJunctions",
    "SpokenDigits",
    "Sst2",
    "Surnames",
    "TemporalOrder",
    "TextCsv",
    "Trec",
    "Ucr",
]

ALL = (
    Docstrings,
    Digits,
    TextCsv,
    SequenceParquet,
    Hf,
    AgNews,
    Trec,
    Sst2,
    Imdb,
    JapaneseVowels,
    Ucr,
    Surnames,
    AntimicrobialPeptides,
    SpokenDigits,
    SpliceJunctions,
    Promoters,
    ProteinLocation,
    Mnist,
    TemporalOrder,
    Parity,
)
