"""`govcloud replay`: make an old decision again, from its pinned plan and the regulation of its day."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from govcloud.core.plan import Plan, parse_plan, pinned_text
from govcloud.core.replay import NotReplayable, Replay, replay
from policies.shelf import PackFault, with_more

_DIFFERENT, _UNUSABLE = 1, 3


def run(
    file: Annotated[Path, typer.Argument(help="A ControllerRevision as JSON (kubectl get controllerrevision NAME -o json), or - for standard input.")],
    packs: Annotated[Path | None, typer.Option(help="Folder with further regulation packs, beside those that ship.")] = None,
) -> None:
    """Make an old decision again: which steps the regulation of its day asks for,
    by which articles, and whether the plan says the same.

    Needs no cluster: all that the choice depended on is pinned in the plan.

    \b
    Example:
      kubectl get controllerrevision NAME -n NAMESPACE -o json | govcloud replay -

    \b
    Exit codes:
      0  the same steps, articles and lengths of time follow
      1  something else follows; every difference is shown
      3  the file is no plan, or its edition is not there any more
    """
    plan = _plan(file)
    try:
        made = replay(plan, with_more(packs))
    except (NotReplayable, PackFault) as error:
        _unusable(str(error))
    _tell(plan, made)
    if made.differences:
        raise typer.Exit(_DIFFERENT)


def _plan(file: Path) -> Plan:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return parse_plan(pinned_text(json.loads(text)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _unusable(f"{file} is not the ControllerRevision of a plan as JSON: {' '.join(str(error).split())[:300]}")


def _tell(plan: Plan, made: Replay) -> None:
    typer.echo(f"{plan.transition} 第 {plan.number} 号计划 / plan {plan.number}, {plan.values.pack} edition {made.edition}")
    for place, step in enumerate(made.steps, start=1):
        typer.echo(f"  {place}. {step.step}: {step.zh} / {step.en} [{step.article}]")
    for difference in made.differences:
        typer.echo(f"different: {difference}", err=True)


def _unusable(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(_UNUSABLE)
