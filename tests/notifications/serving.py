"""An HTTP server on loopback for the length of a block, for whoever plays a receiver."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """A handler that says nothing on the terminal."""

    def heard(self) -> tuple[dict[str, str], bytes]:
        """Headers, their names in lower case, and the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        return {name.lower(): value for name, value in self.headers.items()}, body

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL at which the handler answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/events"
    server.shutdown()
    server.server_close()
