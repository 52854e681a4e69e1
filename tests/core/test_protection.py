"""What a level of classified protection asks of the services of a request, and what it says instead."""

from __future__ import annotations

from typing import Any

import pytest
from stacks_kit import MACHINES, NETWORK, OFFERINGS, SHARED, wanted

from policies.protection import PROJECT_DEFAULT
from stacks import protection
from stacks.kind import Offering, Problem
from stacks.program import Program
from stacks.request import lay_out

SECRET_DISK = Offering(name="safe-disk", kind="blockStorage", volume_type="luks", encrypted=True, unit_price="1")
NOTHING = Program()
CATALOG = {offering.name: offering for offering in (*OFFERINGS, SECRET_DISK)}


def laid_out(machines: dict[str, Any], **more: dict[str, Any]) -> Program:
    return lay_out(wanted({"web": {"virtualMachine": {**MACHINES, "count": 1, **machines}}, **more}, offerings=CATALOG)).program


def fields(problems: Any) -> list[str]:
    found: list[Problem] = list(problems)
    assert all(problem.en and problem.zh for problem in found)
    return [problem.field for problem in found]


def test_a_volume_of_a_type_that_does_not_encrypt_is_named_with_the_offerings_that_do() -> None:
    plain = laid_out({"extraVolumes": [{"name": "logs", "sizeGib": 1, "offering": "disk"}], "bootVolumeOffering": "safe-disk"})
    (problem,) = protection.unencrypted(plain, NOTHING, CATALOG)
    assert problem.field == "services[web]"
    assert "web-0-volume-logs" in problem.en
    assert "safe-disk" in problem.en


def test_encrypted_volumes_are_all_right() -> None:
    safe = laid_out({"bootVolumeOffering": "safe-disk"}, data={"blockStorage": {"sizeGib": 1, "offering": "safe-disk"}})
    assert fields(protection.unencrypted(safe, NOTHING, CATALOG)) == []


def test_a_databases_volume_counts_too() -> None:
    database = {"database": {"engine": "postgresql", "offering": "pg", "storageGib": 1, "databaseName": "orders"}}
    program = lay_out(wanted({"orders": database}, offerings=CATALOG)).program
    assert fields(protection.unencrypted(program, NOTHING, CATALOG)) == ["services[orders]"]
    encrypted = CATALOG["pg"].model_copy(update={"volume_type": "luks"})
    safe = lay_out(wanted({"orders": database}, offerings={**CATALOG, "pg": encrypted})).program
    assert fields(protection.unencrypted(safe, NOTHING, CATALOG)) == []


def test_what_cannot_be_backed_up_is_named_and_what_runs_already_is_not_judged_again() -> None:
    shared = lay_out(wanted({"lan": {"network": NETWORK}, "shared": {"fileStorage": SHARED}})).program
    assert fields(protection.not_backed_up(shared, NOTHING)) == ["services[shared]"]
    assert fields(protection.not_backed_up(shared, shared)) == []
    assert fields(protection.not_backed_up(laid_out({}), NOTHING)) == []


def test_the_units_default_network_is_shared_with_its_other_systems() -> None:
    assert fields(protection.on_a_shared_network(laid_out({}), NOTHING)) == ["services[web]"]
    assert fields(protection.on_a_shared_network(laid_out({}, lan={"network": NETWORK}), NOTHING)) == []


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ({"protocol": "tcp", "portMin": 443, "remotePrefix": "0.0.0.0/0"}, False),
        ({"protocol": "tcp", "portMin": 443, "portMax": 443, "remotePrefix": "::/0"}, False),
        ({"protocol": "tcp", "portMin": 22, "remotePrefix": "10.0.0.0/8"}, False),
        ({"protocol": "tcp", "portMin": 1, "portMax": 65535, "remotePrefix": "10.0.0.0/8"}, False),
        ({"protocol": "icmp", "remotePrefix": "10.0.0.0/8"}, False),
        ({"protocol": "tcp", "portMin": 22, "remotePrefix": "0.0.0.0/0"}, True),
        ({"protocol": "tcp", "portMin": 3389, "remotePrefix": "::/0"}, True),
        ({"protocol": "tcp", "portMin": 443, "portMax": 444, "remotePrefix": "0.0.0.0/0"}, True),
        ({"protocol": "udp", "portMin": 1, "portMax": 65535, "remotePrefix": "0.0.0.0/0"}, True),
        ({"protocol": "tcp", "portMin": 1, "portMax": 65535, "remotePrefix": "128.0.0.0/1"}, True),
        ({"protocol": "tcp", "portMin": 22, "remotePrefix": "8000::/1"}, True),
        ({"protocol": "icmp", "remotePrefix": "0.0.0.0/0"}, True),
    ],
)
def test_everybody_is_let_in_through_single_ports_only_and_never_where_machines_are_managed(
    rule: dict[str, Any], refused: bool
) -> None:
    demand = PROJECT_DEFAULT.open_ports
    found = protection.open_to_everybody(laid_out({"securityRules": [rule]}), NOTHING, demand.everybody, demand.never)
    assert fields(found) == (["services[web].securityRules"] if refused else [])


def test_what_was_approved_before_is_not_judged_again() -> None:
    rule = {"protocol": "icmp", "remotePrefix": "0.0.0.0/0"}
    program = laid_out({"securityRules": [rule]})
    assert fields(protection.unencrypted(program, program, CATALOG)) == []
    assert fields(protection.on_a_shared_network(program, program)) == []
    assert fields(protection.open_to_everybody(program, program, 8, ())) == []


def test_an_encrypted_volume_may_not_become_a_plain_one() -> None:
    def of(offering: str) -> Program:
        volume = {"blockStorage": {"sizeGib": 1, "offering": offering}}
        return laid_out({"bootVolumeOffering": "safe-disk"}, data=volume)

    assert fields(protection.unencrypted(of("disk"), of("safe-disk"), CATALOG)) == ["services[data]"]
    assert fields(protection.unencrypted(of("safe-disk"), of("disk"), CATALOG)) == []


def test_a_machine_may_not_move_to_the_shared_network() -> None:
    on_its_own = laid_out({}, lan={"network": NETWORK})
    assert fields(protection.on_a_shared_network(laid_out({}), on_its_own)) == ["services[web]"]


@pytest.mark.parametrize(("level", "days"), [(1, None), (2, (7, 35)), (3, (1, 35)), (4, (1, 35))])
def test_the_higher_the_level_the_more_often_data_is_to_be_backed_up(level: int, days: tuple[int, int] | None) -> None:
    asked = PROJECT_DEFAULT.backups_at(level)
    assert ((asked.every.value, asked.kept.value) if asked else None) == days
