"""An old decision, made again: from its pinned plan alone, under the edition of its pack that was in force then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from govcloud.core.plan import Plan, PlannedStep, lengths, planned_step
from govcloud.core.steps import steps_needed
from govcloud.core.tightening import tighten
from policies.rules import Edition, PackMissing
from policies.shelf import Shelf


class NotReplayable(Exception):
    """The plan does not say enough, or its edition is not there any more; the message says which."""


@dataclass(frozen=True)
class Replay:
    """What the edition of that day asks for, and every difference from what the plan says it asked for."""

    edition: date
    steps: tuple[PlannedStep, ...]
    differences: tuple[str, ...]


def replay(plan: Plan, packs: Shelf) -> Replay:
    """Choose the steps of a plan again, and the lengths of time in it. Without differences, the same articles led to it then as today.

    Raises:
        NotReplayable: the plan is older than the record of its circumstances, or nobody has its edition.
    """
    if plan.circumstances is None or plan.values.tightened is None:
        raise NotReplayable(f"plan {plan.number} was made before plans kept what the choice of their steps depended on")
    edition = tighten(_edition_of(plan, packs), plan.values.tightened).edition
    offices = {step.step: step.office for step in plan.steps}
    rules = steps_needed(edition, plan.transition, plan.circumstances)
    steps = tuple(planned_step(rule, offices.get(rule.step, "")) for rule in rules)
    return Replay(plan.values.edition, steps, (*_other_steps(plan, steps), *_other_lengths(plan, edition)))


def _edition_of(plan: Plan, packs: Shelf) -> Edition:
    try:
        editions = packs.pack(plan.values.pack).editions
    except PackMissing as error:
        raise NotReplayable(str(error)) from error
    found = next((edition for edition in editions if edition.effective_from == plan.values.edition), None)
    if found is None:
        raise NotReplayable(f"the pack {plan.values.pack!r} has no edition of {plan.values.edition} any more")
    return found


def _other_steps(plan: Plan, steps: tuple[PlannedStep, ...]) -> Iterator[str]:
    then, now = [step.step for step in plan.steps], [step.step for step in steps]
    if then != now:
        yield f"steps: {', '.join(then) or 'none'} in the plan, {', '.join(now) or 'none'} by its edition"
    by_name = {step.step: step for step in steps}
    for step in plan.steps:
        again = by_name.get(step.step, step)
        yield from (
            f"{step.step}.{name}: {getattr(step, name)!r} in the plan, {getattr(again, name)!r} by its edition"
            for name in PlannedStep.model_fields
            if getattr(step, name) != getattr(again, name)
        )


def _other_lengths(plan: Plan, edition: Edition) -> Iterator[str]:
    for name, now in lengths(edition).items():
        if (then := getattr(plan.values, name)) != now:
            yield f"{name}: {then} in the plan, {now} by its edition"
