"""Finding records: by request, unit, person, action and time; and pairing what was intended with what came of it.

Reads while the writer writes: an unfinished last record is simply not there yet. Never here: verification; a query says
what is stored, `verify` says whether to believe it.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from .errors import AuditDamaged
from .files import FileSystem, RealFiles
from .layout import Layout
from .reader import Damage, Stored, read_log, removed_leaves, segment_starts
from .records import Action, Phase, Record

_SPAN = re.compile(r"^([0-9]{1,6})([smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a record must be; everything left out matches."""

    request: str = ""
    """uid of the request."""
    unit: str = ""
    person: str = ""
    """Who acted, or on whose behalf."""
    actions: frozenset[Action] = frozenset()
    since: datetime | None = None
    """Included."""
    until: datetime | None = None
    """Excluded."""

    def matches(self, record: Record) -> bool:
        """Whether the record is wanted."""
        return (
            self.request in ("", record.request)
            and self.unit in ("", record.unit)
            and self.person in ("", record.initiator.id, record.initiator.on_behalf_of)
            and (not self.actions or record.action in self.actions)
            and (self.since is None or record.time >= self.since)
            and (self.until is None or record.time < self.until)
        )

    def may_match(self, payload: bytes) -> bool:
        """A cheap look at the stored bytes: false only when `matches` would be."""
        named = all(text.encode() in payload for text in (self.request, self.unit) if _stored_verbatim(text))
        return named and (not self.actions or any(f'"{action}"'.encode() in payload for action in self.actions))


def _stored_verbatim(text: str) -> bool:
    return '"' not in text and "\\" not in text


def search(directory: Path, wanted: Filter | None = None, files: FileSystem | None = None) -> Iterator[Record]:
    """The matching records in order.

    Raises `FileNotFoundError` when there is no log, `AuditDamaged` at the first damaged record.
    """
    disk, layout, filter_ = files or RealFiles(), Layout(directory), wanted or Filter()
    if not disk.exists(layout.segments):
        raise FileNotFoundError(f"There is no audit log in {directory}")
    for stored in _from(disk, layout, removed_leaves(disk, layout).count):
        if filter_.may_match(stored.payload) and filter_.matches(record := _record(stored)):
            yield record


def recent(directory: Path, count: int, files: FileSystem | None = None) -> list[Record]:
    """The last `count` records, reading no more segments than it takes. Raises like `search`."""
    disk, layout = files or RealFiles(), Layout(directory)
    if not disk.exists(layout.segments):
        raise FileNotFoundError(f"There is no audit log in {directory}")
    found: deque[Stored] = deque(maxlen=count)
    for first in reversed(segment_starts(disk, layout)):
        found = deque(_from(disk, layout, first), maxlen=count)
        if len(found) == count:
            break
    return [_record(stored) for stored in found]


def following(directory: Path, sequence: int, files: FileSystem | None = None) -> list[Record]:
    """The records from `sequence` on, reading only the segments that hold them. Raises like `search`."""
    disk, layout = files or RealFiles(), Layout(directory)
    start = max((first for first in segment_starts(disk, layout) if first <= sequence), default=0)
    return [_record(stored) for stored in _from(disk, layout, start) if stored.index >= sequence]


def _from(files: FileSystem, layout: Layout, start: int) -> Iterator[Stored]:
    try:
        yield from read_log(files, layout, start)
    except Damage as damage:
        if not damage.unfinished:
            what = f"The audit log is damaged: {damage}. Run: govcloud audit verify"
            raise AuditDamaged(what, damage.index) from damage


def _record(stored: Stored) -> Record:
    try:
        return stored.record()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"Record {stored.index} cannot be read ({where}: {first['msg'][:100]})"
        raise AuditDamaged(f"{what}: a newer program wrote it, or it was changed. Run: govcloud audit verify", stored.index) from error


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that was about to be done, and everything that was said about how it went."""

    intent: Record
    outcomes: tuple[Record, ...]

    @property
    def settled(self) -> bool:
        """Whether it is known what became of it."""
        return any(outcome.settles for outcome in self.outcomes)


def effects(records: Iterable[Record]) -> list[Effect]:
    """Intents in order, each with its outcomes. Outcomes whose intent is not among the records are left out."""
    intents: dict[str, tuple[Record, list[Record]]] = {}
    for record in records:
        if record.phase is Phase.INTENT:
            intents[record.id] = (record, [])
        elif record.intent in intents:
            intents[record.intent][1].append(record)
    return [Effect(intent, tuple(outcomes)) for intent, outcomes in intents.values()]


def parse_time(text: str, now: datetime) -> datetime:
    """A moment: `2026-05-01`, `2026-05-01T08:00:00+08:00`, or a span back from now such as `90s`, `24h`, `7d`, `2w`.

    Without an offset it is UTC. Raises `ValueError` with what would be right.
    """
    try:
        if span := _SPAN.match(text):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text} is no time; write 2026-05-01, 2026-05-01T08:00:00+08:00, or 24h, 7d, 2w") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
