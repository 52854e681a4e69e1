"""A Kubernetes API server in a few lines, over real HTTP: it says what the test tells it to say, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kubernetes.client import ApiClient, Configuration

from devcloud.patience import PATIENCE
from govcloud.adapters.kube_api import KubeApi


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Say:
    """One answer. `content` is sent as it is where it is bytes, else as JSON; None ends the connection without a word."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


HANG_UP = Say(0)


@dataclass
class Script:
    """What the server says, answer by answer, and what it was asked."""

    answers: list[Say]
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def server_saying(*answers: Say) -> Iterator[tuple[KubeApi, Script]]:
    """A client of a server that gives these answers in this order."""
    script = Script(list(answers))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield client_of(f"http://127.0.0.1:{server.server_port}"), script
    finally:
        server.shutdown()
        server.server_close()


def client_of(url: str) -> KubeApi:
    configuration = Configuration(host=url)
    configuration.retries = False
    return KubeApi(ApiClient(configuration), read_seconds=PATIENCE)


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            script.asked.append(
                Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, json.loads(body) if body else None)
            )
            answer = script.answers.pop(0)
            if answer is HANG_UP:
                self.close_connection = True
                return
            content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content or {}).encode()
            self.send_response(answer.status)
            for key, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  the library looks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    return Handler
