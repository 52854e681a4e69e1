"""How much is recorded, signed, copied, removed and held, as one value. Reads the whole log once; never writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from . import holds, removal
from .copying import began, copied_until
from .files import FileSystem, RealFiles
from .layout import Layout
from .notes import newest_note
from .query import search
from .reader import removed_leaves, segment_starts
from .records import Record


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of one log from the log itself."""

    records: int
    signed: int
    segments: int
    removed: int
    oldest: str
    """Time of the oldest record that is here, ISO 8601; empty when there is none."""
    copied: int
    """How many records from the first on are copied, as far as the log knows."""
    uncopied: int
    uncopied_seconds: int
    """Age of the oldest record that is not copied."""
    holds: tuple[str, ...]
    """Names of the legal holds in force."""


def status_of(directory: Path, now: datetime, files: FileSystem | None = None) -> Status:
    """Raises `FileNotFoundError` when there is no log, `AuditDamaged` when it cannot be read."""
    disk, layout = files or RealFiles(), Layout(directory)
    removed = removed_leaves(disk, layout).count
    count, telling = _counted(search(directory, files=disk))
    copied = copied_until(telling)
    oldest, since = began(disk, layout, removed), began(disk, layout, copied)
    return Status(
        records=removed + count,
        signed=_signed(disk, layout),
        segments=len(segment_starts(disk, layout)),
        removed=removed,
        oldest=oldest.isoformat(timespec="seconds") if oldest else "",
        copied=copied,
        uncopied=removed + count - copied,
        uncopied_seconds=max(int((now - since).total_seconds()), 0) if since else 0,
        holds=tuple(sorted(holds.active(telling))),
    )


def _counted(records: Iterable[Record]) -> tuple[int, list[Record]]:
    """How many there are, and those that tell of copies and holds."""
    count, telling = 0, list[Record]()
    for record in records:
        count += 1
        if record.target.kind in (holds.TARGET_KIND, removal.TARGET_KIND):
            telling.append(record)
    return count, telling


def _signed(files: FileSystem, layout: Layout) -> int:
    if not files.exists(layout.notes):
        return 0
    with files.open_for_reading(layout.notes) as stream:
        newest, _ = newest_note(stream)
    return newest.checkpoint.size if newest else 0
