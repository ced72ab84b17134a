"""The ``.ts`` files of the UCR and UEA archives: one labelled series a line.

After lines that start with ``#`` or ``@`` and the word ``@data``, a line holds channels separated by
``:``, values by ``,``, and at the end the class. A missing value is ``?`` or NaN; it is refused.
"""

import numpy as np

from rnn_regexp.data.features import Series, Values
from rnn_regexp.data.sequences import DataError


def parse(text: str, name: str) -> list[Series]:
    """The series of the file ``name``; each value and each length is checked.

    Raises ``DataError`` with the line of the file and the column of the series at fault.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    start = next((at for at, (_, line) in enumerate(lines) if line.lower() == "@data"), None)
    if start is None:
        raise DataError(f"{name} is no .ts file: it has no line @data")
    series = [_series(line, f"line {number} of {name}") for number, line in lines[start + 1 :] if line]
    if not series:
        raise DataError(f"{name} has no series behind @data")
    widths = {own.values.shape[1] for own in series}
    if len(widths) > 1:
        raise DataError(f"{name}: series with different numbers of channels: {sorted(widths)}")
    return series


def _series(line: str, place: str) -> Series:
    *channels, label = line.split(":")
    if not channels or not label.strip():
        raise DataError(f"{place} has no class behind the last colon")
    columns = [_channel(text, f"{place}, channel {at}") for at, text in enumerate(channels, start=1)]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise DataError(f"{place}: channels of different lengths: {sorted(lengths)}")
    return Series(np.stack(columns, axis=1), label.strip())  # (T, D)


def _channel(text: str, place: str) -> Values:
    values = text.split(",")
    try:
        numbers = np.array([float(value.replace("?", "nan")) for value in values])
    except ValueError:
        wrong = next(at for at, value in enumerate(values, start=1) if not _number(value))
        raise DataError(f"{place}, step {wrong}: {values[wrong - 1]!r} is no number") from None
    missing = np.flatnonzero(~np.isfinite(numbers))
    if len(missing):
        raise DataError(
            f"{place}, step {missing[0] + 1}: the value is missing ({values[missing[0]]}); "
            "series must be complete here"
        )
    return numbers


def _number(value: str) -> bool:
    try:
        float(value.replace("?", "nan"))
    except ValueError:
        return False
    return True
