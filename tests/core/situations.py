"""Situations that decisions are tested over: the facts of every pass of a whole life, each turned in many ways at once.

The life gives facts that fit together; the turns make what crashes, edits, people and time may make of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from reconcile.backing_up import BackingUp, regular_backups
from reconcile.world import AGREEMENT, ANNUAL_PLAN, ITEM, OFFICIALS, World, waiver

from govcloud.api.approval import ApprovalSpec, RequestRef
from govcloud.api.backup import BackedUpRequest, BackupSpec, BackupStatus, PartStatus
from govcloud.api.progress import Failure
from govcloud.core.accounts import agreement_with, plan_with, reservation_of
from govcloud.core.actions import Action
from govcloud.core.decide import decide
from govcloud.core.existing import data_that_exists, parts_of
from govcloud.core.facts import Facts
from govcloud.core.objects import ApprovalObject, BackupObject
from govcloud.core.plan import Plan
from govcloud.core.regular_backups import regular_backup_name
from govcloud.failures import Retry, Stop
from govcloud.observe import parse_spec
from govcloud.reasons import Reason

Turn = Callable[[Facts], Facts]


@dataclass(frozen=True)
class Situation:
    """Facts, and how they came about. `action` is what is decided in them."""

    name: str
    facts: Facts

    @cached_property
    def action(self) -> Action:
        return decide(self.facts)


# A whole life


def life(directory: Path) -> list[tuple[str, Facts]]:
    """The facts before every pass of a long story; of passes that are alike, one."""
    stories = {"long": _long_story, "stuck": _stuck_story, "waived": _waived_story, "restoring": _restoring_story}
    seen = [moment for name, story in stories.items() for moment in _from(directory / name, story)]
    return list({_likeness(facts): (name, facts) for name, facts in seen}.values())


def _likeness(facts: Facts) -> object:
    operation, backup = facts.progress.operation, facts.backup
    parts = tuple(part.state for part in backup.status.parts) if backup else None
    return (
        type(decide(facts)),
        facts.progress.completed_plan,
        (operation.transition, operation.done) if operation else None,
        (min(parts), max(parts)) if parts else None,
    )


def _from(directory: Path, story: Callable[[World], None]) -> list[tuple[str, Facts]]:
    directory.mkdir(parents=True)
    world = _Recording(directory / "audit")
    story(world)
    world.audit.close()
    return world.seen


class _Recording(World):
    """A world that keeps the facts before each pass."""

    def __init__(self, directory: Path) -> None:
        self.seen: list[tuple[str, Facts]] = []
        super().__init__(directory)

    def step(self, name: str = "orders") -> Any:
        facts = self.facts(name)
        self.seen.append((f"{type(decide(facts)).__name__}#{len(self.seen)}", facts))
        return super().step(name)


def _approved(world: World, **changes: Any) -> None:
    world.apply(**changes)
    world.run()
    world.approve()


def _long_story(world: World) -> None:
    world.to_trial(annualPlanItemRef={"plan": ANNUAL_PLAN, "item": ITEM})
    _approved(world, trial={"extensionDays": 5})
    world.clock.advance(timedelta(days=21))
    world.run()
    _approved(world, stage="Production")
    world.edit_service("data", sizeGib=5)
    world.run()
    world.approve()
    _approved(world, suspended=True)
    _approved(world, suspended=False)
    world.terminate()
    world.wire.fail_next("backup.SourceRead data", Retry(Reason.CLOUD_UNREACHABLE, "no answer"))
    world.run()
    world.approve()
    world.run_patiently()
    assert world.status().phase == "Terminated"


def _stuck_story(world: World) -> None:
    world.apply()
    world.edit_service("web", offering="vm-gone")
    world.run()
    world.approve()
    world.edit_service("web", offering="vm-small")
    world.run()
    world.decide("superior-unit", "Rejected")
    world.run()
    world.edit_service("web", count=3)
    world.run()
    world.approve()
    world.wire.fail_next("cloud.update data", Stop(Reason.RESOURCE_FAILED, "in error"), times=50)
    world.edit_service("data", sizeGib=9)
    world.run()
    world.approve()
    world.terminate()
    world.run()
    world.approve()
    assert world.status().phase == "Terminated"


def _waived_story(world: World) -> None:
    """The copy of one volume differs, another's snapshot cannot be made, and the unit gives both up: in two plans."""
    world.to_production()
    world.backups.corrupt.add("data")
    world.terminate()
    world.run()
    world.approve()
    world.terminate(waived=["data"])
    world.run()
    world.wire.fail_next("backup.Frozen web-0-boot", Stop(Reason.RESOURCE_FAILED, "in error"), times=50)
    world.approve()
    world.terminate(waived=["data", "web-0-boot"])
    world.run()
    world.approve()
    world.run_patiently()
    assert world.status().phase == "Terminated", world.next_action()


