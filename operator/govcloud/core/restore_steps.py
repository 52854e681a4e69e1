"""The steps of a restore that no other transition has (docs/decisions/0013): copies in quarantine, proof, handing over, clearing away. Pure."""

from __future__ import annotations

from collections.abc import Callable, Set

from govcloud.core.actions import Action, Block, ClearBackup, ClearCopies, CopyBack, FinishStep, HandOver, ProveCopy
from govcloud.core.backup_sets import differs, holds_helpers
from govcloud.core.drift import gone
from govcloud.core.existing import Holding, data_that_exists
from govcloud.core.facts import Facts
from govcloud.core.objects import BackupObject, UnitObject
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from govcloud.core.proof import prove
from govcloud.reasons import Reason
from stacks.kind import Quota


def _restored(plan: Plan) -> Set[str]:
    return {volume.resource for volume in plan.restore.volumes} if plan.restore else set()


def what_is_replaced(facts: Facts, plan: Plan) -> tuple[Holding, ...]:
    """The volumes whose present data a restore does away with. What somebody deleted behind our back has none any more."""
    return tuple(part for part in data_that_exists(facts) if part.name in _restored(plan) - gone(facts))


def headroom(plan: Plan) -> Quota:
    """What a restore needs beside what is approved, from the handing over until the old volumes are gone."""
    sizes = [int(str(each.inputs["size"])) for each in plan.resources().resources if each.name in _restored(plan)]
    return Quota(volumes=len(sizes), gigabytes=sum(sizes))


def is_past_return(facts: Facts) -> bool:
    """Whether a restore has begun to touch the unit's project: from there on it only goes forward."""
    operation = facts.progress.operation
    return operation is not None and operation.transition == "Restore" and "backup" in operation.done


def cannot_be_proven(facts: Facts) -> bool:
    """Whether what a restore would replace has no backup that equals it: then it never goes on by itself."""
    restores = facts.started is not None and facts.started.transition == "Restore"
    return restores and facts.backup is not None and bool(differs(facts.backup.status))


def given_up(facts: Facts, plan: Plan) -> Plan | None:
    """The newest restore that the plan under way takes the place of; its copies are nobody's."""
    if facts.started != plan:
        return None
    begun = (facts.plans[number] for number in reversed(plan.replaces) if number in facts.plans)
    return next((each for each in begun if each.transition == "Restore"), None)


def left_snapshots(facts: Facts, plan: Plan) -> BackupObject | None:
    """The unproven backup of a termination that was taken back. One that goes on as another plan clears it before it destroys."""
    return next(filter(holds_helpers, facts.superseded), None) if plan.transition != "Terminate" else None


def clear(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    """What restores and terminations left that were given up is removed before anything else is done."""
    if (snapshots := left_snapshots(facts, plan)) is not None:
        return ClearBackup(snapshots)
    old = given_up(facts, plan)
    return ClearCopies("clear", old) if old else FinishStep("clear", None)


def copies(facts: Facts, plan: Plan, _unit: UnitObject) -> Action:
    """A proven copy of every backup, in quarantine: nothing of the unit is stopped or touched for it."""
    return _next(facts, plan, {None: lambda volume: CopyBack(plan, volume), "Copied": lambda volume: ProveCopy(plan, volume)}) or FinishStep("copies", None)


def handover(facts: Facts, plan: Plan, unit: UnitObject) -> Action:
    """The copies go over to the unit's project, where the run of the engine finds them."""
    if (missing := unproven(facts, plan)) is not None:
        return missing
    proof = prove(facts.backup, plan, ())
    return _next(facts, plan, {"Proven": lambda volume: HandOver(plan, unit, volume, proof)}) or FinishStep("handover", None)


def unproven(facts: Facts, plan: Plan) -> Block | None:
    """Nothing is replaced whose present state is not backed up and proven any more."""
    record = facts.progress.restoration
    if plan.restore is None or (record is not None and (record.safeguard is None or prove(facts.backup, plan, ()) is not None)):
        return None
    return Block(Reason.BACKUP_MISMATCH, "there is no proven backup any more of what the restore would replace; nothing is replaced")


def _next(facts: Facts, plan: Plan, actions: dict[str | None, Callable[[PlannedVolume], Action]]) -> Action | None:
    """What comes next for the first volume that is in one of these states."""
    record = facts.progress.restoration
    for volume in plan.restore.volumes if plan.restore else ():
        if (make := actions.get(record.state_of(volume.resource) if record else None)) is not None:
            return make(volume)
    return None
