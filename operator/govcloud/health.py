"""`/healthz`, `/readyz` and `/metrics` on loopback or the pod's address. Answers, never acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Fault = Callable[[], str | None]
"""What is wrong, in one sentence; None when nothing is."""


@dataclass(frozen=True)
class Checks:
    """`alive`: a fault means that a restart would help. `ready`: a fault means that work does not go on now.

    `hints`: what somebody should look at although work goes on.
    """

    alive: Fault
    ready: Fault
    hints: Callable[[], Sequence[str]] = tuple


def serve(address: str, port: int, checks: Checks, registry: CollectorRegistry) -> ThreadingHTTPServer:
    """Answer in a thread of its own until the process ends.

    Raises:
        OSError: the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/healthz":
                    self._judge(checks.alive())
                case "/readyz":
                    self._judge(checks.alive() or checks.ready())
                case "/metrics":
                    self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                case _:
                    self._answer(404, b"there are /healthz, /readyz and /metrics\n", "text/plain; charset=utf-8")

        def _judge(self, fault: str | None) -> None:
            told = [fault or "ok", *(f"note: {hint}" for hint in checks.hints())]
            self._answer(503 if fault else 200, "".join(f"{line}\n" for line in told).encode(), "text/plain; charset=utf-8")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes every few seconds are not worth a line each."""

    server = ThreadingHTTPServer((address, port), Handler)
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
