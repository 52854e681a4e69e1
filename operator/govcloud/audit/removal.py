"""What a record of removal says, read back. Shared by retention, which writes it, and `verify`, which demands it.

Never here: the decision to remove.
"""

from .records import Action, Phase, Record

TARGET_KIND = "AuditSegment"


def removed_end(record: Record) -> int | None:
    """Sequence after the last record of the segment whose removal this record announces; None for any other record."""
    if record.action is not Action.DELETE or record.target.kind != TARGET_KIND or record.phase is not Phase.INTENT:
        return None
    end = record.attributes.get("end", "")
    return int(end) if end.isdecimal() else None
