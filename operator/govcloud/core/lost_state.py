"""What is done where the engine's state of a stack is lost: it is made anew from the marks in the cloud. Pure.

Nothing is made, changed or deleted by that. Every resource that the plans say is there is looked up by the marks of the plans that may
have made it; one that is missing without a reason is for a person to look at.
"""

from __future__ import annotations

from govcloud.core.actions import BeginRebuild, Block, RebuildState
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan
from govcloud.core.restore_steps import is_past_return
from govcloud.reasons import Reason
from stacks.program import Program
from stacks.transform import together, with_power


def rebuild_state(facts: Facts) -> BeginRebuild | RebuildState | Block:
    """The next action on the way to a state that knows everything again."""
    if not facts.progress.rebuilding:
        return BeginRebuild()
    if facts.unit is None:
        return Block(Reason.UNIT_MISSING, "the UsingUnit of a request whose state is lost is gone; create it again")
    if is_past_return(facts):
        return Block(
            Reason.PLAN_MISMATCH,
            "the engine's state was lost while a restore replaced volumes: nobody can tell which are the new ones; restore the state from its backup",
        )
    newest = facts.started or facts.completed
    if newest is None:
        return Block(Reason.PLAN_DAMAGED, "no plan of a request whose state is lost can be read; restore its ControllerRevisions")
    return RebuildState(newest, facts.unit, _program(facts), _may_be_missing(facts))


def _program(facts: Facts) -> Program:
    """Everything that may be in the cloud: what the completed plan made, and what plans made that began and did not end."""
    begun = [facts.plans[number].resources() for number in facts.unfinished]
    completed = [with_power(facts.completed.resources(), facts.progress.running)] if facts.completed else []
    return together(*completed, *begun)


def _may_be_missing(facts: Facts) -> frozenset[str]:
    """What an operation under way may not have made yet, or may have deleted already."""
    standing = {resource.name for resource in facts.completed.resources().resources} if facts.completed else set()
    begun = [facts.plans[number] for number in facts.unfinished]
    made = {resource.name for plan in begun for resource in plan.resources().resources} - standing
    taken = {change.resource for plan in begun for change in plan.diff if change.operation in ("delete", "replace")}
    return frozenset(made | taken | (standing if _is_being_destroyed(facts, begun) else set()))


def _is_being_destroyed(facts: Facts, begun: list[Plan]) -> bool:
    operation = facts.progress.operation
    ends = any(plan.transition == "Terminate" for plan in begun)
    return ends and operation is not None and "backup" in operation.done
