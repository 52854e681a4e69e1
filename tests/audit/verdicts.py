"""What both verifiers say of a log: ours, and the one that shares no code with it."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

from govcloud.audit import verify_offline
from govcloud.audit.notes import PublicKey, SignedCheckpoint
from govcloud.audit.verify import Report, verify


@dataclass(frozen=True)
class Said:
    """By the verifier that shares no code with the writer."""

    code: int
    first_bad: int | None
    what: str
    remarks: tuple[str, ...]


def said_offline(directory: Path, key: PublicKey, kept: SignedCheckpoint | None = None) -> Said:
    """Its verdict, without any output."""
    key_file, note = directory.parent / "given-key", directory.parent / "given-note"
    key_file.write_text(key.text())
    arguments = ["log", str(directory), "--key", str(key_file)]
    if kept:
        note.write_text(kept.text())
        arguments += ["--from-checkpoint", str(note)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = verify_offline.main(arguments)
    said = json.loads(out.getvalue())
    return Said(code, said["first_bad"], said["what"], tuple(said["remarks"]))


def agreed(directory: Path, key: PublicKey, kept: SignedCheckpoint | None = None) -> Report:
    """Our report, after the other verifier came to the same verdict."""
    report = verify(directory, key, kept)
    offline = said_offline(directory, key, kept)
    assert offline.code == report.result.exit_code, (report.what, offline.what)
    return report
