"""How long records are kept: what may be removed, and that nothing younger than the law allows ever is.

Only whole, sealed, verified, archived segments are removed, from the oldest on. Their hashes stay, so every later
checkpoint and proof can still be checked; the removal is itself a record, signed before anything is removed, and without
it `verify` calls the log incomplete. Never here: where the archive is, or who asked.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from .durable import broken_on_error
from .errors import AuditDamaged
from .files import FileSystem, RealFiles
from .kept_hashes import SM3
from .layout import Layout
from .log import AuditLog
from .notes import PublicKey
from .reader import HASH_BYTES, read_hashes, read_log, removed_leaves, segment_starts
from .records import Action, Entry, Initiator, Outcome, Phase, Record, Target
from .removal import TARGET_KIND
from .verify import Result, verify

MINIMUM_DAYS = 365
"""JJ 26: at least one year."""
DEFAULT_DAYS = 3 * 365

_LONGEST_STEP = timedelta(days=1)
"""How much two records next to each other may add to the lived time: there is a record every minute."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept. Raises `ValueError` for less than 365 days."""

    days: int = DEFAULT_DAYS
    held_requests: frozenset[str] = frozenset()
    """Legal hold: uids of requests."""
    held_units: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.days < MINIMUM_DAYS:
            raise ValueError(f"The audit log is kept at least {MINIMUM_DAYS} days (JJ 26); {self.days} is too few")

    def holds(self, record: Record) -> bool:
        """Whether a legal hold covers the record."""
        return record.request in self.held_requests or record.unit in self.held_units


@dataclass
class Segment:
    """What decides about one sealed segment."""

    first: int
    end: int
    """Sequence after its last record."""
    digest: str
    """SHA-256 of the file: what the archive must hold."""
    newest: datetime
    held: bool = False
    open_intents: set[str] = field(default_factory=set)
    lived_until: timedelta = timedelta()
    lived_since: timedelta = timedelta()
    """Time that passed after it by the steps from record to record, each counted as a day at most.

    The second clock: a system clock that jumps two years ahead adds one day.
    """

    def expired(self, policy: Policy, now: datetime) -> bool:
        """Old enough by both clocks."""
        age = timedelta(days=policy.days)
        return now - self.newest >= age and self.lived_since >= age


def removable(
    directory: Path,
    key: PublicKey,
    policy: Policy,
    now: datetime,
    archived: Callable[[str], bool],
    files: FileSystem | None = None,
) -> list[Segment]:
    """The oldest sealed segments that may go now: expired, not held, settled, hashes kept, archived.

    `archived` says whether the archive (at least two places) holds a file with this SHA-256.
    Raises `AuditDamaged` when the log is not whole: then nothing is removed.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    report = verify(directory, key, files=disk)
    if report.result is not Result.OK:
        raise AuditDamaged(f"Nothing is removed from a log that is not whole: {report.what}", report.first_bad or 0)
    allowed: list[Segment] = []
    for segment in _sealed_segments(disk, layout, policy):
        needed = segment.held or segment.open_intents or not segment.expired(policy, now)
        if needed or not _hashes_kept(disk, layout, segment) or not archived(segment.digest):
            break
        allowed.append(segment)
    return allowed


def _hashes_kept(files: FileSystem, layout: Layout, segment: Segment) -> bool:
    """That they are right was verified; without them nothing after the segment could be checked any more."""
    whole = HASH_BYTES * (segment.end - segment.first)
    trees = ("sha256", SM3) if any(name.endswith(f".{SM3}") for name in files.names(layout.hashes)) else ("sha256",)
    return all(len(read_hashes(files, layout, segment.first, tree)) == whole for tree in trees)


def _sealed_segments(files: FileSystem, layout: Layout, policy: Policy) -> list[Segment]:
    found: list[Segment] = []
    lived, last_time = timedelta(), None
    for stored in read_log(files, layout, start=removed_leaves(files, layout).count):
        record = stored.record()
        lived += _step(last_time, record.time)
        last_time = record.time
        if stored.offset == 0:
            found.append(_segment(files, layout, record))
        _take(found, record, policy)
        found[-1].lived_until = lived
    for segment in found:
        segment.lived_since = lived - segment.lived_until
    return found[:-1]  # the last one is still written to


def _step(before: datetime | None, now: datetime) -> timedelta:
    return min(max(now - before, timedelta()), _LONGEST_STEP) if before else timedelta()


def _segment(files: FileSystem, layout: Layout, first: Record) -> Segment:
    with files.open_for_reading(layout.segment(first.sequence)) as stream:
        digest = sha256(stream.read()).hexdigest()
    return Segment(first.sequence, first.sequence, digest, first.time)


def _take(found: list[Segment], record: Record, policy: Policy) -> None:
    segment = found[-1]
    segment.end = record.sequence + 1
    segment.newest = max(segment.newest, record.time)
    segment.held |= policy.holds(record)
    if record.phase is Phase.INTENT:
        segment.open_intents.add(record.id)
    elif record.settles:
        for earlier in found:
            earlier.open_intents.discard(record.intent)


def remove(
    log: AuditLog, directory: Path, segments: Iterable[Segment], initiator: Initiator, files: FileSystem | None = None
) -> None:
    """Removes segments that `removable` allowed, oldest first. A crash in between is finished by doing it again.

    Raises `AuditUnavailable` (then the segment is still there) or `DiskBroken`.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    for segment in segments:
        if segment.first != min(segment_starts(disk, layout)):
            raise ValueError(f"Only the oldest segment can be removed, not the one that begins at {segment.first}")
        intent = _entry(segment, initiator)
        receipt = log.append(intent)
        log.sign()
        with broken_on_error("cannot remove an expired segment"):
            disk.remove(layout.segment(segment.first))
            disk.flush_directory(layout.segments)
        done = {"phase": Phase.OUTCOME, "outcome": Outcome.SUCCESS, "intent": receipt.id}
        log.append(intent.model_copy(update=done))


def _entry(segment: Segment, initiator: Initiator) -> Entry:
    return Entry(
        phase=Phase.INTENT,
        action=Action.DELETE,
        outcome=Outcome.PENDING,
        initiator=initiator,
        target=Target(kind=TARGET_KIND, id=str(segment.first)),
        message=f"retention: records {segment.first} to {segment.end - 1} expired and are archived",
        attributes={"first": str(segment.first), "end": str(segment.end), "digest": segment.digest},
    )
