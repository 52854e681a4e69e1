"""Processes that outlive the command that started them, and are known again without mistake.

A process is started in a session of its own, with its output in a log file, and written down as pid, start time and
boot. Only a process for which all three still agree is ever signalled: a number that the kernel has given to somebody
else meanwhile is a stranger. What such a process started itself has inherited a token in its environment, so that it
is found even when its parent was killed.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from secrets import token_hex

from devcloud.paths import write_atomically

TOKEN_VARIABLE = "GOVCLOUD_DEV_PROCESS"
PROC = Path("/proc")
NO_PID = 0
SECONDS_TO_LEAVE = 15.0
SECONDS_TO_DIE = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Stat:
    """What the kernel says about a process: `/proc/<pid>/stat`, in part."""

    state: str
    start_ticks: int

    @classmethod
    def parse(cls, line: str) -> "Stat":
        """Read the one line of a stat file. The command in brackets may itself hold brackets and spaces."""
        fields = line[line.rindex(")") + 2 :].split()
        return cls(state=fields[0], start_ticks=int(fields[19]))

    @property
    def is_running(self) -> bool:
        """Whether it still does anything: a zombie has ended, only its parent has not looked."""
        return self.state not in "ZX"


@dataclass(frozen=True)
class Process:
    """One started process, as it is written down."""

    name: str
    pid: int
    start_ticks: int
    boot: str
    token: str
    log: str

    @property
    def is_running(self) -> bool:
        """Whether this very process, not merely one with its number, runs now."""
        stat = stat_of(self.pid)
        if stat is None or self.boot != current_boot():
            return False
        return stat.is_running and stat.start_ticks == self.start_ticks

    def wait_until_ended(self, seconds: float) -> None:
        """Wait for its end, at most that long; looks at `is_running` tell what came of it."""
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def members(self) -> list[int]:
        """The pids of everything that runs because of it: itself and all that inherited its token."""
        if self.boot != current_boot():
            return []
        return [pid for pid, stat in _all_processes() if self._counts(pid, stat)]

    def _counts(self, pid: int, stat: Stat) -> bool:
        if not stat.is_running or stat.start_ticks < self.start_ticks:
            return False
        return (pid == self.pid and stat.start_ticks == self.start_ticks) or _carries(pid, self.token)

    @property
    def memory_bytes(self) -> int:
        """The proportional set size of it and all it started; 0 where the kernel does not tell us."""
        return sum(_memory_of(pid) for pid in self.members())


class Processes:
    """The processes of one development cloud, written down as one JSON file each in a folder."""

    def __init__(self, directory: Path, logs: Path) -> None:
        self._directory = directory
        self._logs = logs

    def get(self, name: str) -> Process | None:
        """What was started last under this name, running or not."""
        path = self._record(name)
        return Process(**json.loads(path.read_text())) if path.exists() else None

    def running(self, name: str) -> Process | None:
        """What was started under this name, if it still runs."""
        process = self.get(name)
        return process if process is not None and process.is_running else None

    def log(self, name: str) -> Path:
        """Where the output of that process goes."""
        return self._logs / f"{name}.log"

    def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], directory: Path
    ) -> Process:
        """Start `command` detached, with exactly this environment; known from now on by this name.

        What still runs from an earlier start of the same name is ended first: there is never a second one.
        """
        self.stop(name)
        self._logs.mkdir(parents=True, exist_ok=True)
        unborn = Process(name, NO_PID, 0, current_boot(), f"{name}-{token_hex(8)}", str(self.log(name)))
        # Written down before it exists: were we killed in between, its token would still find it.
        self._write(unborn)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                [str(part) for part in command], cwd=directory, env={**environment, TOKEN_VARIABLE: unborn.token},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        stat = stat_of(child.pid)
        # A child that has already ended is a zombie of ours until we look, so its stat is there in any case.
        assert stat is not None
        process = replace(unborn, pid=child.pid, start_ticks=stat.start_ticks)
        self._write(process)
        return process

    def stop(self, name: str, seconds: float = SECONDS_TO_LEAVE) -> bool:
        """End the process and its descendants, first politely; forget it. False when nothing of it ran any more."""
        process = self.get(name)
        if process is None:
            return False
        something_ran = end(process, seconds)
        self._record(name).unlink(missing_ok=True)
        return something_ran

    def _write(self, process: Process) -> None:
        write_atomically(self._record(process.name), json.dumps(asdict(process), indent=2) + "\n", mode=0o600)

    def _record(self, name: str) -> Path:
        return self._directory / f"{name}.json"


def end(process: Process, seconds: float) -> bool:
    """Ask the process to leave, wait, then kill whatever is left of it. False when nothing of it ran any more."""
    if not process.members():
        _reap(process.pid)
        return False
    if not _ask_to_leave(process, time.monotonic() + seconds):
        _send(process.members(), signal.SIGKILL)
        _wait_until_gone(process, time.monotonic() + SECONDS_TO_DIE)
    _reap(process.pid)
    return True


def send(process: Process, which: signal.Signals) -> bool:
    """Send a signal to the process itself, and to nobody else; False when it does not run."""
    if not process.is_running:
        return False
    _send([process.pid], which)
    return True


def stat_of(pid: int) -> Stat | None:
    """What the kernel says about a pid; None when there is no such process."""
    try:
        return Stat.parse((PROC / str(pid) / "stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def current_boot() -> str:
    """The kernel's name for the time since the machine was started: start times count from there."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def uptime_seconds(pid: int) -> float | None:
    """How long ago the process with this pid was started; None when there is none."""
    stat = stat_of(pid)
    if stat is None:
        return None
    since_boot = float((PROC / "uptime").read_text().split()[0])
    return since_boot - stat.start_ticks / os.sysconf("SC_CLK_TCK")


def _ask_to_leave(process: Process, deadline: float) -> bool:
    # The leader first and alone: it knows in which order its children should go. Each is asked once only, because
    # to some programs (Pulumi is one) a second signal means "drop everything".
    if process.is_running:
        _send([process.pid], signal.SIGTERM)
        while process.is_running and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    _send([pid for pid in process.members() if pid != process.pid], signal.SIGTERM)
    return _wait_until_gone(process, deadline)


def _wait_until_gone(process: Process, deadline: float) -> bool:
    while process.members():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _send(pids: Sequence[int], which: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it left between our look and our signal
            os.kill(pid, which)


def _reap(pid: int) -> None:
    if pid != NO_PID:
        with suppress(ChildProcessError):  # started by another command, so its exit is not ours to collect
            os.waitpid(pid, os.WNOHANG)


def _all_processes() -> Iterator[tuple[int, Stat]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            stat = stat_of(int(entry.name))
            if stat is not None:
                yield int(entry.name), stat


def _carries(pid: int, token: str) -> bool:
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return f"{TOKEN_VARIABLE}={token}".encode() in environment.split(b"\0")


def _memory_of(pid: int) -> int:
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return 0
