"""Random walks: people wish, change their minds, decide and forget, the cloud fails, processes die. Whatever happened, there is a way to the end.

A walk is its seed: `GOVCLOUD_TEST_SEED` draws others, and a failure names the one that failed.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from reconcile.world import NAME, NAMESPACE, OFFICIALS, UNIT, Crash, World, request_spec, services, waiver

from govcloud.adapters.memory import DATABASE, VOLUME
from govcloud.audit.usage import ledger
from govcloud.audit.verify import Result
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

PROJECT = f"project-{UNIT}"
MAY_HOLD_DATA = {"web-0-boot", "web-1-boot", "web-2-boot", "data", "db", "files"}
CONTAINER = "openstack:objectstorage/container:Container"
SEED = int(os.environ.get("GOVCLOUD_TEST_SEED", "1"))
Step = Callable[[World, random.Random], object]


# What may happen


def wishes(world: World, chance: random.Random) -> None:
    """One more wish, on top of whatever stands in the spec: often too much at once."""
    edits: list[Callable[[], object]] = [
        lambda: world.apply(stage=chance.choice(["Trial", "Production"])),
        lambda: world.apply(suspended=chance.choice([True, False])),
        lambda: world.apply(services=services()[: chance.randint(1, 5)]),
        world.terminate,
    ]
    chance.choice(edits)()


def wishes_one_thing(world: World, chance: random.Random) -> None:
    """What a careful applicant does: what was approved last, with one thing changed."""
    spec = approved_spec(world)
    found = copy.deepcopy(spec["services"])
    kinds = {next(key for key in s if key != "name"): s for s in found}
    machines, volume = kinds.get("virtualMachine"), kinds.get("blockStorage")
    begun: list[dict[str, Any]] = [
        {"stage": "Production"},
        {"stage": "Production"},
        {"suspended": not spec.get("suspended", False)},
        {"trial": {"extensionDays": spec.get("trial", {}).get("extensionDays", 0) + 5}},
        {"services": services()},
        {"services": found[:-1] or found},
        {"stage": "Terminated", "termination": {"reason": "x"}},
    ]
    changes: list[dict[str, Any]] = begun if _has_begun(world) else [{}]
    if machines is not None:
        machines["virtualMachine"] |= chance.choice(
            [{"count": 1}, {"count": 3}, {"offering": "vm-medium"}, {"offering": "vm-gone"}, {"offering": "vm-small"}]
        )
        changes += [{"services": found}] * 3
    if volume is not None and machines is None:
        volume["blockStorage"]["sizeGib"] += 1
        changes += [{"services": found}] * 2
    kinds["network"]["network"]["dnsServers"] = chance.choice([[], ["223.5.5.5"]])
    world.cluster.apply_request(NAMESPACE, NAME, spec | chance.choice(changes))


def _has_begun(world: World) -> bool:
    return world.status().progress.completed_plan is not None


def approved_spec(world: World) -> dict[str, Any]:
    """The spec of the last completed plan, or of the one that was begun; else what stands there."""
    progress = world.status().progress
    number = progress.completed_plan or (progress.operation.plan if progress.operation else 0)
    if number == 0:
        return request_spec()
    return world.plan(number).wanted().model_dump(mode="json", by_alias=True, exclude_defaults=True)


def everybody_approves(world: World, chance: random.Random) -> None:
    if world.status().plan is not None:
        for step in world.shown_plan().steps:
            world.decide(step)


def somebody_decides(world: World, chance: random.Random) -> None:
    world.decide(chance.choice(sorted(OFFICIALS)), chance.choice(["Approved", "Approved", "Rejected", "Revoked"]))


def an_approval_vanishes(world: World, chance: random.Random) -> None:
    if approvals := sorted(world.cluster.approvals(), key=lambda a: a.name):
        world.cluster.delete_approval(NAMESPACE, chance.choice(approvals).name)


def time_passes(world: World, chance: random.Random) -> None:
    world.clock.advance(chance.choice([timedelta(minutes=5), timedelta(days=1), timedelta(days=9)]))


def the_cloud_fails(world: World, chance: random.Random) -> None:
    error = chance.choice(
        [
            Retry(Reason.CLOUD_UNREACHABLE, "no answer"),
            Retry(Reason.QUOTA_EXCEEDED, "no room", timedelta(minutes=5)),
            Stop(Reason.RESOURCE_FAILED, "in error"),
        ]
    )
    what = chance.choice(["cloud.create", "cloud.update", "cloud.delete", "stacks.unit", "backup."])
    world.wire.fail_next(what, error, times=chance.randint(1, 12), after=chance.choice([True, False]))


def the_process_will_die(world: World, chance: random.Random) -> None:
    world.wire.fail_at(len(world.wire.writes) + chance.randint(1, 20), Crash(), after=True)


def the_cluster_fails(world: World, chance: random.Random) -> None:
    world.wire.fail_next("cluster.", Retry(Reason.CLUSTER_UNREACHABLE, "no answer"), times=chance.randint(1, 3))


def something_is_missing(world: World, chance: random.Random) -> None:
    world.populate()
    missing: list[Callable[[], object]] = [
        lambda: world.cluster.delete_catalog("jiujiang-2026"),
        lambda: world.cluster.delete_jurisdiction("jiujiang"),
        lambda: setattr(world.cluster, "fault", "a policy is gone"),
        lambda: world.cloud.flavors.discard("m1.medium"),
    ]
    chance.choice(missing)()


def all_is_there_again(world: World, chance: random.Random) -> None:
    world.populate()
    world.cluster.fault = None
    world.cloud.flavors |= {"m1.medium"}


def a_backup_store_lies(world: World, chance: random.Random) -> None:
    world.backups.corrupt.add(chance.choice(sorted(MAY_HOLD_DATA)))


def a_part_cannot_be_backed_up(world: World, chance: random.Random) -> None:
    what = f"backup.{chance.choice(['Frozen', 'BackedUp', 'Restored'])} {chance.choice(sorted(MAY_HOLD_DATA))}"
    world.wire.fail_next(what, Stop(Reason.RESOURCE_FAILED, "in error"), times=chance.randint(1, 30))


def gives_data_up(world: World, chance: random.Random) -> None:
    """Whether or not there is a reason to."""
    wanted = chance.sample(sorted(MAY_HOLD_DATA), chance.randint(1, 3))
    world.cluster.apply_request(NAMESPACE, NAME, ended(approved_spec(world), "no longer needed", waived=wanted))


def ended(spec: dict[str, Any], reason: str, waived: Iterable[str] = ()) -> dict[str, Any]:
    return {**spec, "stage": "Terminated", "termination": {"reason": reason, "waivers": [waiver(part) for part in waived]}}


def somebody_deletes_it(world: World, chance: random.Random) -> None:
    if world.request().has_finalizer and chance.random() < 0.3:
        world.cluster.delete_request(NAMESPACE, NAME)


STEPS: tuple[Step, ...] = (
    *[wishes] * 2,
    *[wishes_one_thing] * 9,
    *[everybody_approves] * 12,
    *[somebody_decides] * 2,
    an_approval_vanishes,
    *[time_passes] * 2,
    *[the_cloud_fails] * 2,
    *[the_process_will_die] * 2,
    the_cluster_fails,
    something_is_missing,
    *[all_is_there_again] * 5,
    somebody_deletes_it,
    a_backup_store_lies,
    a_part_cannot_be_backed_up,
    *[gives_data_up] * 2,
)


# Walking


def passes(world: World, limit: int = 60) -> None:
    """The controller works until it rests; processes die, and the queue comes back after failures."""
    for _ in range(limit):
        try:
            done = world.step()
        except Crash:
            world.restart_controller()
            continue
        except (Retry, Stop):
            continue
        if done.action == "gone" or done.again_after is None or done.again_after > timedelta(minutes=10):
            return
        world.clock.advance(done.again_after)


def walk(world: World, seed: int, length: int) -> Iterator[str]:
    """One walk, step by step. The controller does not always come to rest before the next thing happens."""
    chance = random.Random(seed)
    world.apply()
    passes(world)
    for _ in range(length):
        step = chance.choice(STEPS)
        step(world, chance)
        yield step.__name__
        passes(world, chance.choice([1, 2, 4, 9, 60, 60, 60]))
        if world.cluster.request(NAMESPACE, NAME) is None:
            return


class DataWatch:
    """Nothing that holds data goes unless an approved plan said so by name, or its proven backup is there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, tuple[str, str, bytes]] = {}

    def look(self) -> None:
        world, now = self._world, {}
        for thing in world.cloud.things(PROJECT):
            if thing.type in (VOLUME, DATABASE, CONTAINER):
                now[thing.id] = (thing.name, thing.key, world.cloud.contents[thing.id])
        for id_, (name, key, content) in self._known.items():
            if id_ not in now:
                assert self._was_planned(name, key) or self._was_given_up(id_) or self._is_backed_up(content), f"{name} ({id_}) is gone"
        self._known = now

    def _was_planned(self, name: str, key: str) -> bool:
        """Whether a plan which everybody approved deletes or replaces it."""
        approved = {a.spec.plan_digest for a in self._world.cluster.approvals() if a.spec.decision == "Approved"}
        uid = key.split("/", 1)[0]
        plans = [plan for plan in self._world.every_plan() if plan.request.uid == uid]
        return any(
            (name, operation) in plan.allowed() and plan.digest in approved and plan.transition != "Terminate"
            for plan in plans
            for operation in ("delete", "replace")
        )

    def _was_given_up(self, id_: str) -> bool:
        """Whether the unit itself agreed to a plan that gives exactly this up."""
        agreed = {a.spec.plan_digest for a in self._world.cluster.approvals() if (a.spec.step, a.spec.decision) == ("unit-consent", "Approved")}
        return any(waiver.source_id == id_ for plan in self._world.every_plan() if plan.digest in agreed for waiver in plan.waivers)

    def _is_backed_up(self, content: bytes) -> bool:
        kept = [self._world.cloud.contents[t.id] for t in self._world.cloud.things("govcloud-backups")]
        return content in kept