def _restoring_story(world: World) -> None:
    """One restore that is given up, and one that goes through."""
    world.to_trial()
    BackingUp(world).each_week(1)
    (backup,) = regular_backups(world)
    wish = {"backup": backup.name, "services": ["data"], "reason": "误删"}
    world.restores.corrupt.add("data")
    _approved(world, restoreFrom=wish)
    _approved(world, restoreFrom=None)
    world.restores.corrupt.clear()
    _approved(world, restoreFrom=wish)
    assert world.status().progress.restoration is not None and world.status().progress.restoration.ended_at is not None


# Turns


def _same(facts: Facts) -> Facts:
    return facts


def edited(**changes: Any) -> Turn:
    """Somebody edited the spec."""

    def turn(facts: Facts) -> Facts:
        raw = {key: value for key, value in {**facts.request.spec, **changes}.items() if value is not None}
        request = replace(facts.request, spec=raw, generation=facts.request.generation + 1)
        spec, faults = parse_spec(raw)
        return replace(facts, request=request, spec=spec, spec_faults=faults)

    return turn


def _with_services(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Turn:
    return lambda facts: edited(services=change([dict(s) for s in facts.request.spec["services"]]))(facts)


def _grown(services: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**s, "blockStorage": {**s["blockStorage"], "sizeGib": 77}} if "blockStorage" in s else s for s in services]


_PARTS = ("web-0-boot", "web-1-boot", "data", "db", "files", "nothing-such")

WISHES: Mapping[str, Turn] = {
    "as it is": _same,
    "touched": edited(),
    "production": edited(stage="Production", agreementRef={"name": AGREEMENT}),
    "trial": edited(stage="Trial"),
    "termination": edited(stage="Terminated", termination={"reason": "x"}),
    "waived termination": edited(stage="Terminated", termination={"reason": "x", "waivers": [waiver("data")]}),
    "all waived": edited(stage="Terminated", termination={"reason": "x", "waivers": [waiver(part) for part in _PARTS]}),
    "suspension": edited(suspended=True),
    "resumption": edited(suspended=False),
    "extension": edited(trial={"extensionDays": 20}),
    "growth": _with_services(_grown),
    "less": _with_services(lambda services: services[:-1]),
    "two things": edited(suspended=True, stage="Terminated", termination={"reason": "x"}),
    "data back": edited(restoreFrom={"backup": "some-set", "reason": "x"}),
    "nonsense": edited(stage="Live"),
    "classified": edited(system={"name": "x", "classified": True, "governmentFunded": True, "protectionLevel": 2}),
}


def failed(kind: str, count: int, due: timedelta) -> Turn:
    """The last attempt failed."""

    def turn(facts: Facts) -> Facts:
        failure = Failure(
            kind=kind, reason=Reason.CLOUD_UNREACHABLE, message="m", count=count, retry_at=facts.now + due
        )
        return replace(facts, progress=facts.progress.model_copy(update={"failure": failure}))

    return turn


def _being_tried(facts: Facts) -> Facts:
    """An attempt is under way, or died."""
    stopped = failed("Stop", 1, timedelta(0))(facts)
    failure = stopped.progress.failure
    assert failure is not None
    tried = failure.model_copy(update={"retry_at": None})
    return replace(facts, progress=facts.progress.model_copy(update={"failure": tried}))


FAILURES: Mapping[str, Turn] = {
    "as it is": _same,
    "retry due": failed("Retry", 1, timedelta(0)),
    "retry later": failed("Retry", 1, timedelta(minutes=1)),
    "persistent": failed("Retry", 9, timedelta(0)),
    "stop due": failed("Stop", 1, timedelta(0)),
    "being tried": _being_tried,
    "stop later": failed("Stop", 1, timedelta(minutes=1)),
}


def _decided(facts: Facts, plan: Plan, decision: str, number: int, minutes: int) -> tuple[ApprovalObject, ...]:
    """The right offices decide on a plan, one after the other."""
    return tuple(
        ApprovalObject(
            f"{decision}-{plan.number}-{step.step}-{number}",
            plan.request.namespace,
            f"{decision}-{plan.number}-{step.step}-{number}",
            facts.now + timedelta(minutes=minutes, seconds=place),
            ApprovalSpec(
                request=RequestRef(name=plan.request.name, uid=plan.request.uid),
                step=step.step,
                decision=decision,
                plan_digest=plan.digest,
                office=step.office,
                approver=OFFICIALS[step.step][1],
                document_number=f"{decision}-{plan.number}-{step.step}-{number}",
            ),
            None,
        )
        for place, step in enumerate(plan.steps)
    )


def _with_approvals(facts: Facts, approvals: Iterable[ApprovalObject]) -> Facts:
    return replace(facts, admission=replace(facts.admission, approvals=tuple(approvals)))


