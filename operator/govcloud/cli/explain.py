"""`govcloud explain`: the story of a live request."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

import typer

from govcloud.api.common import as_written
from govcloud.cli.office import NamespaceOption, RequestArgument, plain_refusals, request_name, tools
from govcloud.cli.speech import LanguageOption, Output, OutputOption, chosen, tell
from govcloud.core.said import Language
from govcloud.core.sentences import effects
from govcloud.core.story import PlanStory, Seen, Story, failures, story_of
from govcloud.core.story_words import chapters
from govcloud.desk import Desk, NotAllowed
from govcloud.observe import parse_spec, status_of

Item = TypeVar("Item")


def run(
    context: typer.Context,
    request: RequestArgument,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Tell the story of a request: what was asked, decided by whom by which
    article, what runs, what is next and by when.

    Everything is read from the cluster with your own rights: the request, its
    pinned plans, the approvals, the events. What you may not read is named.

    \b
    Examples:
      govcloud explain csreq/hospital-registration -n first-hospital
      govcloud explain csreq/hospital-registration -n first-hospital --lang zh
      govcloud explain csreq/hospital-registration -n first-hospital -o json | jq '.plans[].decisions[] | select(.counts == false)'

    \b
    Exit codes:
      0  the story was told
      1  there is no such request
      2  the command line is wrong
      3  the cluster cannot be reached, or you may not read the request
    """
    language, hands = chosen(lang), tools(context)
    with plain_refusals(language):
        story = story_of(look(hands.desk, namespace or hands.desk.namespace(), request_name(request)))
    if output is Output.JSON:
        typer.echo(json.dumps(_as_json(story), ensure_ascii=False, indent=2, default=_written))
    else:
        _tell(story, language)


def look(desk: Desk, namespace: str, name: str) -> Seen:
    """Everything about a request that this person may read."""
    request = desk.request(namespace, name)
    hidden: list[str] = []

    def as_far_as_allowed(read: Callable[[], Sequence[Item]]) -> Sequence[Item]:
        try:
            return read()
        except NotAllowed as missing:
            hidden.append(str(missing))
            return ()

    pinned = as_far_as_allowed(lambda: desk.plans(request))
    approvals = as_far_as_allowed(lambda: desk.approvals(namespace))
    events = as_far_as_allowed(lambda: desk.events(request))
    spec, _ = parse_spec(request.spec)
    return Seen(request, spec, status_of(request), pinned, approvals, events, tuple(hidden))


def _tell(story: Story, language: Language) -> None:
    for place, chapter in enumerate(chapters(story)):
        typer.echo(("\n" if place else "") + typer.style(chapter.title.within(language), bold=True))
        for line in chapter.lines:
            tell(line, language, "  ")


def _as_json(story: Story) -> dict[str, Any]:
    seen = story.seen
    return {
        "request": {**as_written(seen.request.key), "generation": seen.request.generation, "createdAt": seen.request.created_at},
        "spec": dict(seen.request.spec),
        "phase": seen.status.phase,
        "plans": [_plan_as_json(plan) for plan in story.plans],
        "damagedPlans": list(story.damaged),
        "otherDecisions": [asdict(decision) for decision in story.strays],
        "nextAction": as_written(seen.status.next_action) if seen.status.next_action else None,
        "progress": as_written(seen.status.progress),
        "resources": [as_written(resource) for resource in seen.status.resources],
        "endpoints": [as_written(endpoint) for endpoint in seen.status.endpoints],
        "failures": list(failures(story)),
        "hidden": list(seen.hidden),
    }


def _plan_as_json(told: PlanStory) -> dict[str, Any]:
    plan = told.plan
    return {
        "number": plan.number,
        "transition": plan.transition,
        "state": told.state,
        "madeAt": told.made_at,
        "digest": plan.digest,
        "pack": plan.values.pack,
        "edition": plan.values.edition,
        "monthlyCost": plan.monthly_cost,
        "effects": [asdict(said) for said in effects(plan)],
        "steps": [{**as_written(step.step), "approval": step.by.name if step.by else None} for step in told.steps],
        "decisions": [asdict(decision) for decision in told.decisions],
    }


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
