"""A web server on this machine that publishes files, and can do it badly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Publisher:
    """What is published, and how."""

    files: dict[str, bytes] = field(default_factory=dict)
    version: str = '"1"'  # the ETag of every file; "": none
    ranges: bool = True  # whether a part can be asked for
    cuts: list[int] = field(default_factory=list)  # bytes after which the next answers break off
    states: list[int] = field(default_factory=list)  # states of the next answers instead of 200
    asked: list[str] = field(default_factory=list)  # the Range of each request, "" for the whole
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        own = self.server.publisher
        content = own.files.get(self.path.lstrip("/"))
        wanted = self.headers.get("Range", "")
        own.asked.append(wanted)
        if own.states or content is None:
            self.send_error(own.states.pop(0) if own.states else 404)
            return
        start = self._start(wanted, own)
        if start >= len(content) > 0 and start:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if own.version:
            self.send_header("ETag", own.version)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        self.wfile.write(body[: own.cuts.pop(0)] if own.cuts else body)

    def _start(self, wanted: str, own: Publisher) -> int:
        same = self.headers.get("If-Range") in (None, own.version)
        return (
            int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and own.ranges and same else 0
        )

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    publisher: Publisher

    def handle_error(self, *_: object) -> None:
        """A client that hangs up, as it should on too long an answer."""


@contextmanager
def publishing() -> Iterator[Publisher]:
    """A publisher that answers at its ``url``."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.publisher = Publisher(url=f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.publisher
        server.shutdown()
