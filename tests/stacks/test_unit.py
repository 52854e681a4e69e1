"""What every using unit has, whatever its requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stacks.diff import diff
from stacks.kind import Quota
from stacks.program import Program, Ref, Resource, Secret
from stacks.provider import schema
from stacks.unit import LONGEST_NAME, UnitStack, needed_quota, program

QUOTA = Quota(instances=3, cores=6, ram=8192, volumes=4, gigabytes=100, ports=5, security_groups=2)


def unit(quota: Quota = QUOTA, with_default_network: bool = False) -> UnitStack:
    return UnitStack("11111111-0000-4000-8000-000000000001", "education", quota, "public", with_default_network)


def resource(of: Program, name: str) -> Resource:
    return next(item for item in of.resources if item.name == name)


@pytest.mark.parametrize("with_default_network", [False, True])
def test_every_input_is_one_that_the_provider_serves(with_default_network: bool) -> None:
    for item in program(unit(with_default_network=with_default_network)).resources:
        assert item.inputs.keys() <= schema.known_inputs(item.type), item.name
        assert schema.required_inputs(item.type) <= item.inputs.keys(), item.name


def test_the_longest_name_of_a_unit_fits_into_its_projects_names() -> None:
    """Keystone takes names of projects of up to 64 characters (`keystone.resource.schema`)."""
    longest = replace(unit(), name="n" * LONGEST_NAME)
    assert max(len(longest.project_name), len(longest.access_project_name)) == 64


def test_only_the_service_user_makes_its_own_credential() -> None:
    made = program(unit())
    assert resource(made, "credential").login == "service-user"
    assert resource(made, "credential").after == ("role-member",)
    assert {item.login for item in made.resources if item.name != "credential"} == {"admin"}


def test_the_password_is_derived_when_the_program_runs() -> None:
    assert resource(program(unit()), "service-user").inputs["password"] == Secret("unit/service-user/password")


def test_the_default_network_is_made_in_the_units_own_project() -> None:
    made = program(unit(with_default_network=True))
    network = [item for item in made.resources if item.name.startswith("default-network")]
    assert len(network) == 4
    assert all(item.login == "service-user" and "credential" in item.after for item in network)


def test_the_quota_is_what_was_approved_and_twice_what_neutron_adds_by_itself() -> None:
    """The first two requests of a project may each reserve the group `default`."""
    quota = resource(program(unit()), "network-quota").inputs
    assert quota["security_group"] == QUOTA.security_groups + 2
    assert quota["security_group_rule"] == QUOTA.security_group_rules + 8
    assert quota["port"] == QUOTA.ports
    assert resource(program(unit()), "compute-quota").inputs["cores"] == QUOTA.cores


def test_the_default_network_needs_a_quota_too() -> None:
    assert needed_quota(unit(with_default_network=True)).networks == 1


def test_the_access_project_may_hold_nothing() -> None:
    made = program(replace(unit(), with_access_project=True))
    quotas = [item for item in made.resources if item.inputs.get("project_id") == Ref("access-project")]
    assert len(quotas) == 3
    limits = {name: value for item in quotas for name, value in item.inputs.items() if isinstance(value, int)}
    assert {name for name, value in limits.items() if value} == {"server_group_members"}
    assert made.outputs["access_project_id"] == Ref("access-project")
    assert {change.operation for change in diff(program(unit()), made)} == {"create"}


def test_another_quota_updates_quotas_and_nothing_else() -> None:
    changes = diff(program(unit()), program(unit(QUOTA + Quota(cores=1, gigabytes=1, ports=1))))
    assert {(change.resource, change.operation) for change in changes} == {
        ("compute-quota", "update"),
        ("storage-quota", "update"),
        ("network-quota", "update"),
    }


def test_a_default_network_comes_without_touching_what_is_there() -> None:
    changes = diff(program(unit()), program(unit(with_default_network=True)))
    assert {change.operation for change in changes if change.resource != "network-quota"} == {"create"}


def test_a_newer_credential_comes_beside_the_older_one_and_is_the_one_given_out() -> None:
    both = replace(unit(with_default_network=True), credentials=(0, 20_000))
    changes = diff(program(unit(with_default_network=True)), program(both))
    assert [(change.resource, change.operation) for change in changes] == [("credential-20000", "create")]
    assert program(both).outputs["application_credential_secret"] == Ref("credential-20000", "secret")
    assert program(both).outputs["older_credential_ids"] == (Ref("credential"),)
    names = [item.inputs["name"] for item in program(both).resources if item.name.startswith("credential")]
    assert len(set(names)) == 2

    alone = replace(both, credentials=(20_000,))
    assert [(change.resource, change.operation) for change in diff(program(both), program(alone))] == [("credential", "delete")]
