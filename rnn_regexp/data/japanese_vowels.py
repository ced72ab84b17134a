"""Two Japanese vowels spoken in a row: which of nine men is it?"""

from dataclasses import dataclass
from typing import ClassVar

from rnn_regexp.data.archive_series import ArchiveSeries, parts
from rnn_regexp.data.published import DataFile


@dataclass
class JapaneseVowels(ArchiveSeries):
    """12 LPC cepstrum coefficients over 7 to 29 steps -> one of nine speakers; 270 and 370 series.

    Source: Kudo, Toyama and Shimbo 1999, UCI 128; official splits.
    """

    source: ClassVar[str] = "UCI 128 (Kudo, Toyama & Shimbo 1999), from files or sktime"
    licence: ClassVar[str] = "CC BY 4.0 at UCI; packaged under BSD-3-Clause"
    published: ClassVar[tuple[DataFile, ...]] = parts(
        "japanese_vowels",
        "JapaneseVowels",
        ("sha256:68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd", 487971),
        ("sha256:b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462", 649132),
    )
