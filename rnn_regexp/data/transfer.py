"""One file over HTTP, continued where an earlier attempt broke off.

A part is continued only while the server has the same file (RFC 9110, If-Range), by the strong
``ETag`` or else the ``Last-Modified`` that stands in ``<part>.version``.
"""

import sys
import time
from pathlib import Path

import requests

from rnn_regexp.data.content import LARGEST
from rnn_regexp.data.sequences import DataError

ATTEMPTS = 4  # each continues where the last one stopped
PAUSE = 0.5  # seconds before the second attempt, doubled for each further one
TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
PIECE = 1 << 14  # bytes written at a time: so much is lost of an answer that breaks off
BUSY = {408, 425, 429, 500, 502, 503, 504}
BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


class Interrupted(Exception):
    """No connection, or none that lasts; the message says why. What has arrived is kept."""


class Busy(requests.ConnectionError):
    """An answer after which it is worth to ask again."""


def transfer(url: str, part: Path, size: int = 0) -> None:
    """Write what ``url`` holds to ``part``, at most ``size`` bytes, where that is known.

    Raises ``Interrupted``, or ``DataError`` for an answer that is too long.
    """
    print(f"fetching {url}", file=sys.stderr)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _receive(url, part, size or LARGEST)
            return
        except BROKEN as error:
            if attempt == ATTEMPTS:
                raise Interrupted(_reason(error)) from None
            time.sleep(PAUSE * 2 ** (attempt - 1))
        except requests.RequestException as error:
            raise Interrupted(str(error)) from None


def _receive(url: str, part: Path, limit: int) -> None:
    version = _version(part)
    headers = {"Accept-Encoding": "identity", "User-Agent": "rnn_regexp"}
    start = part.stat().st_size if part.exists() and version.exists() else 0
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": version.read_text("ascii")}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if start and answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise Busy("the part was no part of the file")
        _expect_content(answer)
        continued = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if not (start and answer.status_code == requests.codes.partial and continued):
            start = 0
            part.write_bytes(b"")
            _remember(answer, version)
        _append(answer, part, limit - start)
    version.unlink(missing_ok=True)


def _version(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


def _expect_content(answer: requests.Response) -> None:
    told = f"the answer is {answer.status_code} {answer.reason}"
    if answer.status_code in BUSY:
        raise Busy(told)
    if answer.status_code not in (requests.codes.ok, requests.codes.partial):
        raise Interrupted(told)


def _remember(answer: requests.Response, version: Path) -> None:
    tag = answer.headers.get("ETag", "")
    known = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
    version.unlink(missing_ok=True)
    if known:
        version.write_text(known, "ascii")


def _append(answer: requests.Response, part: Path, room: int) -> None:
    with part.open("ab") as file:
        for piece in answer.iter_content(PIECE):
            room -= len(piece)
            if room < 0:
                part.unlink()
                _version(part).unlink(missing_ok=True)
                raise DataError(f"{answer.url} holds more than the bytes that were published")
            file.write(piece)


def _reason(error: Exception) -> str:
    """The innermost cause, which is short: "Connection refused", "Name or service not known"."""
    if isinstance(error, Busy):
        return str(error)
    while error.__context__ or getattr(error, "reason", None):
        inner = getattr(error, "reason", None) or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"no connection ({text})"
