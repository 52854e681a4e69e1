"""An independent witness: what reached the services, told by the services' side.

Wraps a WSGI application. A request that may change something (any but GET, HEAD, OPTIONS) leaves one JSON line when its
answer is known. The audit log of the controller can be compared with these lines; they are not made by it. A request that
only reads leaves a shorter line in a file of its own, so that calls can be counted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

READS = frozenset({"GET", "HEAD", "OPTIONS"})
RESPONSE_ID_HEADERS = ("x-openstack-request-id", "x-compute-request-id", "x-trans-id")

Application = Callable[..., Iterable[bytes]]


class Witness:
    """The middleware of one service. Requests that come in while others are served are written in one piece each."""

    def __init__(self, application: Application, service: str, writes: Path, reads: Path) -> None:
        self._application = application
        self._service = service
        self._writes, self._reads = _opened(writes), _opened(reads)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in READS:
            _tell(self._reads, {"time": time.time(), "service": self._service, "user_agent": environ.get("HTTP_USER_AGENT")})
            return self._application(environ, start_response)
        # Applications rewrite these while they dispatch.
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")

        def answered(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self._saw_write(environ, path, status, headers)
            return start_response(status, headers, *rest)

        return self._application(environ, answered)

    def _saw_write(self, environ: dict[str, Any], path: str, status: str, headers: list[tuple[str, str]]) -> None:
        answer = {name.lower(): value for name, value in headers}
        line = {
            "time": time.time(),
            "service": self._service,
            "method": environ["REQUEST_METHOD"],
            "path": path,
            "status": int(status.split()[0]),
            "user_agent": environ.get("HTTP_USER_AGENT"),
            "global_request_id": environ.get("HTTP_X_OPENSTACK_REQUEST_ID"),
            "request_id": next((answer[name] for name in RESPONSE_ID_HEADERS if name in answer), None),
        }
        _tell(self._writes, line)


def _opened(journal: Path) -> int:
    """For appending: several processes write to the file, a line is one write, so lines do not mix."""
    return os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _tell(journal: int, line: Mapping[str, Any]) -> None:
    os.write(journal, json.dumps(line).encode() + b"\n")
