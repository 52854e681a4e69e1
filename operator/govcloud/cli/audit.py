"""`govcloud audit`: reading, checking and handing out the audit log.

Only presentation: everything that is found out is found out in `govcloud.audit`. Never here: a write to the log.
"""

import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from govcloud.audit.errors import AuditDamaged, KeyUnknown
from govcloud.audit.notes import BadNote, PublicKey, SignedCheckpoint, parse
from govcloud.audit.proofs import NotProven, at, check, export, newest_checkpoint, of_unit
from govcloud.audit.query import Filter, following, parse_time, recent, search
from govcloud.audit.records import Action, Record
from govcloud.audit.verify import Report, Result, verify

USAGE = 3
"""Exit code of a wrong command line: 1 and 2 are verdicts about the log."""

_USAGE_OF_THE_LIBRARY = 2

app = typer.Typer(
    help="Read, check and hand out the audit log.\n\n"
    "Exit codes: 0 all is well, 1 tampered, 2 incomplete or rolled back, 3 wrong usage, 4 key unknown.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Format(StrEnum):
    """How records are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class _Command(TyperCommand):
    """A command whose wrong usage ends with 3, so that a script never takes it for a verdict."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "exit_code", None) == _USAGE_OF_THE_LIBRARY:
                error.exit_code = USAGE  # type: ignore[attr-defined]
            raise


def _default_log() -> Path:
    if state := os.environ.get("GOVCLOUD_STATE_DIR"):
        return Path(state) / "audit"
    return Path(os.environ.get("GOVCLOUD_DEV_DIR", ".dev")) / "controller" / "audit"


LogOption = Annotated[
    Path,
    typer.Option(
        "--log",
        help="Directory of the log. Default: $GOVCLOUD_STATE_DIR/audit, else .dev/controller/audit.",
        default_factory=_default_log,
        show_default=False,
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="File with the verifier key, kept elsewhere. Default: the copy beside the log."),
]
ChineseOption = Annotated[bool, typer.Option("--chinese", help="Column headings in Chinese 中文表头.")]


# -------------------------------------------------------------------- verify


@app.command("verify", cls=_Command)
def verify_command(
    log: LogOption,
    key: KeyOption = None,
    from_checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint kept elsewhere; the log must still contain what it signed.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="table (a few lines of text) or json.")] = Format.TABLE,
) -> None:
    """Check that the log is whole and is the one that was signed.

    \b
    Examples:
      govcloud audit verify
      govcloud audit verify --key /safe/audit.pub --from-checkpoint /safe/checkpoint-2026-05
      govcloud audit verify --format json | jq .first_bad

    The key and a checkpoint should come from a place that those who can write the log cannot write.
    """
    anchor = _read_checkpoint(from_checkpoint) if from_checkpoint else None
    try:
        report = verify(log, _read_key(key) if key else None, anchor)
    except OSError as error:
        _wrong_usage(error)
    _print_report(report, format_)
    raise typer.Exit(report.result.exit_code)


def _print_report(report: Report, format_: Format) -> None:
    if format_ is Format.JSON:
        print(json.dumps(asdict(report), ensure_ascii=False, indent=2))
        return
    where = "" if report.first_bad is None else f" First bad record: {report.first_bad}."
    print(f"{report.result}: {report.what}.{where}")
    print(
        f"{report.records} records, {report.signed} of them signed by {report.checkpoints} checkpoints; "
        f"{report.open_intents} intents without an outcome"
    )
    print(f"root {report.root}")
    for remark in report.remarks:
        print(f"note: {remark}")


# -------------------------------------------------------------------- query, tail


FormatOption = Annotated[Format, typer.Option("--format", help="table, json (one record a line) or csv.")]