def _everybody(decision: str) -> Turn:
    def turn(facts: Facts) -> Facts:
        if facts.latest is None:
            return facts
        return _with_approvals(facts, (*facts.approvals, *_decided(facts, facts.latest, decision, 9, 5)))

    return turn


def _foreign(facts: Facts) -> Facts:
    """All that was decided was decided on another plan."""
    wrong = (replace(a, spec=a.spec.model_copy(update={"plan_digest": "sha256:" + "9" * 64})) for a in facts.approvals)
    return _with_approvals(facts, wrong)


APPROVALS: Mapping[str, Turn] = {
    "as they are": _same,
    "all approve": _everybody("Approved"),
    "all revoke": _everybody("Revoked"),
    "all reject": _everybody("Rejected"),
    "none": lambda facts: _with_approvals(facts, ()),
    "foreign": _foreign,
}


def _rebuilding(facts: Facts) -> Facts:
    return replace(facts, progress=facts.progress.model_copy(update={"rebuilding": True}))


GUARDS: Mapping[str, Turn] = {
    "all in place": _same,
    "no admission": lambda facts: replace(facts, admission=replace(facts.admission, fault="a policy is gone")),
    "blocked": lambda facts: replace(facts, blocked=(Reason.CATALOG_MISSING, "no catalog"), catalog=None),
    "damaged": lambda facts: replace(facts, damaged=frozenset({1})),
    "plans gone": lambda facts: replace(facts, plans={}),
    "unreadable": lambda facts: replace(facts, unreadable=(Reason.ENGINE_FAILED, "no state")),
    "state lost": lambda facts: replace(facts, has_stack=False, resources=()),
    "state being made anew": lambda facts: _rebuilding(replace(facts, has_stack=False, resources=())),
    "state made anew in part": lambda facts: _rebuilding(replace(facts, resources=facts.resources[:1])),
    "unit gone": lambda facts: replace(facts, unit=None, blocked=(Reason.UNIT_MISSING, "no unit")),
}

RESOURCES: Mapping[str, Turn] = {
    "as they are": _same,
    "none": lambda facts: replace(facts, resources=()),
    "half": lambda facts: replace(facts, resources=facts.resources[::2]),
    "others": lambda facts: replace(facts, resources=tuple(replace(r, id=r.id + "x") for r in facts.resources)),
}


def _parts(change: Callable[[PartStatus], PartStatus | None]) -> Turn:
    """The first part of the backup is different."""

    def turn(facts: Facts) -> Facts:
        if facts.backup is None or not facts.backup.status.parts:
            return facts
        first, *rest = facts.backup.status.parts
        changed = change(first)
        status = facts.backup.status.model_copy(update={"parts": (*((changed,) if changed else ()), *rest)})
        return replace(facts, backup=replace(facts.backup, status=status))

    return turn


def _without_manifest(facts: Facts) -> Facts:
    if facts.backup is None:
        return facts
    return replace(
        facts, backup=replace(facts.backup, status=facts.backup.status.model_copy(update={"manifest_sha256": None}))
    )


def _of_another_plan(facts: Facts) -> Facts:
    if facts.backup is None:
        return facts
    return replace(facts, backup=replace(facts.backup, spec=facts.backup.spec.model_copy(update={"plan": 99})))


def _finished(facts: Facts) -> Facts:
    """The backup at hand is complete and proven, whatever it covers."""
    if facts.backup is None:
        return facts
    said = {
        "state": "Cleaned",
        "source_sha256": "a" * 64,
        "source_bytes": 1,
        "restored_sha256": "a" * 64,
        "restored_bytes": 1,
    }
    parts = tuple(PartStatus(name=part.name, **said) for part in facts.backup.spec.parts)
    status = BackupStatus(parts=parts, manifest_location="m", manifest_sha256="b" * 64)
    return replace(facts, backup=BackupObject(facts.backup.name, facts.backup.uid, facts.backup.spec, status))


BACKUPS: Mapping[str, Turn] = {
    "as it is": _same,
    "none": lambda facts: replace(facts, backup=None),
    "finished": _finished,
    "mismatch": _parts(lambda part: part.model_copy(update={"state": "Mismatch"})),
    "other bytes": _parts(lambda part: part.model_copy(update={"restored_sha256": "c" * 64})),
    "fewer bytes": _parts(lambda part: part.model_copy(update={"restored_bytes": 0})),
    "unread": _parts(lambda part: part.model_copy(update={"source_sha256": None, "restored_sha256": None})),
    "a part missing": _parts(lambda part: None),
    "no manifest": _without_manifest,
    "of another plan": _of_another_plan,
    "failed for good": _parts(lambda part: part.model_copy(update={"failure": "ResourceFailed: in error"})),
}

