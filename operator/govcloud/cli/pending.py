"""`govcloud pending`: what waits for an office."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Annotated

import typer

from govcloud.cli.columns import Column, Sheet
from govcloud.cli.office import plain_refusals, tools
from govcloud.cli.speech import LanguageOption, Output, OutputOption, chosen
from govcloud.core.calendar import SHANGHAI
from govcloud.core.objects import RequestObject
from govcloud.core.said import Language
from govcloud.desk import Desk, Waiting
from govcloud.observe import status_of


@dataclass(frozen=True)
class Item:
    """One decision that is waited for."""

    namespace: str
    name: str
    step: str
    office: str
    deadline: datetime | None
    plan: int | None
    zh: str
    en: str
    yours: bool


def run(
    context: typer.Context,
    office: Annotated[str | None, typer.Option(help="Only what waits for this office.")] = None,
    step: Annotated[str | None, typer.Option(help="Only what waits for this approval step; `applicant`: what went back to its applicant.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you may decide.")] = False,
    namespace: Annotated[list[str] | None, typer.Option("-n", "--namespace", help="Look here only. May be given several times.")] = None,
    output: OutputOption = Output.TABLE,
    lang: LanguageOption = None,
) -> None:
    """List the decisions that are waited for, over all namespaces that you can
    see, the most urgent first.

    Who may not list over all namespaces is shown the units' namespaces that he
    may look into; where those are not called like their unit, name them with
    -n.

    \b
    Examples:
      govcloud pending --mine
      govcloud pending --office 九江市政府信息化工作办公室 --output json

    \b
    Exit codes:
      0  the list is complete, if empty
      3  the cluster cannot be reached, or you lack a right
    """
    language, hands = chosen(lang), tools(context)
    with plain_refusals(language):
        waiting = hands.desk.waiting(namespace or ())
        items = [item for item in items_of(hands.desk, waiting, step) if (not office or item.office == office) and (item.yours or not mine)]
    if output is Output.JSON:
        typer.echo(json.dumps([_as_json(item) for item in items], ensure_ascii=False, indent=2))
    else:
        _tell(items, waiting, language)


_NEVER = datetime.max.replace(tzinfo=SHANGHAI)


def items_of(desk: Desk, waiting: Waiting, step: str | None) -> list[Item]:
    """What waits for an approval step (or for one of this name), by deadline."""
    may_decide = cache(desk.may_decide)  # many requests of one namespace wait for one step
    found = [_item(request, may_decide) for request in waiting.requests]
    wanted = [item for item in found if (item.step == step if step else item.step != "applicant")]
    return sorted(wanted, key=lambda item: (item.deadline is None, item.deadline or _NEVER, item.namespace, item.name))


def _item(request: RequestObject, may_decide: Callable[[str, str], bool]) -> Item:
    status = status_of(request)
    action, plan = status.next_action, status.plan
    step = (action.waiting_for if action else None) or ""
    return Item(
        namespace=request.key.namespace,
        name=request.key.name,
        step=step,
        office=(action.office if action else None) or "",
        deadline=action.deadline if action else None,
        plan=plan.number if plan else None,
        zh=plan.summary_zh if plan else "",
        en=plan.summary_en if plan else "",
        yours=step not in ("", "applicant") and may_decide(request.key.namespace, step),
    )


def _as_json(item: Item) -> dict[str, object]:
    return {**asdict(item), "deadline": item.deadline.isoformat() if item.deadline else None}


def _tell(items: Sequence[Item], waiting: Waiting, language: Language) -> None:
    chinese = language == "zh"
    if items:
        Sheet(_columns(language), chinese).print_table(items)
    else:
        typer.echo("没有等待办理的事项" if chinese else "nothing waits")
    if waiting.namespaces is not None:
        names = ", ".join(waiting.namespaces) or "-"
        typer.echo(f"已查看的命名空间:{names}" if chinese else f"looked in the namespaces: {names}", err=True)


def _columns(language: Language) -> tuple[Column[Item], ...]:
    chinese = language == "zh"
    return (
        Column("request", "申请", lambda i: f"{i.namespace}/{i.name}"),
        Column("step", "环节", lambda i: i.step),
        Column("office", "单位", lambda i: i.office),
        Column("deadline", "期限", lambda i: f"{i.deadline.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if i.deadline else ""),
        Column("yours", "本人可办", lambda i: ("是" if chinese else "yes") if i.yours else ""),
        Column("plan", "计划", lambda i: i.zh if chinese else i.en),
    )