@app.command("query", cls=_Command)
def query_command(
    log: LogOption,
    request: Annotated[str, typer.Option(help="uid of a CloudServiceRequest.")] = "",
    unit: Annotated[str, typer.Option(help="Name of a using unit.")] = "",
    person: Annotated[str, typer.Option(help="Who acted, or on whose behalf.")] = "",
    action: Annotated[list[Action] | None, typer.Option(help="May be given several times.")] = None,
    since: Annotated[str, typer.Option(help="Such as 2026-05-01, 2026-05-01T08:00:00+08:00, 24h, 7d.")] = "",
    until: Annotated[str, typer.Option(help="The same; not included.")] = "",
    format_: FormatOption = Format.TABLE,
    chinese: ChineseOption = False,
) -> None:
    """Find records.

    \b
    Examples:
      govcloud audit query --request 5b1c0f0e-9d3e-4a52-8d4e-2f7d3f0a7c11
      govcloud audit query --unit jj-health --action delete --action sanitise --since 7d
      govcloud audit query --person wang.wei --format csv --chinese > wang.csv

    A query shows what is stored; run `verify` to know whether to believe it.
    """
    now = datetime.now(UTC)
    wanted = Filter(
        request=request,
        unit=unit,
        person=person,
        actions=frozenset(action or ()),
        since=_moment(since, now),
        until=_moment(until, now),
    )
    _show(lambda: search(log, wanted), format_, chinese=chinese)


@app.command("tail", cls=_Command)
def tail_command(
    log: LogOption,
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many records.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new ones until interrupted.")] = False,
    format_: FormatOption = Format.TABLE,
    chinese: ChineseOption = False,
) -> None:
    """Show the last records.

    \b
    Examples:
      govcloud audit tail
      govcloud audit tail -n 5 --follow --format json
    """
    _show(lambda: _growing(log, lines) if follow else recent(log, lines), format_, chinese=chinese, live=follow)


def _growing(log: Path, count: int) -> Iterator[Record]:
    records = recent(log, count)
    following_ = 0
    while True:
        for record in records:
            yield record
            following_ = record.sequence + 1
        time.sleep(0.5)
        records = following(log, following_)


