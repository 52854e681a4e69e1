"""What several tests of the provider share: a journal and a clock in memory, and a scripted HTTP server on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stacks.provider.journal import EffectContext, JournalUnavailable, Write, WriteOutcome

EFFECT = EffectContext(
    owner="5c2f2a52-0000-4000-8000-000000000001",
    stack="csreq-1",
    urn="urn:pulumi:csreq-1::govcloud::openstack:blockstorage/volume:Volume::data",
    type="openstack:blockstorage/volume:Volume",
    operation="create",
    key="0123456789abcdef0123456789abcdef",
    plan=1,
)


@dataclass
class MemoryJournal:
    """A journal that remembers; it can be told that its disk is full."""

    intents: list[tuple[EffectContext, Write]] = field(default_factory=list)
    outcomes: list[tuple[str, WriteOutcome]] = field(default_factory=list)
    full: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def intent(self, context: EffectContext, write: Write) -> str:
        with self._lock:
            if self.full:
                raise JournalUnavailable("no space left")
            self.intents.append((context, write))
            return str(len(self.intents) - 1)

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        with self._lock:
            self.outcomes.append((intent, outcome))

    def writes(self) -> list[str]:
        """Method and path of every write, in order."""
        return [f"{write.method} {write.path}" for _, write in self.intents]


class FastClock:
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC) + timedelta(seconds=sum(self.slept))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Answer:
    """What the scripted server says; `drop` closes the connection after the request was read."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    raw: bytes | None = None
    cut_after: int | None = None


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Seen], Answer]


@dataclass
class Served:
    """A running scripted server."""

    url: str
    seen: list[Seen]


class ServerOfMany(ThreadingHTTPServer):
    """For clients that come all at once: the engine's sixteen find room although nobody has accepted the first yet."""

    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serve(script: Script) -> Iterator[Served]:
    """Serve the script on a loopback port until the block ends."""
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Seen(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            seen.append(request)
            answer = script(request)
            if answer.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            with suppress(BrokenPipeError):  # a client that ran out of patience is part of several tests
                self._say(answer)

        def _say(self, answer: Answer) -> None:
            body = (
                answer.raw
                if answer.raw is not None
                else b""
                if answer.body is None
                else json.dumps(answer.body).encode()
            )
            self.send_response(answer.status)
            kind = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in {**kind, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if answer.cut_after is not None:
                self.wfile.write(body[: answer.cut_after])
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: object) -> None:
            """Tests need no access log."""

    server = ServerOfMany(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_address[1]}", seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_taken: list[socket.socket] = []


def unused_port() -> int:
    """A loopback port on which nobody listens, nor will: it stays taken as long as this process lives."""
    _taken.append(socket.socket())
    _taken[-1].bind(("127.0.0.1", 0))
    return int(_taken[-1].getsockname()[1])
