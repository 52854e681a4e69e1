"""`govcloud audit prove`, `export` and `check`: records with their proofs, made and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from govcloud.audit.errors import AuditDamaged, KeyUnknown
from govcloud.audit.notes import BadNote
from govcloud.audit.proofs import NotProven, check, export, of_unit
from govcloud.audit.proofs import prove as prove_record
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import USAGE, LogOption, fail, read_key, remember_read, wrong_usage


def prove(
    sequence: Annotated[int, typer.Argument(min=0, help="Number of the record.")],
    log: LogOption,
) -> None:
    """Print one record with the proof that it is in the signed log.

    \b
    Example:
      govcloud audit prove 4711 > record-4711.jsonl
      govcloud audit check record-4711.jsonl --key audit.pub
    """
    remember_read(log, "prove")
    lines = list(_bundle(lambda: prove_record(log, sequence)))
    if len(lines) < 2:
        fail(ValueError(f"There is no signed record {sequence}; a new one is signed within a minute"), USAGE)
    print("\n".join(lines))


def hand_out(
    log: LogOption,
    unit: Annotated[str, typer.Option(help="Name of the using unit.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; default: standard output.")] = None,
) -> None:
    """Hand out a unit's records, each with its proof, without showing anybody else's.

    \b
    Example:
      govcloud audit export --unit jj-health -o jj-health.jsonl
      govcloud audit check jj-health.jsonl --key audit.pub

    For a spreadsheet: govcloud audit query --unit jj-health --format csv --chinese > jj-health.csv
    """
    remember_read(log, "export", unit=unit)
    lines = _bundle(lambda: export(log, of_unit(unit)))
    try:
        with output.open("w", encoding="utf-8") if output else nullcontext(sys.stdout) as stream:
            count = sum(stream.write(line + "\n") > 0 for line in lines) - 1
    except OSError as error:
        wrong_usage(error)
    print(f"{count} records of {unit}" + (f" in {output}" if output else ""), file=sys.stderr)


def check_bundle(
    bundle: Annotated[Path, typer.Argument(help="What `prove` or `export` printed.")],
    key: Annotated[Path, typer.Option("--key", help="File with the verifier key.")],
) -> None:
    """Check a bundle of `prove` or `export`; needs the log's public key, not the log.

    \b
    Example:
      govcloud audit check jj-health.jsonl --key audit.pub
    """
    try:
        with bundle.open(encoding="utf-8") as stream:
            proven = check(stream, read_key(key))
    except OSError as error:
        wrong_usage(error)
    except KeyUnknown as unknown:
        fail(unknown, Result.KEY_UNKNOWN.exit_code)
    except (NotProven, UnicodeDecodeError) as wrong:
        fail(wrong, Result.TAMPERED.exit_code)
    signed = proven.checkpoint.checkpoint
    print(f"ok: {len(proven.records)} records are in the log {signed.origin} of {signed.size} records")


def _bundle(lines: Callable[[], Iterator[str]]) -> Iterator[str]:
    try:
        yield from lines()
    except FileNotFoundError as error:
        wrong_usage(error)
    except (AuditDamaged, BadNote) as damaged:
        fail(damaged, Result.TAMPERED.exit_code)
