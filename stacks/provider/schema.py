"""What the planner may ask of the provider's declarations, without importing a client library or the engine.

Input names here are those of `pulumi_openstack`'s Python classes (`flavor_name`), as programs write them.
"""

from __future__ import annotations

from collections.abc import Mapping

from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Change, Declaration, Field, snake_case


class UnknownType(LookupError):
    """The provider does not serve this resource type."""


class UnknownInput(LookupError):
    """The provider serves the type but not this input."""


def supported_types() -> frozenset[str]:
    """Type tokens that the provider serves, for instance `openstack:compute/instance:Instance`."""
    return frozenset(DECLARATIONS)


def known_inputs(type_token: str) -> frozenset[str]:
    """Inputs of the type that the provider implements.

    Raises:
        UnknownType: the type is not served.
    """
    return frozenset(snake_case(field.wire) for field in _declaration(type_token).inputs)


def inputs_of_our_own(type_token: str) -> Mapping[str, str]:
    """Inputs of the type that `pulumi_openstack`'s class does not have, with their wire names.

    Raises:
        UnknownType: the type is not served.
    """
    return {snake_case(field.wire): field.wire for field in _declaration(type_token).inputs if field.ours}


def required_inputs(type_token: str) -> frozenset[str]:
    """Inputs without which the type is refused.

    Raises:
        UnknownType: the type is not served.
    """
    return frozenset(snake_case(field.wire) for field in _declaration(type_token).inputs if field.required)


def replaces(type_token: str, python_input_name: str) -> bool:
    """Whether a changed value of the input deletes the resource and makes it anew, instead of changing it in place.

    Raises:
        UnknownType: the type is not served.
        UnknownInput: the input is not implemented.
    """
    return _field(type_token, python_input_name).change is Change.REPLACE


def only_grows(type_token: str, python_input_name: str) -> bool:
    """Whether a smaller value of the input is refused (the size of a volume).

    Raises:
        UnknownType: the type is not served.
        UnknownInput: the input is not implemented.
    """
    return _field(type_token, python_input_name).grows_only


def _declaration(type_token: str) -> Declaration:
    try:
        return DECLARATIONS[type_token]
    except KeyError:
        raise UnknownType(f"{type_token} is not served; served are: {', '.join(sorted(DECLARATIONS))}") from None


def _field(type_token: str, python_input_name: str) -> Field:
    declaration = _declaration(type_token)
    for field in declaration.inputs:
        if snake_case(field.wire) == python_input_name:
            return field
    known = ", ".join(sorted(known_inputs(type_token)))
    raise UnknownInput(f"{type_token} has no input {python_input_name}; it has: {known}")
