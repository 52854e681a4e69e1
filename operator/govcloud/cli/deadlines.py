"""`govcloud deadlines`: how offices and provider kept their legal limits."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.query import Filter, search
from govcloud.audit.records import Action
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import LogOption, fail, moment, wrong_usage
from govcloud.cli.columns import Column, Sheet
from govcloud.cli.speech import LanguageOption, Output, OutputOption, chosen
from govcloud.core.punctuality import Punctuality, on_time


def run(
    log: LogOption,
    jurisdiction: Annotated[str, typer.Option(help="Name of a Jurisdiction. Default: all.")] = "",
    since: Annotated[str, typer.Option(help="Such as 2026-01-01, 2026-01-01T00:00:00+08:00, 24h, 7d.")] = "",
    until: Annotated[str, typer.Option(help="The same; not included.")] = "",
    output: OutputOption = Output.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Count how offices and provider kept their legal limits, from the audit log.

    \b
    Examples:
      govcloud deadlines
      govcloud deadlines --jurisdiction jiujiang --since 2026-01-01 --until 2027-01-01 -o json

    A limit counts when it was told of: what was withdrawn in time counts
    neither way, what is overdue has not ended yet.
    """
    now = datetime.now(UTC)
    wanted = Filter(actions=frozenset({Action.EVALUATE}), since=moment(since, now), until=moment(until, now))
    try:
        counted = on_time(search(log, wanted))
    except FileNotFoundError as error:
        wrong_usage(error)
    except AuditDamaged as damaged:
        fail(damaged, Result.TAMPERED.exit_code)
    found = [each for each in counted if jurisdiction in ("", each.jurisdiction)]
    if output is Output.JSON:
        print(json.dumps([{**asdict(each), "percent": each.percent} for each in found], ensure_ascii=False, indent=2))
    else:
        Sheet(_COLUMNS, chinese=chosen(lang) == "zh").print_table(found)


_COLUMNS = (
    Column[Punctuality]("jurisdiction", "地区", lambda each: each.jurisdiction),
    Column[Punctuality]("step", "环节", lambda each: each.step),
    Column[Punctuality]("office", "办理单位", lambda each: each.office),
    Column[Punctuality]("on time", "按期", lambda each: str(each.on_time)),
    Column[Punctuality]("late", "逾期", lambda each: str(each.late)),
    Column[Punctuality]("overdue", "超期未办", lambda each: str(each.overdue)),
    Column[Punctuality]("withdrawn", "撤回", lambda each: str(each.withdrawn)),
    Column[Punctuality]("%", "按期率%", lambda each: "" if each.percent is None else str(each.percent)),
)
