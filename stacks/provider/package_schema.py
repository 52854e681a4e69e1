"""What the provider serves, as a Pulumi package schema: `pulumi package get-schema` shows it, and editors and linters read it.

https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Change, Declaration, Field

PACKAGE = "openstack"
_TEXT: Mapping[str, Any] = {"type": "string"}
_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "text": _TEXT,
    "whole": {"type": "integer"},
    "flag": {"type": "boolean"},
    "texts": {"type": "array", "items": _TEXT},
    "mapping": {"type": "object", "additionalProperties": _TEXT},
}


def package_schema(version: str) -> dict[str, Any]:
    """The schema of the package: every declared type, and nothing that the provider would refuse."""
    types = {token: shape for each in DECLARATIONS.values() for token, shape in _objects(each).items()}
    return {
        "name": PACKAGE,
        "version": version,
        "description": "The part of pulumi_openstack's resources that govcloud's own provider serves. It is not the official provider.",
        "provider": {
            "inputProperties": {"cloud": {**_TEXT, "description": "name of a login that the provider knows"}},
            "requiredInputs": ["cloud"],
        },
        "types": types,
        "resources": {token: _resource(declared) for token, declared in DECLARATIONS.items()},
    }


def _resource(declared: Declaration) -> dict[str, Any]:
    fields = declared.fields
    return {
        "inputProperties": {field.wire: _input(declared, field) for field in declared.inputs},
        "requiredInputs": [field.wire for field in declared.inputs if field.required],
        "properties": {field.wire: _property(declared, field) for field in fields},
    }


def _input(declared: Declaration, field: Field) -> dict[str, Any]:
    replaces = {"willReplaceOnChanges": True} if field.change is Change.REPLACE else {}
    default = {} if field.default is None else {"default": field.default}
    return {**_property(declared, field), **replaces, **default}


def _property(declared: Declaration, field: Field) -> dict[str, Any]:
    secret = {"secret": True} if field.secret else {}
    return {**_shape(declared, field), **secret}


def _shape(declared: Declaration, field: Field) -> Mapping[str, Any]:
    if not field.fields:
        return _SHAPES.get(field.kind, {"type": "object", "additionalProperties": _TEXT})
    reference = {"$ref": f"#/types/{_token(declared, field)}"}
    return {"type": "array", "items": reference} if field.kind == "objects" else reference


def _objects(declared: Declaration) -> dict[str, Any]:
    """The nested objects of a resource, by their own tokens."""
    return {_token(declared, field): _object(declared, field) for field in declared.fields if field.fields}


def _object(declared: Declaration, field: Field) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {inner.wire: dict(_shape(declared, inner)) for inner in field.fields},
        "required": [inner.wire for inner in field.fields if inner.required],
    }


def _token(declared: Declaration, field: Field) -> str:
    """As `pulumi_openstack` names them: `openstack:compute/InstanceNetwork:InstanceNetwork`."""
    module, _, resource = declared.type.removeprefix(f"{PACKAGE}:").rpartition(":")
    name = f"{resource}{field.wire[0].upper()}{field.wire[1:]}"
    return f"{PACKAGE}:{module.partition('/')[0]}/{name}:{name}"