def come_to_an_end(world: World) -> None:
    """From now on nothing fails, everybody helps, and the applicant wants nothing but the end, whatever is lost by it."""
    world.wire.forgive()
    world.backups.corrupt.clear()
    all_is_there_again(world, random.Random(0))
    if world.status().progress.completed_plan is None and world.status().progress.operation is None:
        return  # nothing was ever begun
    for attempt in range(12):
        if _has_ended(world):
            return
        _ask_for_the_end(world, attempt)
        passes(world, 200)
        if not _has_ended(world):
            everybody_approves(world, random.Random(0))
        world.clock.advance(timedelta(minutes=6))
        passes(world, 200)
    told = world.status()
    raise AssertionError(f"no end: {told.phase}, {told.next_action}, {told.progress}")


def _has_ended(world: World) -> bool:
    return world.cluster.request(NAMESPACE, NAME) is None or world.status().progress.terminated_at is not None


def _ask_for_the_end(world: World, attempt: int) -> None:
    """The last approved spec, with its stage set to the end: one wish. Asked again in other words if it was rejected or refused."""
    spec = approved_spec(world)
    refused = world.condition("Approved").reason == "Rejected" or world.condition("Stalled").reason in ("MixedEdit", "RuleViolated", "BackupMismatch")
    if refused or (attempt == 0 and spec.get("stage") != "Terminated"):
        world.cluster.apply_request(NAMESPACE, NAME, ended(spec, f"no longer needed ({attempt})", _differing(world)))


