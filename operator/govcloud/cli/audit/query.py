"""`govcloud audit query`: find records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from govcloud.audit.query import Filter, search
from govcloud.audit.records import Action
from govcloud.cli.audit.common import LogOption, moment, remember_read
from govcloud.cli.audit.listing import FormatOption, show
from govcloud.cli.columns import BomOption, ChineseOption, Format


def run(
    log: LogOption,
    request: Annotated[str, typer.Option(help="uid of a CloudServiceRequest.")] = "",
    unit: Annotated[str, typer.Option(help="Name of a using unit.")] = "",
    person: Annotated[str, typer.Option(help="Who acted, or on whose behalf.")] = "",
    action: Annotated[list[Action] | None, typer.Option(help="May be given several times.")] = None,
    since: Annotated[str, typer.Option(help="Such as 2026-05-01, 2026-05-01T08:00:00+08:00, 24h, 7d.")] = "",
    until: Annotated[str, typer.Option(help="The same; not included.")] = "",
    format_: FormatOption = Format.TABLE,
    chinese: ChineseOption = False,
    bom: BomOption = True,
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
        since=moment(since, now),
        until=moment(until, now),
    )
    remember_read(log, "query", unit=unit, request=request)
    show(lambda: search(log, wanted), format_, chinese=chinese, bom=bom)
