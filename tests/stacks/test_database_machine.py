"""PostgreSQL on a machine of ours: what the machine is told at its first start, and that the password is not in it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from base64 import b64decode
from typing import Any

import pytest
from stacks_kit import DATABASE, NETWORK, ON_A_MACHINE, wanted

from stacks.catalog import kind_named
from stacks.cloud_init import parse
from stacks.engine.registration import Collected, Inputs, _Registration
from stacks.kind import Layout
from stacks.order import leaves
from stacks.program import CloudConfig, Ref, ScramVerifier, Secret
from stacks.request import data_of, lay_out, problems_of
from stacks.scram import verifier

PASSWORD = "correct-horse-battery-staple"
SETTINGS = {"maxConnections": 200, "workMemMib": 8, "statementTimeoutSeconds": 30}


def laid_out(**changes: Any) -> Layout:
    database = {"database": {**DATABASE, "offering": "pg-machine", **changes}}
    asked = wanted({"lan": {"network": NETWORK}, "orders": database})
    assert problems_of(asked) == ()
    return lay_out(asked).services["orders"]


def user_data(**changes: Any) -> str:
    """As the guest gets it."""
    server = next(item for item in laid_out(**changes).program.resources if item.name == "orders-machine")

    async def resolved() -> str:
        secrets = {"database/orders/password": PASSWORD, "database/orders/password/salt": "0123456789abcdef"}
        registration = _Registration(Inputs(secrets.__getitem__), Collected())
        return str(await registration._resolved(server.inputs["user_data"], "unit").future())

    return asyncio.run(resolved())


def written(path: str, **changes: Any) -> str:
    return next(str(file["content"]) for file in parse(user_data(**changes))["write_files"] if file["path"] == path)


def test_the_data_is_on_a_volume_of_its_own_that_is_there_from_the_first_start() -> None:
    program = laid_out().program
    server = next(item for item in program.resources if item.name == "orders-machine")
    devices: Any = server.inputs["block_devices"]
    assert [(device["uuid"], device["boot_index"]) for device in devices] == [
        (Ref("orders-machine-boot"), 0),
        (Ref("orders-data"), -1),
    ]
    assert {part.resource for _, part in data_of(program)} == {"orders-machine-boot", "orders-data"}
    assert "data_directory = '/srv/data/%v/%c'" in written("/etc/postgresql-common/createcluster.conf")


def test_only_the_network_that_it_is_on_may_connect_and_only_to_the_database() -> None:
    rules = [item.inputs for item in laid_out().program.resources if item.type.endswith(":SecGroupRule")]
    assert [(rule["remote_ip_prefix"], rule["port_range_min"]) for rule in rules] == [("10.20.0.0/24", 5432)]
    assert written("/etc/postgresql/15/main/pg_hba.conf") == 'host "orders" "app" 10.20.0.0/24 scram-sha-256\n'


def test_the_chosen_settings_are_written_and_no_others() -> None:
    path = "/etc/postgresql/15/main/conf.d/govcloud.conf"
    assert written(path).splitlines() == ["listen_addresses = '*'", "password_encryption = 'scram-sha-256'"]
    assert written(path, settings=SETTINGS).splitlines()[2:] == [
        "max_connections = 200",
        "work_mem = 8MB",
        "statement_timeout = 30s",
    ]


def test_the_guest_is_told_a_verifier_and_never_the_password() -> None:
    text = user_data()
    assert PASSWORD not in text
    expected = verifier(PASSWORD, b"0123456789abcdef")
    assert f"LOGIN PASSWORD '{expected}';" in written("/root/first-statements.sql")
    assert user_data() == text, "every run of the program says the same"


def test_the_program_holds_no_more_than_the_passwords_name() -> None:
    (config,) = (item.inputs["user_data"] for item in laid_out().program.resources if "user_data" in item.inputs)
    assert isinstance(config, CloudConfig)
    assert list(leaves(config)) == [Secret("database/orders/password")]
    assert ScramVerifier(Secret("database/orders/password")) in _flat(config.document["write_files"])


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [found for item in value.values() for found in _flat(item)]
    if isinstance(value, tuple):
        return [found for item in value for found in _flat(item)]
    return _flat(value.parts) if hasattr(value, "parts") else [value]


def test_the_verifier_is_that_of_the_standards_example() -> None:
    """RFC 7677, section 3: the server of the example proves itself with this key."""
    kept = verifier("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert kept.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    stored, server = (b64decode(part) for part in kept.rpartition("$")[2].split(":"))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchange = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}".encode()
    assert hmac.digest(server, exchange, "sha256") == b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    proof = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(stored, exchange, "sha256")
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored


@pytest.mark.parametrize(("offering", "needed"), [("pg", "database"), ("pg-machine", "compute")])
def test_what_the_cloud_must_offer_depends_on_who_carries_the_database(offering: str, needed: str) -> None:
    kind = kind_named("database")
    parameters = kind.parameters.model_validate({**DATABASE, "offering": offering})
    found = kind.needed(parameters, {ON_A_MACHINE.name: ON_A_MACHINE})
    assert needed in found
    assert ("database" in found) == (offering == "pg")
