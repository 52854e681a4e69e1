"""`govcloud preview`: what the engine would do with a request's stack now, beside what the plan says that it may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from govcloud.cli.office import (
    NOT_POSSIBLE,
    NamespaceOption,
    RequestArgument,
    Tools,
    fail,
    plain_refusals,
    request_name,
    tools,
)
from govcloud.cli.speech import LanguageOption, Output, OutputOption, chosen, say
from govcloud.core.plan import Plan, parse_plan
from govcloud.core.previewing import Comparison, NothingToPreview, compared, plan_in_force, question
from govcloud.core.said import Language
from govcloud.desk import NotThere, Previews
from govcloud.observe import status_of

_BEYOND = 1

_VERBS = {"create": "新建", "update": "就地修改", "replace": "重建", "delete": "销毁"}


def run(
    context: typer.Context,
    request: RequestArgument,
    namespace: NamespaceOption = None,
    plan: Annotated[int | None, typer.Option(help="Number of the plan: the completed one, or the newest. Default: the one that is in force.")] = None,
    output: OutputOption = Output.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Ask the engine what it would do with a request's stack now, and compare it
    with what the plan shows. Nothing is written anywhere.

    `pulumi preview` runs on a copy of the stack's state, with the provider as an
    executable; the controller goes on meanwhile. Run it where the controller's
    state and its settings are, for instance in its pod:
      kubectl exec -n govcloud-system deploy/govcloud-controller -- govcloud preview ...

    \b
    Examples:
      govcloud preview csreq/hospital-registration -n first-hospital
      govcloud preview csreq/hospital-registration -n first-hospital --plan 3 -o json

    \b
    Exit codes:
      0  the engine would do what the plan shows; under a completed plan: nothing
      1  it would do more: every such operation is named. There is no such
         request or plan, or the plan is over
      2  the command line is wrong
      3  the cluster, the cloud, the engine or the controller's state cannot be
         used, or you lack a right
    """
    language, hands = chosen(lang), tools(context)
    with plain_refusals(language), _previews(hands) as previews:
        found = hands.desk.request(namespace or hands.desk.namespace(), request_name(request))
        progress = status_of(found).progress
        number = plan_in_force(progress) if plan is None else plan
        pinned = next((each for each in hands.desk.plans(found) if each.number == number), None)
        if pinned is None:
            raise NotThere(f"{request} has no plan {number}")
        try:
            asked = question(parse_plan(pinned.text), progress)
        except NothingToPreview as reason:
            raise NotThere(str(reason)) from reason
        unit = hands.desk.unit(asked.plan.unit)
        typer.echo("正在预览 / the engine is previewing …", err=True)
        answer = compared(asked, previews.preview(found.key, unit, number, asked.program))
    if output is Output.JSON:
        typer.echo(json.dumps(_as_json(asked.plan, answer), ensure_ascii=False, indent=2))
    else:
        _tell(asked.plan, answer, language)
    if answer.beyond:
        raise typer.Exit(_BEYOND)


@contextmanager
def _previews(hands: Tools) -> Iterator[Previews]:
    """Those that were handed in, else by the controller's own settings."""
    if hands.previews is not None:
        yield hands.previews
        return
    import os

    from pydantic import ValidationError

    from govcloud.adapters.master_key import MasterKeyUnusable
    from govcloud.settings import Settings, UnknownSetting
    from govcloud.wiring import previews_by  # loads kopf, Pulumi and OpenStack: not for the other commands

    try:
        with previews_by(Settings.from_environment(os.environ)) as previews:
            yield previews
    except ValidationError:
        fail("the controller's settings are not here (GOVCLOUD_STATE_DIR and others); run this in the controller's pod", NOT_POSSIBLE)
    except (UnknownSetting, MasterKeyUnusable) as error:
        fail(f"{error}; run this in the controller's pod", NOT_POSSIBLE)


def _as_json(plan: Plan, answer: Comparison) -> dict[str, object]:
    return {
        "plan": plan.number,
        "digest": plan.digest,
        "agrees": not answer.beyond,
        "shown": [{"resource": name, "operation": operation} for name, operation in answer.shown],
        "beyond": [{"resource": name, "operation": operation} for name, operation in answer.beyond],
    }


def _tell(plan: Plan, answer: Comparison, language: Language) -> None:
    for name, operation in answer.shown:
        say(f"  {_verb(operation, language)} {name}")
    for name, operation in answer.beyond:
        beyond = "计划中没有" if language == "zh" else "not in the plan"
        say(typer.style(f"  {_verb(operation, language)} {name}  ({beyond})", fg="red"))
    say(_verdict(plan, answer, language))


def _verb(operation: str, language: Language) -> str:
    return _VERBS.get(operation, operation) if language == "zh" else operation


def _verdict(plan: Plan, answer: Comparison, language: Language) -> str:
    if answer.beyond:
        zh = f"第 {plan.number} 号计划之外的操作 {len(answer.beyond)} 项;控制器会拒绝执行(PlanMismatch)"
        en = f"{len(answer.beyond)} operations are not in plan {plan.number}; the controller would refuse them (PlanMismatch)"
    elif answer.shown:
        zh, en = f"与第 {plan.number} 号计划一致", f"as plan {plan.number} shows"
    else:
        zh, en = f"第 {plan.number} 号计划:无需任何操作", f"plan {plan.number}: nothing to do"
    return zh if language == "zh" else en
