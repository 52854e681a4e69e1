"""Logs for tests: fixed key, fixed clocks, counted ids, and disks that fail where they are told to."""

import errno
import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit.files import RealFiles
from govcloud.audit.log import AuditLog
from govcloud.audit.notes import Ed25519Signer
from govcloud.audit.records import Action, Entry, Initiator, InitiatorType, Outcome, Phase, Record, Target

SIGNER = Ed25519Signer("govcloud.dev/audit/test", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
KEY = SIGNER.public_key
START = datetime(2026, 5, 1, 8, 0, 0, tzinfo=UTC)
CONTROLLER = Initiator(
    id="system:serviceaccount:govcloud-system:govcloud-controller",
    type=InitiatorType.CONTROLLER,
    on_behalf_of="wang.wei",
)


class QuickFiles(RealFiles):
    """The real disk without waiting for it: these tests cut the power themselves."""

    def flush(self, descriptor: int) -> None:
        """Nothing to wait for."""

    def flush_directory(self, path: Path) -> None:
        """Nothing to wait for."""


class Time:
    """Both clocks, moved by hand; each look moves them by a millisecond so that records differ."""

    def __init__(self) -> None:
        self.now, self.elapsed = START, 0

    def wall(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def monotonic(self) -> int:
        self.elapsed += 1_000_000
        return self.elapsed

    def back(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.now -= timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += int(seconds * 1_000_000_000)


def open_log(directory: Path, files: RealFiles | None = None, time: Time | None = None, **settings: Any) -> AuditLog:
    clock = time or Time()
    counter = itertools.count(1)
    return AuditLog(
        directory,
        **{
            "clock": clock.wall,
            "monotonic": clock.monotonic,
            "signer": SIGNER,
            "fence": "lease/1",
            "files": files or QuickFiles(),
            "new_id": lambda: f"id-{os.getpid()}-{next(counter)}",
            "ballast_bytes": 4096,
            "pulse": False,
            **settings,
        },
    )


def intent(name: str = "web-1", **changes: Any) -> Entry:
    return Entry(
        **{
            "phase": Phase.INTENT,
            "action": Action.CREATE,
            "outcome": Outcome.PENDING,
            "initiator": CONTROLLER,
            "target": Target(kind="openstack:compute:servers", name=name),
            "request": "5b1c0f0e-9d3e-4a52-8d4e-2f7d3f0a7c11",
            "unit": "jj-health",
            **changes,
        }
    )


def outcome(of: str, **changes: Any) -> Entry:
    return intent(**{"phase": Phase.OUTCOME, "outcome": Outcome.SUCCESS, "intent": of, **changes})


def event(**changes: Any) -> Entry:
    return intent(**{"phase": Phase.EVENT, "action": Action.EVALUATE, "outcome": Outcome.SUCCESS, **changes})


def record(entry: Entry, **changes: Any) -> Record:
    """The entry as a record, without a log."""
    return Record(
        **{
            **dict(entry),
            "v": 1,
            "id": "id-1",
            "sequence": 0,
            "commit": 0,
            "prev": "0" * 64,
            "checkpoint": 0,
            "time": datetime(2026, 5, 1, 8, tzinfo=UTC),
            "monotonic": "1",
            "boot": "boot",
            "fence": "lease/1",
            **changes,
        }
    )


def fill(directory: Path, count: int, **settings: Any) -> None:
    """A closed log of `count` records in pairs of intent and outcome."""
    log = open_log(directory, **settings)
    for number in range(count // 2):
        receipt = log.append(intent(f"web-{number}"))
        log.append(outcome(receipt.id))
    if count % 2:
        log.append(event())
    log.close()


class FaultyFiles(QuickFiles):
    """The real disk, until the n-th call that changes something; that one fails, and so on as `rule` says."""

    CHANGES = frozenset(
        {
            "make_directory",
            "open_for_append",
            "write",
            "flush",
            "flush_directory",
            "truncate",
            "rename",
            "remove",
            "reserve",
        }
    )

    def __init__(self, rule: Callable[[int, str], int | None], partial: int = 0) -> None:
        """`rule` gets the number and the name of a call and gives an errno or None. `partial`: bytes a failing write keeps."""
        self.rule, self.partial, self.calls = rule, partial, 0

    def _maybe_fail(self, name: str) -> None:
        self.calls += 1
        if code := self.rule(self.calls, name):
            raise OSError(code, os.strerror(code))

    def write(self, descriptor: int, data: bytes) -> int:
        try:
            self._maybe_fail("write")
        except OSError:
            super().write(descriptor, data[: self.partial])
            raise
        return super().write(descriptor, data)


def _failing(name: str) -> Callable[..., Any]:
    def call(self: FaultyFiles, *arguments: Any) -> Any:
        self._maybe_fail(name)
        return getattr(QuickFiles, name)(self, *arguments)

    return call


for _name in FaultyFiles.CHANGES - {"write"}:
    setattr(FaultyFiles, _name, _failing(_name))


def fail_at(number: int, code: int) -> Callable[[int, str], int | None]:
    """Only this call fails."""
    return lambda call, _: code if call == number else None


def fail_from(number: int, code: int = errno.EIO) -> Callable[[int, str], int | None]:
    """This call and every later one fails: the machine is gone."""
    return lambda call, _: code if call >= number else None


class FullDisk(FaultyFiles):
    """No room for new bytes until `room` is set; the reserved file's bytes can be used once it is removed."""

    def __init__(self) -> None:
        super().__init__(self._full)
        self.full = False
        self.spare = 0

    def _full(self, _: int, name: str) -> int | None:
        if not self.full or name not in {"write", "reserve"} or (name == "write" and self.spare > 0):
            self.spare -= name == "write"
            return None
        return errno.ENOSPC

    def remove(self, path: Path) -> None:
        if path.name == "ballast" and path.exists():
            self.spare = 1_000
        super().remove(path)

    def free_bytes(self, directory: Path) -> int:
        return 0 if self.full else super().free_bytes(directory)


class LossyFiles(FaultyFiles):
    """A disk that keeps only what was flushed when the machine goes down, and any part of the rest.

    The same for names: a file that was made or renamed is gone unless its directory was flushed.
    """

    def __init__(self, rule: Callable[[int, str], int | None]) -> None:
        super().__init__(rule, partial=7)
        self.paths: dict[int, Path] = {}
        self.flushed: dict[Path, int] = {}
        self.new_names: set[Path] = set()

    def open_for_append(self, path: Path) -> int:
        if not path.exists():
            self.new_names.add(path)
        descriptor = super().open_for_append(path)
        self.paths[descriptor] = path
        self.flushed.setdefault(path, 0)
        return descriptor

    def flush(self, descriptor: int) -> None:
        super().flush(descriptor)
        self.flushed[self.paths[descriptor]] = os.fstat(descriptor).st_size

    def flush_directory(self, path: Path) -> None:
        super().flush_directory(path)
        self.new_names = {name for name in self.new_names if name.parent != path}

    def rename(self, source: Path, destination: Path) -> None:
        if not destination.exists():
            self.new_names.add(destination)
        super().rename(source, destination)
        self.flushed[destination] = self.flushed.pop(source)

    def go_down(self, keep: Callable[[int], int]) -> None:
        """Cuts every file to what was flushed plus `keep(unflushed bytes)`; forgets names that were not flushed."""
        for name in self.new_names:
            name.unlink(missing_ok=True)
        for path, flushed in self.flushed.items():
            if path.exists() and path.stat().st_size > flushed:
                os.truncate(path, flushed + keep(path.stat().st_size - flushed))
