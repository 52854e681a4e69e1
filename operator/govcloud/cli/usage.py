"""`govcloud usage`: the usage ledger, read back from the audit log."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from govcloud.audit.charges import CHINA, Charge, Total, UnknownPeriod, charges, totals
from govcloud.audit.errors import AuditDamaged
from govcloud.audit.query import Filter, search
from govcloud.audit.records import Action
from govcloud.audit.usage import LedgerError, ledger
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import LogOption, fail, moment, remember_read, wrong_usage
from govcloud.cli.columns import BomOption, ChineseOption, Column, Format, Sheet


class Sum(StrEnum):
    """What charges are added up by."""

    COUNTY = "county"
    UNIT = "unit"


def run(
    log: LogOption,
    unit: Annotated[str, typer.Option(help="Name of a using unit.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="Name of a Jurisdiction.")] = "",
    request: Annotated[str, typer.Option(help="uid of a CloudServiceRequest.")] = "",
    since: Annotated[str, typer.Option("--from", help="Included. Such as 2026-05-01 (UTC), 2026-05-01T00:00:00+08:00, 30d.")] = "",
    until: Annotated[str, typer.Option("--to", help="Not included; default: now.")] = "",
    by: Annotated[Sum | None, typer.Option(help="Sums instead of single charges: of each payer, or of each of its units.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="table, json (one line a charge) or csv.")] = Format.TABLE,
    chinese: ChineseOption = False,
    bom: BomOption = True,
) -> None:
    """What was used by whom, from when to when, at which price, under which plan, and what it costs.

    \b
    Examples:
      govcloud usage --unit jj-health --from 2026-05-01T00:00:00+08:00 --to 2026-06-01T00:00:00+08:00
      govcloud usage --jurisdiction jiujiang --from 30d --format csv --chinese > usage.csv
      govcloud usage --by county --from 2026-01-01T00:00:00+08:00 --to 2027-01-01T00:00:00+08:00

    Metering begins with the promotion: a trial costs nothing (JJ 16). A price is for a calendar month in China; a part of it costs its
    share. Amounts are before evaluation and settlement. City and county pay for their own units (JJ 5): where no county stands, it is the city.
    Exit codes: 0, 1 the log is damaged or the ledger contradicts itself, 3 wrong usage.
    """
    now = datetime.now(UTC)
    remember_read(log, "usage", unit=unit, request=request)
    try:
        found = _charges(log, Filter(request=request, unit=unit, actions=frozenset({Action.METER})), moment(since, now), moment(until, now) or now)
    except FileNotFoundError as error:
        wrong_usage(error)
    except (AuditDamaged, LedgerError, UnknownPeriod) as error:
        fail(error, Result.TAMPERED.exit_code)
    chosen = [charge for charge in found if jurisdiction in ("", charge.interval.item.jurisdiction)]
    if by is None:
        _show(Sheet(_COLUMNS, chinese), chosen, format_, bom=bom)
    else:
        _show(Sheet(_SUMS, chinese), totals(chosen, by_unit=by is Sum.UNIT), format_, bom=bom)


def _charges(log: Path, wanted: Filter, since: datetime | None, until: datetime) -> list[Charge]:
    return charges(ledger(search(log, wanted)), since, until)


Line = TypeVar("Line", Charge, Total)


def _show(sheet: Sheet[Line], found: Sequence[Line], format_: Format, *, bom: bool) -> None:
    if format_ is Format.JSON:
        for line in found:  # all values as text: amounts stay what they are
            print(json.dumps({column.english: column.value(line) for column in sheet.columns}, ensure_ascii=False))
    elif format_ is Format.CSV:
        sheet.print_csv(found, bom=bom)
    else:
        sheet.print_table(found)
        charged = sum(line.charges if isinstance(line, Total) else 1 for line in found)
        print(f"{charged} charges, {sum((line.amount for line in found), Decimal(0))} together", file=sys.stderr)


def _time(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")


_COLUMNS: tuple[Column[Charge], ...] = (
    Column("jurisdiction", "地区", lambda c: c.interval.item.jurisdiction),
    Column("unit", "使用单位", lambda c: c.interval.item.unit),
    Column("county", "县(市、区)", lambda c: c.interval.item.county),
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

_SUMS: tuple[Column[Total], ...] = (
    Column("jurisdiction", "地区", lambda t: t.jurisdiction),
    Column("county", "县(市、区)", lambda t: t.county),
    Column("unit", "使用单位", lambda t: t.unit),
    Column("charges", "笔数", lambda t: str(t.charges)),
    Column("amount", "金额", lambda t: str(t.amount)),
    Column("currency", "币种", lambda t: t.currency),
)
