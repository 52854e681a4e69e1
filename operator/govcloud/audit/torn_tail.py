"""The last, never acknowledged write of a process that died: recognised, cut off, and kept in `torn/`.

Anything else that is wrong at the end of a log is evidence, and is not touched. Never here: an append of a record; the log
itself says what was cut.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from .durable import DurableFile, broken_on_error
from .errors import AuditDamaged
from .files import FileSystem, write_atomically
from .frames import BadFrame, decode
from .layout import Layout
from .reader import MAX_LINE_BYTES, Damage, segment_starts
from .records import Record


def cut_torn_tail(files: FileSystem, layout: Layout, signed: int, damage: Damage) -> int:
    """How many bytes were cut off. Only what was never acknowledged may go: at the end of the last segment, of one flush.

    `signed` is the size of the newest checkpoint. Raises `AuditDamaged`, `DiskBroken`, `OSError`.
    """
    last = max(segment_starts(files, layout), default=0)
    at_the_end = damage.path == layout.segment(last) and not damage.missing
    if not at_the_end or damage.index < signed or _acknowledged_after(files, damage):
        raise AuditDamaged(f"The audit log is damaged: {damage}. Run: govcloud audit verify", damage.index) from damage
    with files.open_for_reading(damage.path) as stream:
        stream.seek(damage.offset)
        count = len(stream.read())
    cut_file(files, layout, damage.path, count)
    return count


def _acknowledged_after(files: FileSystem, damage: Damage) -> bool:
    """A later flush is only begun when the earlier one is durable, so a whole frame of a later flush is no crash."""
    return any(record is None or record.commit > damage.index for record in _whole_frames_after(files, damage))


def _whole_frames_after(files: FileSystem, damage: Damage) -> Iterator[Record | None]:
    with files.open_for_reading(damage.path) as stream:
        stream.seek(damage.offset)
        while line := stream.readline(MAX_LINE_BYTES):
            try:
                yield Record.model_validate_json(decode(line))
            except BadFrame:
                continue
            except ValidationError:
                yield None


def cut_file(files: FileSystem, layout: Layout, path: Path, count: int) -> None:
    """Moves the last `count` bytes into `torn/`: the kept copy is durable before the original is shortened.

    Raises `DiskBroken`, `OSError`.
    """
    file = DurableFile(files, path)
    try:
        end = file.size - count
        with files.open_for_reading(path) as stream:
            stream.seek(end)
            rest = stream.read()
        with broken_on_error("cannot keep what was cut off"):
            files.make_directory(layout.torn)
            write_atomically(files, layout.torn / f"{path.stem}-{end}", rest)
        file.cut(end)
    finally:
        file.close()
