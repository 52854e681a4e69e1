"""Between the engine's messages and plain Python values: secrets, unknowns, whole numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]

from stacks.provider.declarations.model import Declaration
from stacks.provider.properties import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - Pulumi's public marker of a secret, not a secret
UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def values_of(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A message as plain values; secrets are unwrapped (see `secret_names` and `secret_values`)."""
    return {name: _plain(value) for name, value in json_format.MessageToDict(struct).items()}


def secret_names(struct: struct_pb2.Struct) -> frozenset[str]:
    """Top-level properties in which a secret stands: what comes from them must go back as secrets."""
    document = json_format.MessageToDict(struct)
    return frozenset(name for name, value in document.items() if next(_secrets(value), None) is not None)


def secret_values(struct: struct_pb2.Struct) -> frozenset[str]:
    """The texts inside all secrets of a message: none of them may stand in a sentence for people."""
    return frozenset(text for secret in _secrets(json_format.MessageToDict(struct)) for text in _texts(_plain(secret)))


def struct_of(values: Mapping[str, Any], secrets: Iterable[str] = ()) -> struct_pb2.Struct:
    """Plain values as a message, with these top-level properties as secrets."""
    hidden = frozenset(secrets)
    document = {
        name: {SIGNATURE: SECRET, "value": _wired(value)} if name in hidden and value is not UNKNOWN else _wired(value)
        for name, value in values.items()
        if value is not None
    }
    struct = struct_pb2.Struct()
    struct.update(document)
    return struct


def declared_secrets(declaration: Declaration) -> frozenset[str]:
    """Properties of the kind that hold a secret, themselves or in one of their parts."""
    return frozenset(
        field.wire for field in declaration.fields if field.secret or any(nested.secret for nested in field.fields)
    )


def declared_secret_values(declaration: Declaration, values: Mapping[str, Any]) -> frozenset[str]:
    """The texts inside the declared secrets, whether or not the program marked them as secret."""
    found: set[str] = set()
    for field in declaration.fields:
        value = values.get(field.wire)
        if field.secret:
            found.update(_texts(value))
        for item in value if field.fields and isinstance(value, list) else ():
            found.update(str(item.get(nested.wire) or "") for nested in field.fields if nested.secret)
    return frozenset(text for text in found if text)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return UNKNOWN if value == UNKNOWN_ON_THE_WIRE else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value.get("value"))
        return {name: _plain(item) for name, item in value.items()}
    return value


def _wired(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_ON_THE_WIRE
    if isinstance(value, Mapping):
        return {name: _wired(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_wired(item) for item in value]
    return value


def _secrets(value: Any) -> Iterator[Any]:
    """What stands inside the secrets of a raw document."""
    if isinstance(value, list):
        for item in value:
            yield from _secrets(item)
    elif isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            yield value.get("value")
            return
        for item in value.values():
            yield from _secrets(item)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
