"""Processes of the development cloud: started in sessions of their own, and ended by their recorded identity only.

A process is identified by its id *and* its start time: an id alone may belong to a stranger after a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_START_TIME = 19  # field 22 of /proc/<pid>/stat, counted after the command's closing bracket
_STATE = 0


@dataclass(frozen=True)
class Process:
    """One running process. `started` is in clock ticks since the machine's start, as /proc gives it."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Raises ProcessLookupError if there is no such process, or only its remains."""
        fields = _stat(pid)
        if fields[_STATE] == "Z":
            raise ProcessLookupError(pid)
        return cls(pid, int(fields[_START_TIME]))

    @property
    def alive(self) -> bool:
        with contextlib.suppress(ProcessLookupError):
            return Process.of(self.pid) == self
        return False

    def wait(self) -> int:
        """The exit status of a child of ours, when it ends."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless the process has ended or its id now belongs to another."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    return text.rpartition(")")[2].split()


def start(command: Sequence[str], log: Path, environment: Mapping[str, str], directory: Path) -> Process:
    """Starts a command in a session of its own, so that neither a closed terminal nor Ctrl-C ends it."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=dict(environment), cwd=directory, start_new_session=True,
        )  # fmt: skip
    return Process.of(child.pid)


class Record:
    """The file that says which processes are ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, name: str, process: Process) -> None:
        known = self._read()
        known[name] = {"pid": process.pid, "started": process.started}
        self._path.write_text(json.dumps(known, indent=1))

    def alive(self) -> dict[str, Process]:
        everything = {name: Process(**entry) for name, entry in self._read().items()}
        return {name: process for name, process in everything.items() if process.alive}

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, dict[str, int]]:
        if not self._path.exists():
            return {}
        entries: dict[str, dict[str, int]] = json.loads(self._path.read_text())
        return entries


def end(processes: Sequence[Process], patience: float = 5.0) -> None:
    """Asks all of them to end, waits up to `patience` seconds, then kills what is left."""
    for process in processes:
        process.signal(signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(_still_runs(process) for process in processes):
        if time.monotonic() > deadline:
            for process in processes:
                process.signal(signal.SIGKILL)
            deadline += patience
        time.sleep(0.02)


def _still_runs(process: Process) -> bool:
    """Whether it still runs. Collects it first if it is a child of ours, or it would stay as a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return process.alive
