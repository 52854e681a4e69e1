"""How checkpoints of the audit log lie in any object storage: an object each, under a name that is written once.

`<log>/<size>`: the first 16 hexadecimal digits of the SHA-256 of the log's origin, and the size in 16 digits. An older copy of
the log that is put back cannot take their place: a name that exists is never written again.
"""

from __future__ import annotations

import hashlib

from govcloud.audit.notes import BadNote, parse
from govcloud.audit.own_words import PUBLICATION
from govcloud.audit.publishing import OtherHistory
from stacks.provider.journal import EffectContext

SIZE_DIGITS = 16


def folder_of(origin: str) -> str:
    """Name of the log's folder."""
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


def object_name(folder: str, size: int) -> str:
    """Name of the checkpoint of so many records."""
    return f"{folder}/{size:0{SIZE_DIGITS}d}"


def refuse_other(there: str, note: str) -> None:
    """Raises `OtherHistory` unless both say the same. Signatures may differ: a witness adds one with its own time."""
    try:
        same = parse(there).checkpoint == parse(note).checkpoint
    except BadNote:
        same = False
    if not same:
        raise OtherHistory(there)


def accounted(folder: str, size: int) -> EffectContext:
    """What the write of a checkpoint belongs to: no request, and no plan."""
    key = hashlib.sha256(f"{folder}/{size}".encode()).hexdigest()[:40]
    return EffectContext("", "audit", f"audit/checkpoint/{size}", PUBLICATION, "create", key, 0)
