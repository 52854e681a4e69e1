"""What the engine would do with a request's stack now, against what the plan says that it may. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from govcloud.api.progress import Progress
from govcloud.core.plan import Plan
from stacks.program import Program
from stacks.transform import with_power

Operation = tuple[str, str]
"""Logical name of a resource, and create, update, replace or delete."""


class NothingToPreview(Exception):
    """No run of the engine would be under this plan; the message says why."""


@dataclass(frozen=True)
class Question:
    """What is put to the engine: the program that it would be given now, and the operations that are then allowed."""

    plan: Plan
    program: Program
    allowed: frozenset[Operation]


@dataclass(frozen=True)
class Comparison:
    """What the engine would do and may, and what it would do although the plan does not show it."""

    shown: tuple[Operation, ...]
    beyond: tuple[Operation, ...]


def plan_in_force(progress: Progress) -> int:
    """The plan that a question without a number is about: the one that is being carried out, else the completed one, else the newest."""
    under_way = progress.operation.plan if progress.operation else None
    return under_way or progress.completed_plan or progress.last_plan


def question(plan: Plan, progress: Progress) -> Question:
    """A completed plan leaves nothing to do; the newest one what its diff shows.

    Raises:
        NothingToPreview: another plan has taken its place.
    """
    if plan.number == progress.completed_plan:
        return Question(plan, with_power(plan.resources(), progress.running), frozenset())
    if plan.number != progress.last_plan:
        raise NothingToPreview(
            f"plan {plan.number} is over; the completed plan is {progress.completed_plan or 'none'}, the newest {progress.last_plan}"
        )
    return Question(plan, plan.resources(), plan.allowed())


def compared(asked: Question, would_do: Iterable[Operation]) -> Comparison:
    """The engine's answer beside the plan, in the engine's order. Resources that stay the same are left out."""
    changes = tuple(dict.fromkeys(operation for operation in would_do if operation[1] != "same"))
    return Comparison(
        tuple(each for each in changes if each in asked.allowed), tuple(each for each in changes if each not in asked.allowed)
    )
