"""Reads of the log by people: the command that reads leaves a note beside the log, and the one writer records it.

Only the writer may append, and a command is another process. A note says who (the account of the operating system), what
and when; it is taken away once it is recorded, so a crash in between records it twice under the same id. Whoever may write
the directory could leave a note in another's name, and whoever reads the files without our commands leaves none: for that
the operating system's own audit is there.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from .files import FileSystem, RealFiles, write_atomically
from .layout import Layout
from .log import AuditLog
from .records import Action, Entry, Initiator, InitiatorType, Outcome, Phase, Target, escape_invisible

TARGET_KIND = "AuditRecords"

_MOST_BYTES = 8_192
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody read records."""

    who: str
    command: str
    """Such as `query`."""
    unit: str = ""
    request: str = ""
    """Empty when records of any unit or request were wanted."""


def leave_note(directory: Path, read: Read, now: datetime, files: FileSystem | None = None) -> None:
    """Durable on return. Raises `OSError` when the directory cannot be written."""
    disk, folder = files or RealFiles(), Layout(directory).reads
    disk.make_directory(folder)
    content = {"who": read.who, "command": read.command, "unit": read.unit, "request": read.request}
    text = json.dumps({**content, "at": now.astimezone(UTC).isoformat()}, ensure_ascii=False)
    write_atomically(disk, folder / f"{uuid4()}.json", text.encode())


def record_reads(audit: AuditLog, directory: Path, files: FileSystem | None = None) -> int:
    """Records every note and takes it away; how many there were. Raises `AuditUnavailable`, `OSError`."""
    disk, folder = files or RealFiles(), Layout(directory).reads
    names = [name for name in disk.names(folder) if name.endswith(".json")] if disk.exists(folder) else []
    for name in names[:_MOST_AT_ONCE]:
        audit.append(_entry(disk, folder / name))
        disk.remove(folder / name)
    return len(names[:_MOST_AT_ONCE])


def _entry(files: FileSystem, path: Path) -> Entry:
    try:
        with files.open_for_reading(path) as stream:
            content = stream.read(_MOST_BYTES)
        said = {str(key): escape_invisible(str(value))[:256] for key, value in json.loads(content).items()}
        return _read_entry(path.stem, said)
    except (PermissionError, ValueError, AttributeError, RecursionError, ValidationError):
        return _read_entry(path.stem, {"command": "unreadable note"})


def _read_entry(note: str, said: dict[str, str]) -> Entry:
    return Entry(
        phase=Phase.EVENT,
        action=Action.READ,
        outcome=Outcome.SUCCESS,
        initiator=Initiator(id=said.get("who") or "unknown", type=InitiatorType.PERSON),
        target=Target(kind=TARGET_KIND, name=said.get("command", "")),
        unit=said.get("unit", ""),
        request=said.get("request", ""),
        message="records were read",
        attributes={"note": escape_invisible(note)[:64], "at": said.get("at", "")},
    )
