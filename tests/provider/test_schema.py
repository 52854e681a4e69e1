"""The declarations agree with `pulumi_openstack`, and asking them costs no heavy import."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

from stacks.provider import schema
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Change, Declaration, MarkIn, snake_case

ALL = sorted(DECLARATIONS)


def _class_of(token: str) -> type[Any]:
    """The class of `pulumi_openstack` that registers resources of this type."""
    package, _, class_name = token.removeprefix("openstack:").rpartition(":")
    module_name = package.partition("/")[0]
    package_module = importlib.import_module(f"pulumi_openstack.{module_name}")
    for info in pkgutil.iter_modules(package_module.__path__):
        module = importlib.import_module(f"pulumi_openstack.{module_name}.{info.name}")
        found = getattr(module, class_name, None)
        if (
            inspect.isclass(found)
            and found.__module__ == module.__name__
            and getattr(found, "pulumi_type", "") == token
        ):
            return found
    raise LookupError(token)


def _arguments(token: str) -> set[str]:
    return set(inspect.signature(_class_of(token)._internal_init).parameters)


@pytest.mark.parametrize("token", ALL)
def test_every_declared_input_is_an_argument_of_the_library_class_or_of_our_own(token: str) -> None:
    ours = schema.inputs_of_our_own(token).keys()
    assert schema.known_inputs(token) - ours <= _arguments(token)
    assert not ours & _arguments(token), "the library has it by now"


@pytest.mark.parametrize("token", ALL)
def test_every_declared_output_is_a_property_of_the_library_class(token: str) -> None:
    of_class = {name for name, value in inspect.getmembers(_class_of(token)) if isinstance(value, property)}
    assert {snake_case(field.wire) for field in DECLARATIONS[token].fields if not field.ours} <= of_class


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=ALL and list(DECLARATIONS))
def test_a_field_changed_by_a_handler_names_it_and_no_other_does(declaration: Declaration) -> None:
    for field in declaration.fields:
        assert (field.change is Change.HANDLED) == bool(field.by), field.wire


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_wire_names_are_unique_within_a_kind(declaration: Declaration) -> None:
    names = [field.wire for field in declaration.fields]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_a_kind_marked_in_its_name_or_description_has_that_field(declaration: Declaration) -> None:
    needed = {MarkIn.NAME: "name", MarkIn.DESCRIPTION: "description", MarkIn.METADATA: "metadata", MarkIn.TAGS: "tags"}
    if declaration.mark in needed:
        assert needed[declaration.mark] in {field.wire for field in declaration.inputs}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_an_unmarked_kind_says_how_it_is_found(declaration: Declaration) -> None:
    if declaration.mark is MarkIn.NOTHING:
        assert declaration.special.find


def test_what_the_planner_needs_is_answered_by_python_names() -> None:
    server = "openstack:compute/instance:Instance"
    assert schema.replaces(server, "key_pair")
    assert not schema.replaces(server, "flavor_name")
    assert not schema.replaces("openstack:blockstorage/volume:Volume", "size")
    assert schema.only_grows("openstack:blockstorage/volume:Volume", "size")
    assert "user_data" in schema.known_inputs(server)


def test_an_unknown_type_is_named_with_what_is_served() -> None:
    with pytest.raises(schema.UnknownType, match=r"dns/zone:Zone is not served; served are: openstack:blockstorage"):
        schema.known_inputs("openstack:dns/zone:Zone")


def test_an_unknown_input_is_named_with_what_would_be_right() -> None:
    with pytest.raises(schema.UnknownInput, match=r"has no input personalities; it has: .*user_data"):
        schema.replaces("openstack:compute/instance:Instance", "personalities")


def test_asking_the_schema_imports_no_client_and_no_engine() -> None:
    program = (
        "import sys; from stacks.provider import schema; schema.supported_types();"
        "print([m for m in ('openstack', 'keystoneauth1', 'requests', 'pulumi', 'grpc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
