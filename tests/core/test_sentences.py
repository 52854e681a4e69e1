"""A plan in words leaves nothing out, in either language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconcile.world import World, waiver

from govcloud.core.plan import Plan, PlannedChange, PlannedWaiver
from govcloud.core.said import Said
from govcloud.core.sentences import cost, effects, in_words
from govcloud.core.words import RESOURCES
from policies.rules import TRANSITIONS

ROOT = Path(__file__).resolve().parents[2]
TOKEN = re.compile(r'"(openstack:[a-z]+/[A-Za-z]+:[A-Za-z]+)"')


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    world = World(tmp_path_factory.mktemp("words") / "audit")
    world.apply()
    world.run()
    world.audit.close()
    return world.plan(1)


def _change(place: int, kind: str, operation: str) -> PlannedChange:
    return PlannedChange.model_validate({"service": "s", "resource": f"r{place}", "type": kind, "operation": operation})


CHANGES = st.lists(st.tuples(st.sampled_from([*RESOURCES, "openstack:new/kind:Kind"]), st.sampled_from(["create", "update", "replace", "delete"])), max_size=40)


@given(changes=CHANGES)
def test_every_line_of_the_diff_is_counted_and_what_is_destroyed_is_said(plan: Plan, changes: list[tuple[str, str]]) -> None:
    diff = tuple(_change(place, *change) for place, change in enumerate(changes))
    said = effects(plan.model_copy(update={"diff": diff}))
    for language, counted in (("en", r"(?:: |; )(\d+) "), ("zh", r"(?::|;)(\d+) 个")):
        text = "\n".join(sentence.zh if language == "zh" else sentence.en for sentence in said)
        assert sum(int(number) for number in re.findall(counted, text)) == len(diff)
    operations = {operation for _, operation in changes}
    english = "\n".join(sentence.en for sentence in said)
    assert ("Destroys: " in english) == ("delete" in operations)
    assert ("which destroys what is there now" in english) == ("replace" in operations)


def test_a_replica_that_goes_is_not_told_as_a_database_that_is_destroyed(plan: Plan) -> None:
    instance = {"service": "orders", "type": "openstack:database/instance:Instance", "operation": "delete"}
    diff = tuple(PlannedChange.model_validate({**instance, "resource": name}) for name in ("orders-replica-1", "orders"))
    (said,) = effects(plan.model_copy(update={"diff": diff}))
    assert said.en == "Destroys: 1 read-only replica (orders-replica-1); 1 database (orders)"
    assert said.zh == "销毁:1 个云数据库只读副本(orders-replica-1);1 个云数据库(orders)"


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_every_transition_is_told_in_both_languages(plan: Plan, transition: str) -> None:
    said = in_words(plan.model_copy(update={"transition": transition}), plan)
    assert all(isinstance(sentence, Said) and sentence.zh and sentence.en for sentence in said)
    assert any("all data is backed up" in sentence.en for sentence in said) == (transition == "Terminate")


def test_what_is_given_up_is_told_last_and_gravely(plan: Plan) -> None:
    given = {**waiver("data"), "service": "data", "sourceId": "volume-1", "ground": "BackupFailed", "consent": "unit-consent"}
    ending = plan.model_copy(update={"transition": "Terminate", "waivers": (PlannedWaiver.model_validate(given),)})
    first, *_, last = effects(ending)
    assert "all data but what is named below" in first.en and "除下列豁免项外" in first.zh
    assert last.grave and last.en.startswith("Will be destroyed WITHOUT a backup: data") and last.zh.startswith("不经备份即销毁:data")
    assert [sentence.grave for sentence in in_words(ending)].count(True) == 1
    assert not any(sentence.grave for sentence in in_words(plan))


def test_what_it_cost_before_is_told(plan: Plan) -> None:
    dearer = plan.model_copy(update={"monthly_cost": "999.00"})
    assert cost(dearer, plan).en.startswith(f"It costs at most 999.00 yuan a month ({plan.monthly_cost} before)")


def test_every_resource_that_services_consist_of_has_a_name_that_officials_know() -> None:
    used = {token for file in (ROOT / "stacks").glob("*.py") if file.name != "unit.py" for token in TOKEN.findall(file.read_text(encoding="utf-8"))}
    assert used <= RESOURCES.keys(), "give it a word in core/words.py"