def _differing(world: World) -> list[str]:
    """What the termination under way cannot prove."""
    facts = world.facts()
    told = facts.backup.status.parts if facts.backup else ()
    given = facts.started.waivers if facts.started else ()
    return sorted({waiver.part for waiver in given} | {part.name for part in told if part.state == "Mismatch"})


def check_a_walk(directory: Path, seed: int, length: int) -> None:
    world = World(directory / "audit")
    watch, taken = DataWatch(world), []
    try:
        for step in walk(world, seed, length):
            taken.append(step)
            watch.look()
            if world.cluster.request(NAMESPACE, NAME) is not None:
                world.things()  # nothing twice
        if world.cluster.request(NAMESPACE, NAME) is not None:
            come_to_an_end(world)
            watch.look()
        assert world.cloud.things(PROJECT) == ()
        assert world.audit.open_intents() == ()
        assert world.audit.verified().result is Result.OK
        assert all(interval.until is not None for interval in ledger(world.audit.records()))
    except Exception as error:
        raise AssertionError(f"walk {seed}: {', '.join(taken)}: {error}") from error
    finally:
        world.wire.restart()
        world.audit.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(SEED, SEED + 20))
def test_whatever_happened_there_is_a_way_to_the_end(tmp_path: Path, seed: int) -> None:
    check_a_walk(tmp_path, seed, length=14)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(SEED + 1000, SEED + 11000, 500))
def test_whatever_happened_there_is_a_way_to_the_end_however_long_it_took(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 500):
        check_a_walk(tmp_path / str(seed), seed, length=40)
        shutil.rmtree(tmp_path / str(seed))
