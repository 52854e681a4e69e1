"""Waiting for a server that was just started: until it answers, has died, or took too long."""

import time
from collections.abc import Callable
from pathlib import Path

import requests

from devcloud.certificates import KeyPair
from devcloud.failures import with_log_tail
from devcloud.processes import Process
from devcloud.progress import Say, waiting

POLL_SECONDS = 0.1
ANSWER_SECONDS = 10.0


def wait_until_ready(process: Process, answers: Callable[[], str], seconds: float, say: Say) -> None:
    """Wait until `answers` returns an empty string; until then it returns what is still missing.

    Raises `DevCloudError` with the end of the log when the process dies or the time is over.
    """
    deadline = time.monotonic() + seconds
    missing = "no answer yet"
    with waiting(f"{process.name} is starting", say, lambda: missing):
        while missing := answers():
            if not process.is_running:
                raise with_log_tail(f"{process.name} ended right after its start", Path(process.log))
            if time.monotonic() > deadline:
                raise with_log_tail(f"{process.name} is not ready after {seconds:.0f} s ({missing})", Path(process.log))
            time.sleep(POLL_SECONDS)


def answers_at(url: str, authority: Path | None = None, client: KeyPair | None = None) -> Callable[[], str]:
    """A check for `wait_until_ready`: the URL answers 200, over TLS checked against `authority` when one is given."""
    session = requests.Session()
    session.trust_env = False  # a proxy that the machine may have is not for loopback
    session.verify = str(authority) if authority else True
    if client is not None:
        session.cert = (str(client.certificate), str(client.key))

    def ask() -> str:
        try:
            response = session.get(url, timeout=ANSWER_SECONDS)
        except requests.RequestException as failure:
            return type(failure).__name__
        return "" if response.status_code == requests.codes.ok else _what_fails(response)

    return ask


def _what_fails(response: requests.Response) -> str:
    """The status, and which of the API server's own checks fail (they stand in lines such as `[-]etcd failed: …`)."""
    failing = [line.removeprefix("[-]").split()[0] for line in response.text.splitlines() if line.startswith("[-]")]
    return (
        f"{response.status_code}, {len(failing)} checks fail, {failing[0]} first"
        if failing
        else str(response.status_code)
    )
