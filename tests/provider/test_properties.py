"""Checking, comparing and translating properties: no cloud, no engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.provider import properties
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.block_storage import VOLUME
from stacks.provider.declarations.compute import INSTANCE, KEYPAIR
from stacks.provider.declarations.database import INSTANCE as DATABASE
from stacks.provider.declarations.identity import APPLICATION_CREDENTIAL, ROLE_ASSIGNMENT, USER
from stacks.provider.declarations.model import Change, Declaration, Field
from stacks.provider.declarations.networking import FLOATING_IP, NETWORK, PORT, ROUTER, SUBNET
from stacks.provider.properties import UNKNOWN

SERVER = {
    "name": "web-0",
    "flavorName": "m1.small",
    "blockDevices": [{"uuid": "v1", "sourceType": "volume", "destinationType": "volume"}],
    "networks": [{"port": "p1"}],
    "metadata": {"govcloud_stage": "trial"},
}


def checked(declaration: Declaration, given: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
    return properties.with_defaults(declaration, given, olds or {}, "made-up-1234567")


def refused(declaration: Declaration, given: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, str]:
    found = properties.refusals(declaration, checked(declaration, given, olds), olds or {})
    return {refusal.property: refusal.reason for refusal in found}


def changed(declaration: Declaration, old: dict[str, Any], new: dict[str, Any], **kwargs: Any) -> dict[str, bool]:
    """The wire names that differ, each with whether that replaces the resource."""
    before, after = checked(declaration, old), checked(declaration, new, checked(declaration, old))
    return {change.field.wire: change.replaces for change in properties.changes(declaration, before, after, **kwargs)}


# ---------------------------------------------------------------------------------------------------------- check


def test_a_correct_server_is_accepted() -> None:
    assert refused(INSTANCE, SERVER) == {}


def test_an_input_that_is_not_implemented_is_named_with_what_is() -> None:
    reasons = refused(INSTANCE, {**SERVER, "personalities": []})
    assert (
        "personalities is not implemented by this provider; compute Instance takes: adminPass"
        in reasons["personalities"]
    )


def test_an_output_cannot_be_set() -> None:
    assert "is an output and cannot be set" in refused(INSTANCE, {**SERVER, "accessIpV4": "10.0.0.1"})["accessIpV4"]


def test_an_unknown_part_of_an_object_is_named_with_its_place() -> None:
    reasons = refused(INSTANCE, {**SERVER, "networks": [{"port": "p1", "mac": "aa"}]})
    assert reasons["networks[0]"].startswith("networks[0].mac is not implemented")


@pytest.mark.parametrize(
    ("declaration", "given", "where", "words"),
    [
        (VOLUME, {"name": "v"}, "size", "size of blockstorage Volume must be given"),
        (VOLUME, {"size": "ten"}, "size", "must be a whole number, not str"),
        (VOLUME, {"size": True}, "size", "must be a whole number, not bool"),
        (VOLUME, {"size": 1, "metadata": {"a": 1}}, "metadata", "a mapping from text to text"),
        (VOLUME, {"size": 1, "imageId": "i", "snapshotId": "s"}, "imageId", "no more than one of imageId, snapshotId"),
        (INSTANCE, {**SERVER, "powerState": "paused"}, "powerState", "one of active, shutoff, not paused"),
        (
            INSTANCE,
            {**SERVER, "flavorId": "f"},
            "flavorName",
            "exactly one of flavorName, flavorId must be given; 2 are",
        ),
        (
            INSTANCE,
            {**SERVER, "flavorName": None},
            "flavorName",
            "exactly one of flavorName, flavorId must be given; 0",
        ),
        (
            INSTANCE,
            {**SERVER, "blockDevices": [{"uuid": "v"}]},
            "sourceType",
            "sourceType of blockDevices[0] must be given",
        ),
        (INSTANCE, {**SERVER, "blockDevices": {"uuid": "v"}}, "blockDevices", "a list of objects"),
        (INSTANCE, {**SERVER, "metadata": {"govcloud_op": "x"}}, "metadata", "govcloud_op is set by the provider"),
        (NETWORK, {"tags": ["govcloud_op=x"]}, "tags", "govcloud_op=… is set by the provider"),
        (NETWORK, {"description": "x" * 151}, "description", "151 characters; at most 150 fit"),
        (ROLE_ASSIGNMENT, {"roleId": "r", "userId": "u"}, "projectId", "exactly one of projectId, domainId"),
        (PORT, {"networkId": "n", "fixedIps": [{"subnetId": "s"}], "noFixedIp": True}, "fixedIps", "no more than one"),
    ],
)
def test_a_wrong_input_is_refused_with_what_would_be_right(
    declaration: Declaration, given: dict[str, Any], where: str, words: str
) -> None:
    assert words in refused(declaration, given)[where]


def test_all_that_is_wrong_is_said_at_once() -> None:
    reasons = refused(INSTANCE, {"personalities": [], "powerState": "paused", "networks": [{"nic": "x"}]})
    assert set(reasons) == {"personalities", "flavorName", "powerState", "networks[0]"}


def test_a_volume_cannot_shrink_but_may_grow() -> None:
    assert "cannot shrink from 20 to 10" in refused(VOLUME, {"size": 10}, {"size": 20})["size"]
    assert refused(VOLUME, {"size": 30}, {"size": 20}) == {}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_what_is_not_known_yet_is_accepted_anywhere(declaration: Declaration) -> None:
    groups = {wire for group in (*declaration.needs_one, *declaration.at_most_one) for wire in group}
    given: dict[str, Any] = {field.wire: UNKNOWN for field in declaration.inputs if field.wire not in groups}
    given |= {group[0]: UNKNOWN for group in declaration.needs_one}
    assert refused(declaration, given) == {}


def test_defaults_reach_into_objects() -> None:
    server = checked(INSTANCE, SERVER)
    assert server["powerState"] == "active"
    assert server["blockDevices"][0]["bootIndex"] == 0


def test_a_made_up_name_stays() -> None:
    assert checked(VOLUME, {"size": 1})["name"] == "made-up-1234567"
    assert checked(VOLUME, {"size": 1}, {"name": "made-up-7654321"})["name"] == "made-up-7654321"
    assert checked(VOLUME, {"size": 1, "name": "data"}, {"name": "other"})["name"] == "data"


# ---------------------------------------------------------------------------------------------------------- diff


@pytest.mark.parametrize(
    ("declaration", "old", "new", "expected"),
    [
        (INSTANCE, SERVER, {**SERVER, "metadata": {"govcloud_stage": "production"}}, {"metadata": False}),
        (INSTANCE, SERVER, {**SERVER, "flavorName": "m1.large"}, {"flavorName": False}),
        (INSTANCE, SERVER, {**SERVER, "powerState": "shutoff"}, {"powerState": False}),
        (INSTANCE, SERVER, {**SERVER, "userData": "#cloud-config"}, {"userData": True}),
        (INSTANCE, SERVER, {**SERVER, "networks": [{"port": "p2"}]}, {"networks": True}),
        (INSTANCE, SERVER, {**SERVER, "networks": [{"port": UNKNOWN}]}, {"networks": True}),
        (INSTANCE, {**SERVER, "tags": ["a", "b"]}, {**SERVER, "tags": ["b", "a"]}, {}),
        (INSTANCE, SERVER, {**SERVER, "powerState": "active", "forceDelete": False}, {}),
        (VOLUME, {"size": 1}, {"size": 2}, {"size": False}),
        (VOLUME, {"size": 1, "name": "a"}, {"size": 1, "name": "b"}, {"name": False}),
        (VOLUME, {"size": 1, "imageId": "i"}, {"size": 1, "imageId": "j"}, {"imageId": True}),
        (VOLUME, {"size": 1, "volumeType": "fast"}, {"size": 1}, {}),
        (NETWORK, {"mtu": 1400}, {}, {}),
        (NETWORK, {"mtu": 1400}, {"mtu": 1500}, {"mtu": False}),
        (NETWORK, {"description": "a"}, {}, {"description": False}),
        (FLOATING_IP, {"pool": "public", "portId": "p"}, {"pool": "public"}, {"portId": False}),
        (
            SUBNET,
            {"networkId": "n", "dnsNameservers": ["a", "b"]},
            {"networkId": "n", "dnsNameservers": ["b", "a"]},
            {"dnsNameservers": False},
        ),
        (
            DATABASE,
            {"users": [{"name": "a", "password": "x"}]},
            {"users": [{"name": "a", "password": "y"}]},
            {"users": False},
        ),
        (DATABASE, {"databases": [{"name": "a"}, {"name": "b"}]}, {"databases": [{"name": "b"}, {"name": "a"}]}, {}),
    ],
)
def test_what_a_change_means(
    declaration: Declaration, old: dict[str, Any], new: dict[str, Any], expected: dict[str, bool]
) -> None:
    assert changed(declaration, old, new) == expected


def test_adding_and_taking_away_are_told_apart() -> None:
    (added,) = properties.changes(NETWORK, {"name": "n"}, {"name": "n", "description": "d"})
    (taken,) = properties.changes(NETWORK, {"name": "n", "description": "d"}, {"name": "n"})
    assert (added.kind, taken.kind) == ("add", "delete")


def test_an_imported_server_is_not_made_anew_for_what_no_answer_shows() -> None:
    imported = {"name": "web-0", "flavorName": "m1.small", "metadata": {"govcloud_stage": "trial"}}
    assert changed(INSTANCE, imported, SERVER) == {"blockDevices": True, "networks": True}
    assert changed(INSTANCE, imported, SERVER, imported=True) == {"blockDevices": False, "networks": False}
    assert changed(INSTANCE, imported, {**SERVER, "keyPair": "k"}, imported=True)["keyPair"]


def _values(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case "whole":
            return st.integers(1, 50)
        case "flag":
            return st.booleans()
        case "texts":
            return st.lists(st.sampled_from("abc"), unique=True)
        case "mapping":
            return st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))
        case "object":
            return _objects(field.fields)
        case "objects":
            return st.lists(_objects(field.fields), max_size=2)
        case _:
            return st.sampled_from(field.one_of or ("one", "two"))


def _objects(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={field.wire: _values(field) for field in fields})


@st.composite
def kinds_with_inputs(draw: st.DrawFn) -> tuple[Declaration, dict[str, Any], dict[str, Any]]:
    declaration = draw(st.sampled_from(sorted(DECLARATIONS.values(), key=lambda one: one.type)))
    inputs = _objects(declaration.inputs)
    return declaration, draw(inputs), draw(inputs)


@given(kinds_with_inputs())
def test_a_second_run_with_the_same_inputs_changes_nothing(
    drawn: tuple[Declaration, dict[str, Any], dict[str, Any]],
) -> None:
    declaration, inputs, _ = drawn
    assert changed(declaration, inputs, inputs) == {}


@given(kinds_with_inputs())
def test_there_and_back_names_the_same_inputs(drawn: tuple[Declaration, dict[str, Any], dict[str, Any]]) -> None:
    declaration, one, other = drawn
    there = properties.changes(declaration, one, other)
    back = properties.changes(declaration, other, one)
    kept = {field.wire for field in declaration.inputs if field.computed and not field.nulls}
    assert {c.field.wire for c in there} - kept == {c.field.wire for c in back} - kept


# ----------------------------------------------------------------------------------------------- towards OpenStack


def test_names_and_nesting_become_openstacks() -> None:
    router = {"name": "r", "externalNetworkId": "public", "enableSnat": False}
    assert properties.create_body(ROUTER, router) == {
        "name": "r",
        "external_gateway_info": {"network_id": "public", "enable_snat": False},
    }


def test_a_database_is_asked_for_in_troves_words() -> None:
    body = properties.create_body(
        DATABASE,
        {
            "name": "d",
            "flavorId": "2",
            "size": 5,
            "datastore": {"type": "postgresql", "version": "15"},
            "networks": [{"uuid": "n", "fixedIpV4": "10.0.0.9"}],
            "users": [{"name": "u", "password": "p"}],
        },
    )
    assert body == {
        "name": "d", "flavorRef": "2", "volume": {"size": 5}, "datastore": {"type": "postgresql", "version": "15"},
        "nics": [{"net-id": "n", "v4-fixed-ip": "10.0.0.9"}],
    }  # fmt: skip


def test_what_a_handler_reads_is_not_sent() -> None:
    body = properties.create_body(INSTANCE, SERVER)
    assert set(body) == {"name", "metadata"}


def test_an_update_sends_what_changed() -> None:
    old, new = {"name": "a", "adminStateUp": True}, {"name": "b", "adminStateUp": True}
    assert properties.update_body(NETWORK, properties.changes(NETWORK, old, new), new) == {"name": "b"}


def test_an_update_of_a_part_sends_its_whole() -> None:
    old = {"name": "r", "externalNetworkId": "public", "enableSnat": True}
    new = {**old, "enableSnat": False}
    body = properties.update_body(ROUTER, properties.changes(ROUTER, old, new), new)
    assert body == {"external_gateway_info": {"network_id": "public", "enable_snat": False}}


def test_a_gateway_that_is_gone_is_taken_away_as_a_whole() -> None:
    old, new = {"name": "r", "externalNetworkId": "public"}, {"name": "r"}
    body = properties.update_body(ROUTER, properties.changes(ROUTER, old, new), new)
    assert body == {"external_gateway_info": None}


def test_a_floating_address_without_a_port_points_at_null() -> None:
    old, new = {"pool": "public", "portId": "p"}, {"pool": "public"}
    body = properties.update_body(FLOATING_IP, properties.changes(FLOATING_IP, old, new), new)
    assert body == {"port_id": None}


def test_a_user_keeps_its_options_together() -> None:
    old = {"name": "u", "ignorePasswordExpiry": True}
    new = {**old, "ignoreLockoutFailureAttempts": True}
    body = properties.update_body(USER, properties.changes(USER, old, new), new)
    assert body == {"options": {"ignore_password_expiry": True, "ignore_lockout_failure_attempts": True}}


# --------------------------------------------------------------------------------------------------- from OpenStack

KEY = "0123456789abcdef0123456789abcdef"


def test_our_marks_are_not_the_programs() -> None:
    answer = {
        "id": "n1", "name": "net", "description": f"orders [govcloud_op={KEY} govcloud_request=uid]",
        "tags": [f"govcloud_op={KEY}", "govcloud_request=uid", "blue"],
    }  # fmt: skip
    found = properties.outputs(NETWORK, answer, {"name": "net", "description": "orders", "tags": ["blue"]})
    assert (found["description"], found["tags"]) == ("orders", ["blue"])


def test_a_mark_that_the_program_wrote_itself_is_the_programs() -> None:
    answer = {"id": "v", "metadata": {"govcloud_op": KEY, "govcloud_request": "uid", "a": "b"}}
    found = properties.outputs(VOLUME, answer, {"metadata": {"govcloud_request": "uid", "a": "b"}})
    assert found["metadata"] == {"govcloud_request": "uid", "a": "b"}


def test_a_refresh_keeps_inputs_that_agree_in_their_form() -> None:
    inputs = {"networkId": "n", "fixedIps": [{"subnetId": "s"}], "securityGroupIds": ["b", "a"], "name": "p"}
    answer = {
        "id": "p1", "network_id": "n", "name": "p", "security_groups": ["a", "b"],
        "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.3"}],
    }  # fmt: skip
    found = properties.outputs(PORT, answer, inputs)
    assert properties.inputs_as_found(PORT, found, inputs) == inputs


def test_a_refresh_shows_what_somebody_changed() -> None:
    inputs = {"name": "data", "size": 1, "metadata": {"a": "b"}}
    answer = {"id": "v", "name": "renamed", "size": 2, "metadata": {"a": "c"}}
    found = properties.outputs(VOLUME, answer, inputs)
    as_found = properties.inputs_as_found(VOLUME, found, inputs)
    assert as_found == {"name": "renamed", "size": 2, "metadata": {"a": "c"}}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_silence_never_makes_anything_anew(declaration: Declaration) -> None:
    """An answer that shows nothing (an older service, a cut answer) must not look like a reason to replace."""
    inputs = {field.wire: "x" for field in declaration.inputs if field.kind == "text"}
    as_found = properties.inputs_as_found(declaration, {}, inputs)
    changed = properties.changes(declaration, as_found, inputs)
    assert [change.field.wire for change in changed if change.replaces] == []


def test_an_import_writes_down_what_differs_from_the_defaults() -> None:
    answer = {"name": "web", "flavor": {"original_name": "m1.small"}, "metadata": {"govcloud_op": KEY}, "tags": []}
    found = {**properties.outputs(INSTANCE, answer, {}), "flavorId": "2", "powerState": "active"}
    assert properties.inputs_as_found(INSTANCE, found, {}) == {"name": "web", "flavorName": "m1.small"}


def test_a_name_that_carries_the_key_is_still_the_programs_name() -> None:
    answer = {"name": f"deploy-{KEY}", "public_key": "ssh-rsa AAAA"}
    inputs = {"name": "deploy", "publicKey": "ssh-rsa AAAA"}
    found = properties.outputs(KEYPAIR, answer, inputs)
    assert found["name"] == f"deploy-{KEY}"
    assert properties.inputs_as_found(KEYPAIR, found, inputs) == inputs
    assert properties.inputs_as_found(KEYPAIR, found, {})["name"] == "deploy"


def test_every_change_of_an_application_credential_makes_a_new_one() -> None:
    assert all(field.change is Change.REPLACE for field in APPLICATION_CREDENTIAL.inputs)
