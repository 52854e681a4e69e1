"""Secrets, unknowns and whole numbers on their way to the engine and back."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from stacks.provider import wire
from stacks.provider.declarations.compute import KEYPAIR
from stacks.provider.declarations.database import INSTANCE as DATABASE
from stacks.provider.declarations.identity import APPLICATION_CREDENTIAL
from stacks.provider.properties import UNKNOWN

SECRET = {wire.SIGNATURE: wire.SECRET, "value": "hunter2"}


def message(document: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(document)
    return struct


def test_the_markers_are_the_engines() -> None:
    from pulumi.runtime import rpc

    assert rpc._special_sig_key == wire.SIGNATURE
    assert rpc._special_secret_sig == wire.SECRET
    assert wire.UNKNOWN_ON_THE_WIRE == rpc.UNKNOWN


def test_secrets_are_unwrapped_and_remembered_wherever_they_stand() -> None:
    struct = message({"password": SECRET, "users": [{"name": "a", "password": SECRET}], "size": 5, "plain": "x"})
    values = wire.values_of(struct)
    assert values == {"password": "hunter2", "users": [{"name": "a", "password": "hunter2"}], "size": 5, "plain": "x"}
    assert isinstance(values["size"], int)
    assert wire.secret_names(struct) == {"password", "users"}
    assert wire.secret_values(struct) == {"hunter2"}


def test_what_is_secret_goes_back_as_a_secret() -> None:
    struct = wire.struct_of({"password": "hunter2", "name": "x", "gone": None}, {"password", "absent"})
    assert json_format.MessageToDict(struct) == {"password": SECRET, "name": "x"}


def test_what_is_unknown_stays_unknown() -> None:
    struct = wire.struct_of({"id": UNKNOWN, "list": [UNKNOWN], "secret": UNKNOWN}, {"secret"})
    assert wire.values_of(struct) == {"id": UNKNOWN, "list": [UNKNOWN], "secret": UNKNOWN}


def test_declared_secrets_include_parts_of_objects() -> None:
    assert wire.declared_secrets(KEYPAIR) == {"privateKey"}
    assert wire.declared_secrets(APPLICATION_CREDENTIAL) == {"secret"}
    assert wire.declared_secrets(DATABASE) == {"users"}
    values = {"users": [{"name": "app", "password": "hunter2"}]}
    assert wire.declared_secret_values(DATABASE, values) == {"hunter2"}


_plain = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), _plain, max_size=4), st.sets(st.text(max_size=5), max_size=2))
def test_values_survive_the_way_there_and_back(values: dict[str, Any], secrets: set[str]) -> None:
    assert wire.values_of(wire.struct_of(values, secrets)) == values
