"""Verification that goes on from where the last one ended, remembered in a small file of the auditor's.

What was read and right an earlier time is not read again where its segment is sealed: only the hashes that were kept of it
are held against what was signed, and the report says so. Read everything now and then. The file is trusted as a kept
checkpoint is: it belongs where those who can write the log cannot write.
"""

import json
from pathlib import Path

from .files import FileSystem, RealFiles, write_atomically
from .notes import BadNote, PublicKey, SignedCheckpoint, parse
from .verify import Known, Report, audit

FORMAT = "govcloud-audit-verified/1"


class BadState(ValueError):
    """The file is not what an earlier verification wrote."""


def verify_from(
    directory: Path,
    state: Path,
    public_key: PublicKey | None = None,
    from_checkpoint: SignedCheckpoint | None = None,
    files: FileSystem | None = None,
) -> Report:
    """Checks what is new in the log; writes the state file anew when all is well.

    Without the file everything is checked. Raises `BadState`, `FileNotFoundError` when there is no log, `OSError`.
    """
    known = _read(state) if state.exists() else None
    found = audit(directory, public_key, (from_checkpoint,) if from_checkpoint else (), known, files)
    if found.known:
        write_atomically(RealFiles(), state, _text(found.known))
    return found.report


def _text(known: Known) -> bytes:
    content = {
        "format": FORMAT,
        "checkpoint": known.checkpoint.text(),
        "announced": known.announced,
        "openIntents": sorted(known.open_intents),
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def _read(state: Path) -> Known:
    try:
        content = json.loads(state.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise BadState(f"{state} does not say {FORMAT}")
        return Known(
            parse(content["checkpoint"]), int(content["announced"]), frozenset(map(str, content["openIntents"]))
        )
    except (KeyError, TypeError, ValueError, BadNote) as error:
        raise BadState(f"{state} was not written by an earlier verification: {error}") from error
