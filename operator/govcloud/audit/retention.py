"""How long records are kept: what may be removed, and that nothing younger than the law allows ever is.

Only whole, sealed, verified, archived segments are removed, from the oldest on, when three clocks say that their time is over.
Their hashes stay, so every later checkpoint and proof can still be checked; the removal is itself a record, signed before anything
is removed, and without it `verify` calls the log incomplete. Never here: where the archive is, or who asked.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from .copies import CopyStore, digest_of, kept_for, manifest_of
from .durable import broken_on_error
from .errors import AuditDamaged
from .files import FileSystem, RealFiles
from .holds import Hold
from .kept_hashes import SM3
from .layout import Layout
from .log import AuditLog
from .notes import PublicKey
from .reader import HASH_BYTES, Damage, read_hashes, read_log, removed_leaves, segment_starts
from .records import Action, Entry, Initiator, Outcome, Phase, Record, Target
from .removal import TARGET_KIND
from .verify import Result, verify

MINIMUM_DAYS = 365
"""JJ 26: at least one year."""
DEFAULT_DAYS = 3 * 365


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept. Raises `ValueError` for less than 365 days."""

    days: int = DEFAULT_DAYS
    holds: tuple[Hold, ...] = ()
    """Legal holds that are in force."""

    def __post_init__(self) -> None:
        if self.days < MINIMUM_DAYS:
            raise ValueError(f"The audit log is kept at least {MINIMUM_DAYS} days (JJ 26); {self.days} is too few")

    @property
    def age(self) -> timedelta:
        """How old a record must be."""
        return timedelta(days=self.days)

    def keeps(self, record: Record) -> bool:
        """Whether a legal hold covers the record."""
        return any(hold.covers(record) for hold in self.holds)


@dataclass
class Segment:
    """What decides about one sealed segment."""

    first: int
    end: int
    """Sequence after its last record."""
    newest: datetime
    held: bool = False
    open_intents: set[str] = field(default_factory=set)
    lived_until: timedelta = timedelta()
    lived_since: timedelta = timedelta()
    """Time that passed after it by the monotonic clock in the records, which nobody can set.

    The second clock. Over a restart of the machine nothing is counted: how long it was down only the wall clock says.
    """

    def expired(self, policy: Policy, now: datetime) -> bool:
        """Old enough by both clocks of this machine."""
        return now - self.newest >= policy.age and self.lived_since >= policy.age


Archive = Callable[[Segment], timedelta | None]
"""How long the store of copies has held exactly this segment, by its own clock, which is the third; None where it does not."""


def removable(
    directory: Path,
    key: PublicKey | None,
    policy: Policy,
    now: datetime,
    archived: Archive,
    files: FileSystem | None = None,
) -> list[Segment]:
    """The oldest sealed segments that may go now: expired by all three clocks, not held, settled, hashes kept, archived.

    `key` as for `verify`. Raises `AuditDamaged` when the log is not whole: then nothing is removed.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    if not _anything_is_old(disk, layout, policy, now):
        return []
    report = verify(directory, key, files=disk)
    if report.result is not Result.OK:
        raise AuditDamaged(f"Nothing is removed from a log that is not whole: {report.what}", report.first_bad or 0)
    allowed: list[Segment] = []
    for segment in _sealed_segments(disk, layout, policy):
        needed = segment.held or segment.open_intents or not segment.expired(policy, now)
        if needed or not _hashes_kept(disk, layout, segment) or not _archived_long_enough(archived, segment, policy):
            break
        allowed.append(segment)
    return allowed


def _anything_is_old(files: FileSystem, layout: Layout, policy: Policy, now: datetime) -> bool:
    """A quick look at the very first record, so that a young log is not read through every day."""
    try:
        first = next(read_log(files, layout, min(segment_starts(files, layout), default=0)), None)
    except Damage:
        return True  # `verify` says what is wrong
    return first is not None and now - first.record().time >= policy.age


def _archived_long_enough(archived: Archive, segment: Segment, policy: Policy) -> bool:
    held_for = archived(segment)
    return held_for is not None and held_for >= policy.age


def archive_in(store: CopyStore, directory: Path, files: FileSystem | None = None) -> Archive:
    """The archive that a store of copies is: every byte of segment and manifest is read back."""
    disk, layout = files or RealFiles(), Layout(directory)
    return lambda segment: kept_for(store, manifest_of(disk, layout, segment.first, segment.end))


def _hashes_kept(files: FileSystem, layout: Layout, segment: Segment) -> bool:
    """That they are right was verified; without them nothing after the segment could be checked any more."""
    whole = HASH_BYTES * (segment.end - segment.first)
    trees = ("sha256", SM3) if any(name.endswith(f".{SM3}") for name in files.names(layout.hashes)) else ("sha256",)
    return all(len(read_hashes(files, layout, segment.first, tree)) == whole for tree in trees)


def _sealed_segments(files: FileSystem, layout: Layout, policy: Policy) -> list[Segment]:
    found: list[Segment] = []
    lived, last = timedelta(), None
    for stored in read_log(files, layout, start=removed_leaves(files, layout).count):
        record = stored.record()
        lived += _lived_between(last, record)
        last = record
        if stored.offset == 0:
            found.append(Segment(record.sequence, record.sequence, record.time))
        _take(found, record, policy)
        found[-1].lived_until = lived
    for segment in found:
        segment.lived_since = lived - segment.lived_until
    return found[:-1]  # the last one is still written to


def _lived_between(before: Record | None, after: Record) -> timedelta:
    if before is None or before.boot != after.boot:
        return timedelta()
    return timedelta(microseconds=max(int(after.monotonic) - int(before.monotonic), 0) // 1_000)


def _take(found: list[Segment], record: Record, policy: Policy) -> None:
    segment = found[-1]
    segment.end = record.sequence + 1
    segment.newest = max(segment.newest, record.time)
    segment.held |= policy.keeps(record)
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
        intent = _entry(segment, _digest(disk, layout, segment), initiator)
        receipt = log.append(intent)
        log.sign()
        with broken_on_error("cannot remove an expired segment"):
            disk.remove(layout.segment(segment.first))
            disk.flush_directory(layout.segments)
        done = {"phase": Phase.OUTCOME, "outcome": Outcome.SUCCESS, "intent": receipt.id}
        log.append(intent.model_copy(update=done))


def _digest(files: FileSystem, layout: Layout, segment: Segment) -> str:
    with files.open_for_reading(layout.segment(segment.first)) as stream:
        return digest_of(iter(lambda: stream.read(1 << 20), b""))[0]


def _entry(segment: Segment, digest: str, initiator: Initiator) -> Entry:
    return Entry(
        phase=Phase.INTENT,
        action=Action.DELETE,
        outcome=Outcome.PENDING,
        initiator=initiator,
        target=Target(kind=TARGET_KIND, id=str(segment.first)),
        message=f"retention: records {segment.first} to {segment.end - 1} expired and are archived",
        attributes={"first": str(segment.first), "end": str(segment.end), "digest": digest},
    )
