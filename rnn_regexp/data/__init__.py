"""Datasets: each becomes three splits of padded sequences with lengths."""

from rnn_regexp.data.adding import Adding
from rnn_regexp.data.ag_news import AgNews
from rnn_regexp.data.antimicrobial_peptides import AntimicrobialPeptides
from rnn_regexp.data.beijing_pm25 import BeijingPm25
from rnn_regexp.data.co2 import Co2
from rnn_regexp.data.copying import Copying
from rnn_regexp.data.digits import Digits
from rnn_regexp.data.docstrings import Docstrings
from rnn_regexp.data.docstrings_lm import DocstringsLm
from rnn_regexp.data.ett import Ett
from rnn_regexp.data.exchange_rates import ExchangeRates
from rnn_regexp.data.hf import Hf
from rnn_regexp.data.imdb import Imdb
from rnn_regexp.data.japanese_vowels import JapaneseVowels
from rnn_regexp.data.melbourne_temperatures import MelbourneTemperatures
from rnn_regexp.data.mnist import Mnist
from rnn_regexp.data.multi30k import Multi30k
from rnn_regexp.data.parity import Parity
from rnn_regexp.data.promoters import Promoters
from rnn_regexp.data.protein_location import ProteinLocation
from rnn_regexp.data.protein_structure import ProteinStructure
from rnn_regexp.data.ptb import Ptb
from rnn_regexp.data.seattle_weather import SeattleWeather
from rnn_regexp.data.sequence_parquet import SequenceParquet
from rnn_regexp.data.series_csv import SeriesCsv
from rnn_regexp.data.sp500 import Sp500
from rnn_regexp.data.splice_junctions import SpliceJunctions
from rnn_regexp.data.spoken_digit_strings import SpokenDigitStrings
from rnn_regexp.data.spoken_digits import SpokenDigits
from rnn_regexp.data.sst2 import Sst2
from rnn_regexp.data.sunspots import Sunspots
from rnn_regexp.data.surnames import Surnames
from rnn_regexp.data.temporal_order import TemporalOrder
from rnn_regexp.data.text_csv import TextCsv
from rnn_regexp.data.tinyshakespeare import Tinyshakespeare
from rnn_regexp.data.trec import Trec
from rnn_regexp.data.ucr import Ucr
from rnn_regexp.data.wikitext2 import Wikitext2

__all__ = [
    "ALL",
    "Adding",
    "AgNews",
    "AntimicrobialPeptides",
    "BeijingPm25",
    "Co2",
    "Copying",
    "Digits",
    "Docstrings",
    "DocstringsLm",
    "Ett",
    "ExchangeRates",
    "Hf",
    "Imdb",
    "JapaneseVowels",
    "MelbourneTemperatures",
    "Mnist",
    "Multi30k",
    "Parity",
    "Promoters",
    "ProteinLocation",
    "ProteinStructure",
    "Ptb",
    "SeattleWeather",
    "SequenceParquet",
    "SeriesCsv",
    "Sp500",
    "SpliceJunctions",
    "SpokenDigitStrings",
    "SpokenDigits",
    "Sst2",
    "Sunspots",
    "Surnames",
    "TemporalOrder",
    "TextCsv",
    "Tinyshakespeare",
    "Trec",
    "Ucr",
    "Wikitext2",
]

ALL = (
    Docstrings,
    DocstringsLm,
    Digits,
    TextCsv,
    SeriesCsv,
    SequenceParquet,
    Hf,
    AgNews,
    Trec,
    Sst2,
    Imdb,
    Ptb,
    Wikitext2,
    Tinyshakespeare,
    Multi30k,
    JapaneseVowels,
    Ucr,
    Surnames,
    AntimicrobialPeptides,
    SpokenDigits,
    SpokenDigitStrings,
    SpliceJunctions,
    Promoters,
    ProteinLocation,
    ProteinStructure,
    Mnist,
    Ett,
    BeijingPm25,
    MelbourneTemperatures,
    ExchangeRates,
    Sunspots,
    Co2,
    Sp500,
    SeattleWeather,
    TemporalOrder,
    Adding,
    Copying,
    Parity,
)
