"""How records are shown to people, for `query` and `tail`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.records import Record
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import fail, wrong_usage
from govcloud.cli.columns import Column, Format, Sheet

FormatOption = Annotated[Format, typer.Option("--format", help="table, json (one record a line) or csv.")]


def show(
    records: Callable[[], Iterable[Record]], format_: Format, *, chinese: bool, bom: bool = True, live: bool = False
) -> None:
    """Print records as they come; ends the command with a verdict when the log is damaged."""
    sheet = Sheet(_COLUMNS, chinese)
    try:
        if format_ is Format.JSON:
            _print_json(_noticed(records()))
        elif format_ is Format.CSV:
            sheet.print_csv(_noticed(records()), bom=bom)
        else:
            sheet.print_table(_noticed(records()), live=live)
        sys.stdout.flush()
    except FileNotFoundError as error:
        wrong_usage(error)
    except AuditDamaged as damaged:
        fail(damaged, Result.TAMPERED.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit from None
    except BrokenPipeError:  # whoever reads, such as `head`, has enough: no verdict about the log
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def _noticed(records: Iterable[Record]) -> Iterator[Record]:
    """Says so where there is none: a name that was mistyped finds nothing too."""
    found = False
    for record in records:
        found = True
        yield record
    if not found:
        print("govcloud audit: no record is like that", file=sys.stderr)


def _print_json(records: Iterable[Record]) -> None:
    for record in records:
        print(record.stored().decode(), flush=True)


def _why(record: Record) -> str:
    plan = "" if record.reason.plan_number is None else f"plan {record.reason.plan_number}"
    return " ".join(part for part in (plan, record.reason.rule, record.reason.article) if part)


def _target(record: Record) -> str:
    return " ".join(part for part in (record.target.kind, record.target.name or record.target.id) if part)


_COLUMNS: tuple[Column[Record], ...] = (
    Column("sequence", "序号", lambda r: str(r.sequence)),
    Column("time", "时间", lambda r: r.time.astimezone().isoformat(timespec="seconds")),
    Column("phase", "阶段", lambda r: r.phase),
    Column("action", "操作", lambda r: r.action),
    Column("outcome", "结果", lambda r: r.outcome),
    Column("who", "操作人", lambda r: r.initiator.id),
    Column("on behalf of", "责任人", lambda r: r.initiator.on_behalf_of),
    Column("target", "对象", _target),
    Column("unit", "使用单位", lambda r: r.unit),
    Column("request", "申请编号", lambda r: r.request),
    Column("why", "依据", _why),
    Column("request ids", "请求标识", lambda r: " ".join((*r.request_ids.openstack, *r.request_ids.kubernetes, *r.request_ids.s3))),
    Column("message", "说明", lambda r: r.message),
)
