"""What the audit commands share: where the log is, how a wrong command line ends, what files of keys and checkpoints hold."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from govcloud.audit.errors import KeyUnknown
from govcloud.audit.layout import Layout
from govcloud.audit.notes import BadNote, PublicKey, SignedCheckpoint, parse
from govcloud.audit.query import parse_time
from govcloud.audit.reads import Read, leave_note
from govcloud.audit.verify import Result

USAGE = 3
"""Exit code of a wrong command line: 1 and 2 are verdicts about the log."""

_USAGE_OF_THE_LIBRARY = 2


class ReportFormat(StrEnum):
    """How a verdict is printed: as a few lines of text, or as one JSON object."""

    TABLE = "table"
    JSON = "json"


ReportFormatOption = Annotated[ReportFormat, typer.Option("--format", help="table (a few lines of text) or json.")]


class Command(TyperCommand):
    """A command whose wrong usage ends with 3, so that a script never takes it for a verdict."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _wrong_usage_ends_with_3():
            return super().parse_args(ctx, args)


class Group(TyperGroup):
    """The same for commands that there are not, and for none at all."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _wrong_usage_ends_with_3():
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        with _wrong_usage_ends_with_3():
            return super().resolve_command(ctx, args)


@contextmanager
def _wrong_usage_ends_with_3() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if getattr(error, "exit_code", None) == _USAGE_OF_THE_LIBRARY:
            error.exit_code = USAGE  # type: ignore[attr-defined]
        raise


def _default_log() -> Path:
    if state := os.environ.get("GOVCLOUD_STATE_DIR"):
        return Path(state) / "audit"
    return Path(os.environ.get("GOVCLOUD_DEV_DIR", ".dev")) / "controller" / "audit"


def _is_there(log: Path) -> Path:
    if not log.is_dir():
        raise typer.BadParameter(f"There is no audit log in {log}; name its directory with --log, or set GOVCLOUD_STATE_DIR")
    return log


LogOption = Annotated[
    Path,
    typer.Option(
        "--log",
        help="Directory of the log. Default: $GOVCLOUD_STATE_DIR/audit, else .dev/controller/audit.",
        default_factory=_default_log,
        callback=_is_there,
        show_default=False,
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="File with the verifier key, kept elsewhere. Default: the copy beside the log."),
]


def remember_read(log: Path, command: str, *, unit: str = "", request: str = "") -> None:
    """Leave word that records were read. A copy that the reader may not write to belongs to the reader."""
    if not Layout(log).segments.exists():
        return
    try:
        leave_note(log, Read(_account(), command, unit, request), datetime.now(UTC))
    except OSError as error:
        print(f"govcloud audit: that this was read could not be noted: {error}", file=sys.stderr)


def _account() -> str:
    """By the operating system; through sudo, who called it."""
    if os.getuid() == 0 and (caller := os.environ.get("SUDO_USER")):
        return caller
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def read_key(path: Path) -> PublicKey:
    """The verifier key in a file; ends the command when there is none."""
    try:
        return PublicKey.parse(path.read_text(encoding="utf-8"))
    except KeyUnknown as unknown:
        fail(unknown, Result.KEY_UNKNOWN.exit_code)
    except (OSError, UnicodeDecodeError) as error:
        wrong_usage(error)


def read_checkpoint(path: Path) -> SignedCheckpoint:
    """The signed checkpoint in a file; ends the command when there is none."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, BadNote, UnicodeDecodeError) as error:
        wrong_usage(error)


def moment(text: str, now: datetime) -> datetime | None:
    """The moment that somebody wrote, None for nothing; ends the command when it cannot be read."""
    try:
        return parse_time(text, now) if text else None
    except ValueError as error:
        wrong_usage(error)


def wrong_usage(error: Exception) -> NoReturn:
    """End with the exit code of a wrong command line. Of files that cannot be used it says which one, and why."""
    if isinstance(error, OSError) and error.filename:
        error = ValueError(f"{error.filename}: {error.strerror}")
    fail(error, USAGE)


def fail(error: Exception, code: int) -> NoReturn:
    """End with a sentence and this exit code."""
    print(f"govcloud audit: {error}", file=sys.stderr)
    raise typer.Exit(code)
