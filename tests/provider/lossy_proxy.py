"""An HTTP proxy between the provider and a real cloud that loses the first answer of every write it has not seen before."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import requests
from provider.provider_kit import ServerOfMany

from devcloud.patience import PATIENCE
from stacks.provider.retry import is_write

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-encoding",
    "content-length",
    "proxy-connection",
}


@dataclass
class LossyProxy:
    """Where it listens, and what it lost."""

    url: str = ""
    lost: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def loses(self, method: str, url: str, body: bytes) -> bool:
        """Whether this answer is to be lost: once for each different write."""
        path = urlsplit(url).path
        if not is_write(method) or path.endswith("/auth/tokens"):
            return False
        with self._lock:
            write = f"{method} {path} {hash(body)}"
            if write in self.lost:
                return False
            self.lost.append(write)
            return True


@contextmanager
def lossy_proxy() -> Iterator[LossyProxy]:
    """Run the proxy on a loopback port until the block ends."""
    proxy = LossyProxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            with requests.Session() as upstream:
                upstream.trust_env = False
                answer = upstream.request(
                    self.command, self.path, headers=headers, data=body, timeout=PATIENCE, allow_redirects=False
                )
            if proxy.loses(self.command, self.path, body):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            with suppress(BrokenPipeError, ConnectionResetError):
                self._pass_on(answer)

        def _pass_on(self, answer: requests.Response) -> None:
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: object) -> None:
            """Tests need no access log."""

    server = ServerOfMany(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
