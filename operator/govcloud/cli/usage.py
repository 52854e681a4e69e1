"""`govcloud usage`: the usage ledger, read back from the audit log."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from govcloud.audit.charges import CHINA, Charge, UnknownPeriod, charges
from govcloud.audit.errors import AuditDamaged
from govcloud.audit.query import Filter, search
from govcloud.audit.records import Action
from govcloud.audit.usage import LedgerError, ledger
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import LogOption, fail, moment, wrong_usage
from govcloud.cli.columns import BomOption, ChineseOption, Column, Format, Sheet


def run(
    log: LogOption,
    unit: Annotated[str, typer.Option(help="Name of a using unit.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="Name of a Jurisdiction.")] = "",
    request: Annotated[str, typer.Option(help="uid of a CloudServiceRequest.")] = "",
    since: Annotated[str, typer.Option("--from", help="Included. Such as 2026-05-01 (UTC), 2026-05-01T00:00:00+08:00, 30d.")] = "",
    until: Annotated[str, typer.Option("--to", help="Not included; default: now.")] = "",
    format_: Annotated[Format, typer.Option("--format", help="table, json (one line a charge) or csv.")] = Format.TABLE,
    chinese: ChineseOption = False,
    bom: BomOption = True,
) -> None:
    """What was used by whom, from when to when, at which price, under which plan, and what it costs.

    \b
    Examples:
      govcloud usage --unit jj-health --from 2026-05-01T00:00:00+08:00 --to 2026-06-01T00:00:00+08:00
      govcloud usage --jurisdiction jiujiang --from 30d --format csv --chinese > usage.csv

    Metering begins with the promotion: a trial costs nothing (JJ 16). A price is for a calendar month in China; a part of it costs its
    share. Amounts are before evaluation and settlement. Exit codes: 0, 1 the log is damaged or the ledger contradicts itself, 3 wrong usage.
    """
    now = datetime.now(UTC)
    try:
        found = _charges(log, Filter(request=request, unit=unit, actions=frozenset({Action.METER})), moment(since, now), moment(until, now) or now)
    except FileNotFoundError as error:
        wrong_usage(error)
    except (AuditDamaged, LedgerError, UnknownPeriod) as error:
        fail(error, Result.TAMPERED.exit_code)
    _show([charge for charge in found if jurisdiction in ("", charge.interval.item.jurisdiction)], format_, chinese=chinese, bom=bom)


def _charges(log: Path, wanted: Filter, since: datetime | None, until: datetime) -> list[Charge]:
    return charges(ledger(search(log, wanted)), since, until)


def _show(found: list[Charge], format_: Format, *, chinese: bool, bom: bool) -> None:
    sheet = Sheet(_COLUMNS, chinese)
    if format_ is Format.JSON:
        for charge in found:
            print(json.dumps(_as_json(charge), ensure_ascii=False))
    elif format_ is Format.CSV:
        sheet.print_csv(found, bom=bom)
    else:
        sheet.print_table(found)
        print(f"{len(found)} charges, {sum((each.amount for each in found), Decimal(0))} together", file=sys.stderr)


def _time(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")


_COLUMNS: tuple[Column[Charge], ...] = (
    Column("jurisdiction", "地区", lambda c: c.interval.item.jurisdiction),
    Column("unit", "使用单位", lambda c: c.interval.item.unit),
    Column("request", "申请编号", lambda c: c.interval.item.request),
    Column("service", "服务", lambda c: c.interval.item.service),
    Column("offering", "规格", lambda c: c.interval.item.offering),
    Column("quantity", "数量", lambda c: str(c.interval.rate.quantity)),
    Column("measure", "计量单位", lambda c: c.interval.rate.measure),
    Column("from", "起", lambda c: _time(c.since)),
    Column("to", "止", lambda c: _time(c.until)),
    Column("runs", "仍在使用", lambda c: "" if c.interval.until else "yes"),
    Column("price", "单价", lambda c: str(c.interval.rate.price)),
    Column("amount", "金额", lambda c: str(c.amount)),
    Column("currency", "币种", lambda c: c.interval.rate.currency),
    Column("plan", "方案", lambda c: str(c.interval.plan_number or "")),
    Column("record", "记录序号", lambda c: str(c.interval.started_by)),
)


def _as_json(charge: Charge) -> dict[str, str]:
    """All values as text: amounts stay what they are."""
    return {column.english: column.value(charge) for column in _COLUMNS}