def _show(records: Callable[[], Iterable[Record]], format_: Format, *, chinese: bool, live: bool = False) -> None:
    headings = [column.chinese if chinese else column.english for column in _COLUMNS]
    try:
        if format_ is Format.JSON:
            _print_json(records())
        elif format_ is Format.CSV:
            _print_csv(headings, records())
        elif sys.stdout.isatty() and not live:
            _print_table(headings, records())
        else:
            _print_plain(headings, records())
    except FileNotFoundError as error:
        _wrong_usage(error)
    except AuditDamaged as damaged:
        _fail(damaged, Result.TAMPERED.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit from None


def _print_json(records: Iterable[Record]) -> None:
    for record in records:
        print(record.stored().decode(), flush=True)


def _print_csv(headings: list[str], records: Iterable[Record]) -> None:
    """With a byte order mark, without which spreadsheets take UTF-8 for something else."""
    sys.stdout.write("\ufeff")
    writer = csv.writer(sys.stdout)
    writer.writerow(headings)
    writer.writerows([_harmless(cell) for cell in _cells(record)] for record in records)


def _harmless(cell: str) -> str:
    """A spreadsheet takes a cell that begins like this for a formula, and runs it."""
    return "'" + cell if cell.startswith(("=", "+", "-", "@", "\t")) else cell


def _print_plain(headings: list[str], records: Iterable[Record]) -> None:
    print("\t".join(headings))
    for record in records:
        print("\t".join(_cells(record)), flush=True)


def _print_table(headings: list[str], records: Iterable[Record]) -> None:
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for record in records:
        table.add_row(*_cells(record))
    Console(markup=False, highlight=False).print(table)


class _Column:
    def __init__(self, english: str, chinese: str, value: Callable[[Record], str]) -> None:
        self.english, self.chinese, self.value = english, chinese, value


def _why(record: Record) -> str:
    plan = "" if record.reason.plan_number is None else f"plan {record.reason.plan_number}"
    return " ".join(part for part in (plan, record.reason.rule, record.reason.article) if part)


_COLUMNS = (
    _Column("sequence", "序号", lambda r: str(r.sequence)),
    _Column("time", "时间", lambda r: r.time.astimezone().isoformat(timespec="seconds")),
    _Column("phase", "阶段", lambda r: r.phase),
    _Column("action", "操作", lambda r: r.action),
    _Column("outcome", "结果", lambda r: r.outcome),
    _Column("who", "操作人", lambda r: r.initiator.id),
    _Column("on behalf of", "责任人", lambda r: r.initiator.on_behalf_of),
    _Column("target", "对象", lambda r: " ".join(t for t in (r.target.kind, r.target.name or r.target.id) if t)),
    _Column("unit", "使用单位", lambda r: r.unit),
    _Column("request", "申请编号", lambda r: r.request),
    _Column("why", "依据", _why),
    _Column("request ids", "请求标识", lambda r: " ".join((*r.request_ids.openstack, *r.request_ids.kubernetes))),
    _Column("message", "说明", lambda r: r.message),
)


def _cells(record: Record) -> list[str]:
    return [column.value(record) for column in _COLUMNS]


# -------------------------------------------------------------------- prove, export


@app.command("prove", cls=_Command)
def prove_command(
    sequence: Annotated[int, typer.Argument(min=0, help="Number of the record.")],
    log: LogOption,
) -> None:
    """Print one record with the proof that it is in the signed log.

    \b
    Example:
      govcloud audit prove 4711 > record-4711.jsonl
      govcloud audit check record-4711.jsonl --key audit.pub
    """
    lines = list(_bundle(lambda: export(log, at(sequence))))
    if len(lines) < 2:
        _fail(ValueError(f"There is no signed record {sequence}; a new one is signed within a minute"), USAGE)
    print("\n".join(lines))


@app.command("export", cls=_Command)
def export_command(
    log: LogOption,
    unit: Annotated[str, typer.Option(help="Name of the using unit.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; default: standard output.")] = None,
) -> None:
    """Hand out a unit's records, each with its proof, without showing anybody else's.

    \b
    Example:
      govcloud audit export --unit jj-health -o jj-health.jsonl
      govcloud audit check jj-health.jsonl --key audit.pub
    """
    lines = _bundle(lambda: export(log, of_unit(unit)))
    if output is None:
        for line in lines:
            print(line)
        return
    with output.open("w", encoding="utf-8") as stream:
        count = sum(stream.write(line + "\n") > 0 for line in lines) - 1
    print(f"{count} records of {unit} in {output}", file=sys.stderr)


@app.command("check", cls=_Command)
def check_command(
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
            proven = check(stream, _read_key(key))
    except OSError as error:
        _wrong_usage(error)
    except KeyUnknown as unknown:
        _fail(unknown, Result.KEY_UNKNOWN.exit_code)
    except (NotProven, UnicodeDecodeError) as wrong:
        _fail(wrong, Result.TAMPERED.exit_code)
    signed = proven.checkpoint.checkpoint
    print(f"ok: {len(proven.records)} records are in the log {signed.origin} of {signed.size} records")


def _bundle(lines: Callable[[], Iterator[str]]) -> Iterator[str]:
    try:
        yield from lines()
    except FileNotFoundError as error:
        _wrong_usage(error)
    except (AuditDamaged, BadNote) as damaged:
        _fail(damaged, Result.TAMPERED.exit_code)


@app.command("checkpoint", cls=_Command)
def checkpoint_command(log: LogOption) -> None:
    """Print the newest signed checkpoint, to be kept where those who can write the log cannot write.

    \b
    Example:
      govcloud audit checkpoint > /safe/checkpoint
      govcloud audit verify --key /safe/audit.pub --from-checkpoint /safe/checkpoint
    """
    try:
        print(newest_checkpoint(log).text(), end="")
    except FileNotFoundError as error:
        _wrong_usage(error)
    except BadNote as bad:
        _fail(bad, Result.TAMPERED.exit_code)


# -------------------------------------------------------------------- common


def _read_key(path: Path) -> PublicKey:
    try:
        return PublicKey.parse(path.read_text(encoding="utf-8"))
    except KeyUnknown as unknown:
        _fail(unknown, Result.KEY_UNKNOWN.exit_code)
    except (OSError, UnicodeDecodeError) as error:
        _wrong_usage(error)


def _read_checkpoint(path: Path) -> SignedCheckpoint:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, BadNote, UnicodeDecodeError) as error:
        _wrong_usage(error)


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        return parse_time(text, now) if text else None
    except ValueError as error:
        _wrong_usage(error)


def _wrong_usage(error: Exception) -> NoReturn:
    _fail(error, USAGE)


def _fail(error: Exception, code: int) -> NoReturn:
    print(f"govcloud audit: {error}", file=sys.stderr)
    raise typer.Exit(code)