def regular(**status: Any) -> Turn:
    """A regular backup was begun an hour ago, and stands like this."""

    def turn(facts: Facts) -> Facts:
        plan, parts = facts.completed, parts_of(data_that_exists(facts))
        if plan is None or not parts:
            return facts
        begun, key = facts.now - timedelta(hours=1), facts.request.key
        spec = BackupSpec(
            kind="Regular", number=1, request=BackedUpRequest(namespace=key.namespace, name=key.name, uid=key.uid), unit=plan.unit,
            jurisdiction="jiujiang", plan=plan.number, plan_digest=plan.digest, project_id="project", backup_project="backups",
            quarantine_project="quarantine", frozen_at=begun, parts=parts, retain_until=begun + timedelta(days=35),
        )  # fmt: skip
        said = {"parts": tuple(PartStatus(name=part.name, state="Restored") for part in parts), **status}
        return replace(facts, regular=(BackupObject(regular_backup_name(plan, 1), "uid-of-it", spec, BackupStatus(**said)),))

    return turn


def _with_a_regular_mismatch(facts: Facts) -> Facts:
    parts = tuple(PartStatus(name=part.name, state="Mismatch") for part in data_that_exists(facts))
    return regular(parts=parts)(facts)


_EARLIER = datetime(2026, 3, 2, tzinfo=UTC)

REGULAR: Mapping[str, Turn] = {
    "as it is": _same,
    "running": regular(),
    "running, failed": regular(failure=Failure(kind="Stop", reason=Reason.RESOURCE_FAILED, message="in error", retry_at=_EARLIER)),
    "running, differs": _with_a_regular_mismatch,
    "verified": regular(verified_at=_EARLIER),
    "given up": regular(failed_at=_EARLIER),
    "cleared": regular(failed_at=_EARLIER, cleared_at=_EARLIER),
}

OBJECTS: Mapping[str, Turn] = {
    "as it is": _same,
    "deleting": lambda facts: replace(facts, request=replace(facts.request, deleting=True)),
    "deleting, no finalizer": lambda facts: replace(
        facts, request=replace(facts.request, deleting=True, has_finalizer=False)
    ),
    "much later": lambda facts: replace(facts, now=facts.now + timedelta(days=400)),
}

def _held(yearly: str) -> Turn:
    """The accounts say that the request holds this much, in yuan a year."""

    def turn(facts: Facts) -> Facts:
        mine = reservation_of(facts.request.key, 1, Decimal(yearly), facts.now)
        plans = {n: replace(p, status=plan_with(p, ITEM, mine)) for n, p in facts.annual_plans.items()}
        agreements = {n: replace(a, status=agreement_with(a, mine)) for n, a in facts.agreements.items()}
        return replace(facts, annual_plans=plans, agreements=agreements)

    return turn


MONEY: Mapping[str, Turn] = {
    "as it is": _same,
    "nothing held": _held("0"),
    "little held": _held("0.01"),
    "much held": _held("900000"),
    "accounts gone": lambda facts: replace(facts, annual_plans={}, agreements={}),
}

AXES: Mapping[str, Mapping[str, Turn]] = {
    "wish": WISHES,
    "failure": FAILURES,
    "approvals": APPROVALS,
    "guards": GUARDS,
    "resources": RESOURCES,
    "backup": BACKUPS,
    "object": OBJECTS,
    "money": MONEY,
    "regular": REGULAR,
}


def turned(name: str, facts: Facts, names: tuple[str, ...]) -> Situation:
    """The facts, turned along every axis."""
    for axis, choice in zip(AXES, names, strict=True):
        facts = AXES[axis][choice](facts)
    said = ", ".join(f"{axis}: {choice}" for axis, choice in zip(AXES, names, strict=True) if choice != _first(axis))
    return Situation(f"{name} ({said or 'as it was'})", facts)


def _first(axis: str) -> str:
    return next(iter(AXES[axis]))


def one_turn_each(base: list[tuple[str, Facts]]) -> Iterator[Situation]:
    """Every moment, turned along one axis at a time."""
    unturned = tuple(_first(axis) for axis in AXES)
    for name, facts in base:
        yield turned(name, facts, unturned)
        for place, axis in enumerate(AXES):
            for choice in list(AXES[axis])[1:]:
                yield turned(name, facts, (*unturned[:place], choice, *unturned[place + 1 :]))


def many_turns(base: list[tuple[str, Facts]], count: int, seed: int) -> Iterator[Situation]:
    """A sample of everything at once."""
    chance = random.Random(seed)
    for _ in range(count):
        name, facts = chance.choice(base)
        yield turned(name, facts, tuple(chance.choice(list(choices)) for choices in AXES.values()))


def all_turns(base: list[tuple[str, Facts]]) -> Iterator[Situation]:
    """Everything: hours of it."""
    for (name, facts), names in product(base, product(*AXES.values())):
        yield turned(name, facts, names)
