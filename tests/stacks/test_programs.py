"""Programs as values: their JSON, their order, what power and stage change, and what it takes to come from one to another."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stacks_kit import (
    DATABASE,
    EVERYTHING,
    MACHINES,
    NETWORK,
    PUBLIC_KEY,
    SHARED,
    USER_DATA,
    programs,
    requests,
    wanted,
)

from stacks.database_changes import stuck_on_their_storage
from stacks.diff import ResourceChange, allowed_operations, diff, rebuilds, shrinks
from stacks.machines import KEYPAIR, VOLUME
from stacks.order import ProgramFault, in_order
from stacks.program import Program, Ref, Resource
from stacks.program_json import ProgramDamaged, from_json, to_json
from stacks.provider.schema import UnknownInput, UnknownType
from stacks.request import Wanted, data_of, lay_out, service_of
from stacks.transform import Origin, made_from, origins_in, with_power, with_stage

NETWORK_TYPE = "openstack:networking/network:Network"


def laid_out(entries: dict[str, dict[str, Any]], **changes: Any) -> Program:
    return lay_out(wanted(entries, **changes)).program


def operations(changes: tuple[ResourceChange, ...]) -> dict[str, str]:
    return {change.resource: change.operation for change in changes}


# JSON


@given(programs)
def test_a_program_comes_back_from_json_as_it_was(program: Program) -> None:
    text = json.dumps(to_json(program))
    assert from_json(json.loads(text)) == program


@given(programs, programs)
def test_different_programs_have_different_json(one: Program, other: Program) -> None:
    assert (to_json(one) == to_json(other)) <= (one == other)


def _without_type(document: dict[str, Any]) -> None:
    del document["resources"][0]["type"]


def _with_an_unknown_login(document: dict[str, Any]) -> None:
    document["resources"][0]["login"] = "root"


def _with_an_unknown_field(document: dict[str, Any]) -> None:
    document["resources"][0]["retain"] = True


def _with_a_number_that_is_none(document: dict[str, Any]) -> None:
    document["resources"][0]["inputs"]["size"] = 1.5


def _with_a_lookup_of_nothing(document: dict[str, Any]) -> None:
    document["resources"][0]["inputs"]["size"] = {"$lookup": ["planet", "mars"]}


def _with_a_marker_beside_other_keys(document: dict[str, Any]) -> None:
    document["resources"][0]["inputs"]["size"] = {"$secret": "a", "b": 1}


def _with_text_for_data(document: dict[str, Any]) -> None:
    document["resources"][0]["holdsData"] = "no"


@pytest.mark.parametrize(
    "damage",
    [
        _without_type,
        _with_an_unknown_login,
        _with_an_unknown_field,
        _with_a_number_that_is_none,
        _with_a_lookup_of_nothing,
        _with_a_marker_beside_other_keys,
        _with_text_for_data,
    ],
)
def test_a_damaged_program_is_refused_with_the_place(damage: Callable[[dict[str, Any]], None]) -> None:
    document = to_json(laid_out(EVERYTHING))
    damage(document)
    with pytest.raises(ProgramDamaged, match=r"^resources\[0\]"):
        from_json(document)


# Order


def test_a_reference_to_nothing_is_a_fault() -> None:
    with pytest.raises(ProgramFault, match="a refers to b"):
        in_order([Resource(NETWORK_TYPE, "a", {"x": Ref("b")})])


def test_a_circle_is_a_fault() -> None:
    circle = [Resource(NETWORK_TYPE, "a", {"x": Ref("b")}), Resource(NETWORK_TYPE, "b", {}, after=("a",))]
    with pytest.raises(ProgramFault, match="circle"):
        in_order(circle)


def test_one_name_twice_is_a_fault() -> None:
    with pytest.raises(ProgramFault, match="two resources are called a"):
        in_order([Resource(NETWORK_TYPE, "a", {})] * 2)


# Power and stage


@given(requests())
def test_power_off_and_on_again_changes_nothing(request_: Wanted) -> None:
    program = lay_out(replace(request_, running=True)).program
    assert with_power(with_power(program, False), True) == program


@given(requests())
def test_power_changes_nothing_but_the_power_of_servers_and_who_is_let_in(request_: Wanted) -> None:
    program = lay_out(replace(request_, running=True)).program
    for change in diff(program, with_power(program, False)):
        assert (change.operation, change.fields) in {("update", ("power_state",)), ("update", ("enabled",))}


@given(requests())
def test_a_promotion_is_laid_out_as_the_transformed_program(request_: Wanted) -> None:
    trial = lay_out(replace(request_, stage="trial")).program
    assert with_stage(trial, "production") == lay_out(replace(request_, stage="production")).program


@given(requests())
def test_a_promotion_updates_marks_and_does_nothing_else(request_: Wanted) -> None:
    trial = lay_out(replace(request_, stage="trial")).program
    for change in diff(trial, with_stage(trial, "production")):
        assert change.operation == "update"
        assert set(change.fields) <= {"metadata", "tags"}


def test_a_promotion_updates_marks_on_everything_that_carries_the_stage() -> None:
    trial = laid_out(EVERYTHING)
    marked = {item.name for item in trial.resources if "govcloud_stage" in str(item.inputs)}
    assert set(operations(diff(trial, with_stage(trial, "production")))) == marked
    assert {"web-0", "web-0-boot", "lan", "files"} <= marked


# Diff


@given(requests())
def test_nothing_lies_between_a_program_and_itself(request_: Wanted) -> None:
    program = lay_out(request_).program
    assert diff(program, program) == ()


@given(requests())
def test_from_nothing_everything_is_created(request_: Wanted) -> None:
    program = lay_out(request_).program
    assert allowed_operations(diff(None, program)) == {(item.name, "create") for item in program.resources}


@given(requests(), requests())
def test_the_diff_says_what_becomes_of_every_resource(one: Wanted, other: Wanted) -> None:
    before = {item.name for item in lay_out(one).program.resources}
    after = {item.name for item in lay_out(other).program.resources}
    found = operations(diff(lay_out(one).program, lay_out(other).program))
    assert {name for name, operation in found.items() if operation == "create"} == after - before
    assert {name for name, operation in found.items() if operation == "delete"} == before - after


def test_another_flavor_is_an_update_in_place() -> None:
    small, large = (
        laid_out({"web": {"virtualMachine": {**MACHINES, "offering": offering}}}) for offering in ("small", "large")
    )
    changes = {change.resource: change for change in diff(small, large)}
    assert changes["web-0"].operation == "update"
    assert changes["web-0"].fields == ("flavor_name",)


def test_a_newer_image_rebuilds_nothing() -> None:
    old = laid_out({"web": {"virtualMachine": MACHINES}})
    images = {name: image.model_copy(update={"image": "cirros-0.7"}) for name, image in wanted({}).images.items()}
    assert diff(old, laid_out({"web": {"virtualMachine": MACHINES}}, images=images)) == ()


def test_another_key_or_user_data_rebuilds_no_machine() -> None:
    entry = {**MACHINES, "sshPublicKey": PUBLIC_KEY, "userData": USER_DATA}
    old = laid_out({"web": {"virtualMachine": entry}})
    other = {**entry, "sshPublicKey": f"{PUBLIC_KEY} another", "userData": {**USER_DATA, "packages": ["vim"]}}
    new = laid_out({"web": {"virtualMachine": other}})
    assert {(change.type, change.operation) for change in diff(old, new)} == {(KEYPAIR, "create"), (KEYPAIR, "delete")}
    without = laid_out({"web": {"virtualMachine": MACHINES}})
    assert {(change.type, change.operation) for change in diff(old, without)} == {(KEYPAIR, "delete")}


@pytest.mark.parametrize(
    ("kind", "entry", "volume"),
    [
        ("blockStorage", {"sizeGib": 2, "offering": "disk"}, "it"),
        ("virtualMachine", {**MACHINES, "bootVolumeOffering": "disk"}, "it-0-boot"),
    ],
)
def test_another_type_of_volume_is_a_change_in_place(kind: str, entry: dict[str, Any], volume: str) -> None:
    offerings = dict(wanted({}).offerings)
    offerings["fast"] = offerings["disk"].model_copy(update={"name": "fast", "volume_type": "faster"})
    field = "offering" if kind == "blockStorage" else "bootVolumeOffering"
    old = laid_out({"it": {kind: entry}}, offerings=offerings)
    new = laid_out({"it": {kind: {**entry, field: "fast"}}}, offerings=offerings)
    changes = {change.resource: change for change in diff(old, new)}
    assert (changes[volume].operation, changes[volume].fields) == ("update", ("volume_type",))
    assert {change.operation for change in changes.values()} == {"update"}
    assert rebuilds(old, new) == ()


@pytest.mark.parametrize(("reoffered", "refused"), [((), False), (("orders",), True), (("other",), False)])
def test_a_database_that_trove_cannot_move_is_refused_only_where_another_offering_was_asked_for(
    reoffered: tuple[str, ...], refused: bool
) -> None:
    offerings = dict(wanted({}).offerings)
    old = laid_out({"orders": {"database": DATABASE}}, offerings=offerings)
    offerings["pg"] = offerings["pg"].model_copy(update={"volume_type": "faster"})
    new = laid_out({"orders": {"database": DATABASE}}, offerings=offerings)
    problems = stuck_on_their_storage(old, new, reoffered)
    assert [problem.field for problem in problems] == (["services[orders]"] if refused else [])
    assert all("faster" in text for problem in problems for text in (problem.en, problem.zh))
    assert stuck_on_their_storage(old, old, reoffered) == ()


def test_another_years_catalog_rebuilds_no_database() -> None:
    old = laid_out({"orders": {"database": DATABASE}})
    offerings = dict(wanted({}).offerings)
    offerings["pg"] = offerings["pg"].model_copy(update={"datastore_version": "17", "volume_type": "faster"})
    assert diff(old, laid_out({"orders": {"database": DATABASE}}, offerings=offerings)) == ()


@pytest.mark.parametrize("change", [{"version": "16"}, {"engine": "mysql"}])
def test_a_database_of_another_kind_is_refused_because_it_would_start_empty(change: dict[str, Any]) -> None:
    offerings = dict(wanted({}).offerings)
    offerings["pg"] = offerings["pg"].model_copy(update={"datastore": None})
    old = laid_out({"orders": {"database": {**DATABASE, "version": "15"}}}, offerings=offerings)
    new = laid_out({"orders": {"database": {**DATABASE, "version": "15", **change}}}, offerings=offerings)
    (problem,) = rebuilds(old, new)
    assert problem.field == "services[orders]"
    assert "datastore" in problem.en


@given(requests())
def test_what_stays_rebuilds_no_data(request_: Wanted) -> None:
    program = lay_out(request_).program
    assert rebuilds(program, with_stage(with_power(program, False), "production")) == ()


def test_a_replaced_resource_replaces_what_cannot_live_without_it() -> None:
    """Another address range makes another subnet; the interface that joined the old one to the router goes with it."""
    old, new = (laid_out({"lan": {"network": {"cidr": range}}}) for range in ("10.20.0.0/24", "10.30.0.0/24"))
    assert operations(diff(old, new)) == {"lan-subnet": "replace", "lan-interface": "replace"}


def test_another_network_replaces_ports_and_servers_but_never_their_volumes() -> None:
    entries = {"a": {"network": NETWORK}, "b": {"network": {"cidr": "10.30.0.0/24"}}}
    one, other = (
        laid_out({**entries, "web": {"virtualMachine": {**MACHINES, "count": 1, "network": name}}}) for name in "ab"
    )
    assert operations(diff(one, other)) == {"web-0-port": "replace", "web-0": "replace"}


def test_another_type_under_one_name_is_a_creation_and_a_deletion() -> None:
    old = laid_out({"x": {"network": {**NETWORK, "router": False}}})
    new = laid_out({"x": {"objectStorage": {"quotaGib": 1}}})
    user = {("x-user", "create"), ("x-role", "create")}
    assert allowed_operations(diff(old, new)) == {("x", "create"), ("x", "delete"), ("x-subnet", "delete"), *user}


def test_another_login_is_a_replacement() -> None:
    program = Program((Resource(NETWORK_TYPE, "a", {"name": "a"}),))
    other = Program((replace(program.resources[0], login="admin"),))
    assert operations(diff(program, other)) == {"a": "replace"}


@pytest.mark.parametrize(("value", "other"), [(1, True), (0, False), (None, ""), (None, ()), ("1", 1)])
def test_values_that_python_takes_for_equal_still_differ(value: Any, other: Any) -> None:
    one, two = (Program((Resource(NETWORK_TYPE, "a", {"mtu": item}),)) for item in (value, other))
    assert operations(diff(one, two)) == {"a": "update"}


def test_a_type_that_the_provider_does_not_serve_is_told() -> None:
    one, two = (Program((Resource("openstack:dns/zone:Zone", "a", {"ttl": item}),)) for item in (1, 2))
    with pytest.raises(UnknownType, match="dns/zone"):
        diff(one, two)


def test_an_input_that_the_provider_does_not_implement_is_told() -> None:
    one, two = (Program((Resource(NETWORK_TYPE, "a", {"color": item}),)) for item in (1, 2))
    with pytest.raises(UnknownInput, match="color"):
        diff(one, two)


@given(st.integers(1, 100), st.integers(1, 100))
def test_storage_only_grows(before: int, after: int) -> None:
    old, new = (
        laid_out(
            {
                "data": {"blockStorage": {"sizeGib": size, "offering": "disk"}},
                "orders": {"database": {**DATABASE, "storageGib": size}},
                "lan": {"network": NETWORK},
                "shared": {"fileStorage": {**SHARED, "sizeGib": size}},
            }
        )
        for size in (before, after)
    )
    assert sorted(problem.field for problem in shrinks(old, new)) == (
        ["services[data]", "services[orders]", "services[shared]"] if after < before else []
    )


@given(requests())
def test_what_is_new_does_not_shrink(request_: Wanted) -> None:
    assert shrinks(None, lay_out(request_).program) == ()


# What a pinned program tells without the request


@given(requests())
def test_a_pinned_program_still_tells_what_holds_data(request_: Wanted) -> None:
    layout = lay_out(request_)
    pinned = from_json(json.loads(json.dumps(to_json(layout.program))))
    assert sorted(data_of(pinned), key=str) == sorted(layout.data, key=str)


def test_a_pinned_program_still_tells_whose_a_resource_is() -> None:
    program = laid_out(EVERYTHING)
    assert service_of(program, "web-0-boot") == "web"
    assert service_of(program, "nothing") == ""


# From a backup


def test_a_volume_made_from_a_backup_is_replaced_once_and_again_by_another_trigger() -> None:
    before = laid_out(EVERYTHING)
    volumes = [resource.name for resource in before.resources if resource.type == VOLUME]
    made = made_from(before, {name: Origin("a-backup", "restore-2") for name in volumes})
    again = made_from(before, {name: Origin("a-backup", "restore-5") for name in volumes})
    for old, new in ((before, made), (made, again)):
        changes = operations(diff(old, new))
        assert volumes and {changes[name] for name in volumes} == {"replace"}
        assert set(changes.values()) == {"replace"}
    assert diff(made, made_from(before, origins_in(made))) == ()
    assert diff(with_power(made, False), with_power(made_from(before, origins_in(made)), False)) == ()
    assert not any("image_id" in resource.inputs for resource in made.resources if resource.type == VOLUME)
    assert from_json(to_json(again)) == again
