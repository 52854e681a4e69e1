"""Programs as JSON and back, without loss: what a plan pins is exactly what is carried out later, by whatever version. Pure.

A value that is known only when the program runs is an object with one key that starts with `$`, for instance
`{"$ref": ["web-0-port", "id"]}`; keys of a program's own mappings that start with `$` get a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from stacks.program import CloudConfig, External, Joined, Lookup, Program, Ref, Resource, ScramVerifier, Secret, Value


class ProgramDamaged(ValueError):
    """The JSON is not that of a program; the message says where and why."""


_LOGINS = frozenset(get_args(get_type_hints(Resource)["login"]))


def to_json(program: Program) -> dict[str, Any]:
    """The program as JSON values. What is at its default is written too, so that a later default cannot change what was approved."""
    return {
        "resources": [_resource_to_json(resource) for resource in program.resources],
        "outputs": {key: value_to_json(value) for key, value in program.outputs.items()},
    }


def from_json(document: Mapping[str, Any]) -> Program:
    """The program that `to_json` wrote.

    Raises:
        ProgramDamaged: something is missing, unknown or of the wrong kind.
    """
    _only(document, {"resources", "outputs"}, "program")
    resources = _list(document["resources"], "resources")
    outputs = _mapping(document["outputs"], "outputs")
    return Program(
        tuple(_resource_from_json(item, f"resources[{index}]") for index, item in enumerate(resources)),
        {key: value_from_json(value, f"outputs.{key}") for key, value in outputs.items()},
    )


def value_to_json(value: Value) -> Any:
    """One value as JSON."""
    match value:
        case None | bool() | int() | str():
            return value
        case Ref(resource, output):
            return {"$ref": [resource, output]}
        case Lookup(kind, name, sha512):
            return {"$lookup": [kind, name, *([sha512] if sha512 else [])]}
        case Secret(name):
            return {"$secret": name}
        case External(name):
            return {"$external": name}
        case Joined(parts):
            return {"$joined": value_to_json(parts)}
        case ScramVerifier(Secret(name)):
            return {"$scramVerifier": name}
        case CloudConfig(document):
            return {"$cloudConfig": value_to_json(document)}
        case tuple():
            return [value_to_json(item) for item in value]
        case Mapping():
            return {_escaped(key): value_to_json(item) for key, item in value.items()}


def value_from_json(document: Any, where: str = "value") -> Value:
    """The value that `value_to_json` wrote.

    Raises:
        ProgramDamaged: it is none.
    """
    if document is None or isinstance(document, bool | int | str):
        return document
    if isinstance(document, list):
        return tuple(value_from_json(item, f"{where}[{index}]") for index, item in enumerate(document))
    if not isinstance(document, dict):
        raise ProgramDamaged(f"{where}: {type(document).__name__} is not a value of a program")
    if len(document) == 1 and (key := next(iter(document))).startswith("$") and not key.startswith("$$"):
        return _marked_from_json(key, document[key], where)
    return {_unescaped(key, where): value_from_json(item, f"{where}.{key}") for key, item in document.items()}


def _marked_from_json(key: str, content: Any, where: str) -> Value:
    match key, content:
        case "$ref", [str(resource), str(output)]:
            return Ref(resource, output)
        case "$lookup", [("image" | "network" | "flavor" | "role") as kind, str(name)]:
            return Lookup(kind, name)
        case "$lookup", ["image", str(name), str(sha512)]:
            return Lookup("image", name, sha512)
        case "$secret", str(name):
            return Secret(name)
        case "$external", str(name):
            return External(name)
        case "$joined", list(parts):
            return Joined(tuple(value_from_json(part, f"{where}[{index}]") for index, part in enumerate(parts)))
        case "$scramVerifier", str(name):
            return ScramVerifier(Secret(name))
        case "$cloudConfig", dict(document):
            return CloudConfig(
                {_unescaped(key, where): value_from_json(item, f"{where}.{key}") for key, item in document.items()}
            )
    raise ProgramDamaged(
        f"{where}: {key} with {content!r} means nothing; known are $ref, $lookup, $secret, $external, $joined, "
        "$scramVerifier, $cloudConfig"
    )


def _resource_to_json(resource: Resource) -> dict[str, Any]:
    return {
        "type": resource.type,
        "name": resource.name,
        "inputs": {key: value_to_json(value) for key, value in resource.inputs.items()},
        "after": list(resource.after),
        "ignoreChanges": list(resource.ignore_changes),
        "holdsData": resource.holds_data,
        "service": resource.service,
        "login": resource.login,
        # Plans of before there were triggers have none, and stay what they were.
        **({"trigger": resource.trigger} if resource.trigger else {}),
    }


_RESOURCE_KEYS = {"type", "name", "inputs", "after", "ignoreChanges", "holdsData", "service", "login", "trigger"}


def _resource_from_json(document: Any, where: str) -> Resource:
    content = {"trigger": "", **_mapping(document, where)}
    _only(content, _RESOURCE_KEYS, where)
    if content["login"] not in _LOGINS:
        raise ProgramDamaged(f"{where}.login: {content['login']!r} is none of {', '.join(sorted(_LOGINS))}")
    if not isinstance(content["holdsData"], bool):
        raise ProgramDamaged(f"{where}.holdsData: {content['holdsData']!r} is neither true nor false")
    inputs = _mapping(content["inputs"], f"{where}.inputs")
    return Resource(
        type=_text(content["type"], f"{where}.type"),
        name=_text(content["name"], f"{where}.name"),
        inputs={key: value_from_json(value, f"{where}.inputs.{key}") for key, value in inputs.items()},
        after=_texts(content["after"], f"{where}.after"),
        ignore_changes=_texts(content["ignoreChanges"], f"{where}.ignoreChanges"),
        holds_data=content["holdsData"],
        service=_text(content["service"], f"{where}.service"),
        login=content["login"],
        trigger=_text(content["trigger"], f"{where}.trigger"),
    )


def _escaped(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def _unescaped(key: str, where: str) -> str:
    if key.startswith("$") and not key.startswith("$$"):
        raise ProgramDamaged(f"{where}: {key} stands beside other keys")
    return key.removeprefix("$")


def _only(document: Mapping[str, Any], keys: set[str], where: str) -> Mapping[str, Any]:
    if document.keys() != keys:
        raise ProgramDamaged(f"{where}: has {sorted(document)}, should have {sorted(keys)}")
    return document


def _mapping(document: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise ProgramDamaged(f"{where}: should be an object")
    return document


def _list(document: Any, where: str) -> list[Any]:
    if not isinstance(document, list):
        raise ProgramDamaged(f"{where}: should be a list")
    return document


def _text(document: Any, where: str) -> str:
    if not isinstance(document, str):
        raise ProgramDamaged(f"{where}: should be a string")
    return document


def _texts(document: Any, where: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{where}[{index}]") for index, item in enumerate(_list(document, where)))
