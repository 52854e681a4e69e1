"""Restoring on a cloud on loopback: what a copy becomes, every crash between two writes, and every way in which it can be bad."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from adapters.crash_kit import Crash, CrashingJournal
from adapters.openstack_kit import OWNER, PROJECTS, Cloud, Logins, running_cloud
from adapters.restore_kit import restoring
from provider.provider_kit import FastClock, MemoryJournal

from govcloud.adapters.openstack_restore_names import COPY, Restoration
from govcloud.adapters.openstack_restores import OpenStackRestores
from govcloud.adapters.openstack_waiting import Poller
from govcloud.api.backup import PartStatus
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.objects import UnitObject
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from govcloud.failures import Stop
from govcloud.reasons import Reason
from stacks.machines import VOLUME
from stacks.program import Program, Resource
from stacks.provider.journal import Journal

KEY = RequestKey(namespace="bureau", name="portal", uid=OWNER)
UNIT = UnitObject("bureau", "uid", 1, UnitSpec(title="局", jurisdiction="jiujiang", budget_level="Primary"), UnitStatus(project_id=PROJECTS["unit"]))
OLD = b"what was there"
MARKS = {"govcloud_request": OWNER, "govcloud_service": "data", "govcloud_stage": "production"}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


def restores_on(cloud: Cloud, journal: Journal | None = None) -> OpenStackRestores:
    """What a controller that has just started works with."""
    clock = FastClock()
    logins = Logins(cloud, journal, clock)
    return OpenStackRestores(logins, lambda _unit: logins("unit"), Poller(clock))


def plan_on(cloud: Cloud, size: int = 2, backed_up: int = 2) -> Plan:
    """A plan that restores `data`, whose backup is in the cloud."""
    made = cloud._add("backup", PROJECTS["govcloud-backups"], status="available", content=OLD, size=backed_up, name="b", volume_type="standard", metadata={})
    digest = hashlib.sha256(OLD).hexdigest()
    status = PartStatus(name="data", state="Cleaned", backup_id=made["id"], source_sha256=digest, source_bytes=len(OLD))
    inputs: dict[str, Any] = {"name": "data", "size": size, "volume_type": "fast", "metadata": MARKS}
    return restoring(KEY, "bureau", Program((Resource(VOLUME, "data", inputs, holds_data=True, service="data"),)), {"data": status})


def data_of(plan: Plan) -> PlannedVolume:
    assert plan.restore is not None
    return plan.restore.volumes[0]


def restored(restores: OpenStackRestores, plan: Plan) -> None:
    """All of it."""
    go_on(restores, plan, [])


def left_over(cloud: Cloud) -> list[str]:
    ours = ("govcloud-backups", "govcloud-quarantine")
    return [kind for kind in ("snapshot", "volume", "image", "transfer") for project in ours for _ in cloud.of(kind, project)]


def is_handed_over(cloud: Cloud, plan: Plan, size: int = 2) -> None:
    (volume,) = cloud.of("volume", "unit")
    key = Restoration(plan, data_of(plan)).final_key
    assert (volume["name"], volume["content"], volume["size"], volume["volume_type"]) == ("data", OLD, size, "fast")
    assert volume["metadata"] == {**MARKS, "govcloud_op": key} and volume["status"] == "available"
    assert left_over(cloud) == []


def test_a_copy_becomes_the_volume_that_the_run_looks_for(cloud: Cloud) -> None:
    plan = plan_on(cloud)
    restored(restores_on(cloud), plan)
    is_handed_over(cloud, plan)


def test_a_volume_that_grew_since_is_as_large_as_it_is_now(cloud: Cloud) -> None:
    plan = plan_on(cloud, size=5)
    restored(restores_on(cloud), plan)
    is_handed_over(cloud, plan, size=5)


@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it took effect"])
@pytest.mark.parametrize("size", [2, 5], ids=["as large", "grown"])
def test_a_crash_at_any_write_leaves_one_volume_and_nothing_behind(sent: bool, size: int) -> None:
    at, crashed = 0, True
    while crashed:
        with running_cloud() as cloud:
            plan, crashed = plan_on(cloud, size=size), False
            done: list[Step] = []
            try:
                go_on(restores_on(cloud, CrashingJournal(at, sent)), plan, done)
            except Crash:
                crashed = True
            go_on(restores_on(cloud), plan, done)
            is_handed_over(cloud, plan, size)
        at += 1
    assert at > 6


Step = Callable[[OpenStackRestores, Plan], None]
STEPS: tuple[Step, ...] = (
    lambda restores, plan: restores.copy(plan, data_of(plan)),
    lambda restores, plan: restores.prove(plan, data_of(plan)),
    lambda restores, plan: restores.hand_over(plan, data_of(plan), UNIT),
)


def go_on(restores: OpenStackRestores, plan: Plan, done: list[Step]) -> None:
    """Take the steps that were not noted as done."""
    for step in STEPS[len(done) :]:
        step(restores, plan)
        done.append(step)


def test_a_copy_that_could_not_grow_can_be_cleared_away(cloud: Cloud) -> None:
    plan = plan_on(cloud)
    restores_on(cloud).copy(plan, data_of(plan))
    (copy,) = cloud.things["volume"].values()
    copy["status"] = "error_extending"
    restores_on(cloud).clear(plan)
    assert not cloud.things["volume"]


def test_what_is_not_what_was_backed_up_goes_nowhere_and_can_be_cleared_away(cloud: Cloud) -> None:
    plan, restores = plan_on(cloud), restores_on(cloud)
    cloud.swapped = b"something else"
    with pytest.raises(Stop) as stopped:
        restored(restores, plan)
    assert stopped.value.reason is Reason.BACKUP_MISMATCH and "Nothing was replaced" in stopped.value.message
    assert cloud.of("volume", "unit") == [] and left_over(cloud) == ["volume"]
    for _ in range(2):
        restores.clear(plan)
        assert left_over(cloud) == []


def test_a_proven_copy_that_somebody_deleted_is_made_and_proven_again(cloud: Cloud) -> None:
    plan, restores = plan_on(cloud), restores_on(cloud)
    restores.copy(plan, data_of(plan))
    restores.prove(plan, data_of(plan))
    cloud.things["volume"].clear()
    restores.hand_over(plan, data_of(plan), UNIT)
    is_handed_over(cloud, plan)
    cloud.things["volume"].clear()
    cloud.swapped = b"something else"
    with pytest.raises(Stop):
        restores_on(cloud).hand_over(plan, data_of(plan), UNIT)
    assert cloud.of("volume", "unit") == []


def test_two_volumes_with_one_mark_stop_everything(cloud: Cloud) -> None:
    plan = plan_on(cloud)
    key = Restoration(plan, data_of(plan)).final_key
    for _ in range(2):
        cloud.things["volume"][cloud.volume(OLD)]["metadata"] = {"govcloud_op": key}
    with pytest.raises(Stop) as stopped:
        restores_on(cloud).hand_over(plan, data_of(plan), UNIT)
    assert stopped.value.reason is Reason.DUPLICATES


def test_every_write_is_announced_for_its_volume(cloud: Cloud) -> None:
    journal, plan = MemoryJournal(), plan_on(cloud, size=5)
    restored(restores_on(cloud, journal), plan)
    contexts = {context for context, _ in journal.intents}
    assert {(each.owner, each.stack, each.urn, each.plan) for each in contexts} == {(OWNER, "restore", "restore/2/data", 2)}
    assert {each.operation for each in contexts} == {"restore", "verify", "delete", "update"}
    assert len(journal.outcomes) == len(journal.intents) == 7
    assert cloud.of("volume", "unit")[0]["metadata"]["govcloud_op"] in {each.key for each in contexts}, "the log knows what there is"


def test_an_encrypted_volume_is_transferred_with_its_key(cloud: Cloud) -> None:
    """Cinder does so from microversion 3.70 on, and refuses to transfer such a volume before."""
    seen: list[str] = []
    cloud.before = lambda request: seen.append(request.headers.get("OpenStack-API-Version", "")) if "transfers" in request.path else None  # type: ignore[func-returns-value]
    plan, restores = plan_on(cloud), restores_on(cloud)
    restores.copy(plan, data_of(plan))
    restores.prove(plan, data_of(plan))
    cloud.of("volume", "govcloud-quarantine")[0]["encrypted"] = True
    restores.hand_over(plan, data_of(plan), UNIT)
    assert seen[-2:] == ["volume 3.70"] * 2


def test_copies_of_two_plans_do_not_meet(cloud: Cloud) -> None:
    plan = plan_on(cloud)
    other = replace_number(plan, 7)
    names = {Restoration(each, data_of(each)).name(COPY) for each in (plan, other)}
    keys = {Restoration(each, data_of(each)).final_key for each in (plan, other)}
    assert len(names) == len(keys) == 2


def replace_number(plan: Plan, number: int) -> Plan:
    return plan.model_copy(update={"number": number})
