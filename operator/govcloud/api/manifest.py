"""What the API server would say of a manifest, without one: everything that does not fit the schema, else every broken CEL rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from govcloud.api.common import API_VERSION, GROUP, ObjectName
from govcloud.api.crd import definition
from govcloud.api.faults import faults_in, place
from govcloud.api.kinds import KINDS, Kind

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Misfit:
    """One thing that does not fit: which field, and what is wrong with it or would be right."""

    field: str
    message: str


def kind_of(manifest: Manifest) -> Kind | None:
    """The kind of ours that a manifest is of."""
    return next((k for k in KINDS if (manifest.get("apiVersion"), manifest.get("kind")) == (API_VERSION, k.kind)), None)


def misfits(manifest: Manifest) -> tuple[Misfit, ...]:
    """All that is wrong with a manifest of our group; nothing for one of another group.

    As the API server does, the rules are asked only of what fits the schema. Rules about a former self (`oldSelf`) are left to it.
    """
    if not str(manifest.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return ()
    kind = kind_of(manifest)
    if kind is None:
        return (_unknown_kind(manifest),)
    return tuple(_schema_misfits(kind, manifest)) or tuple(_broken_rules(_schema(kind), manifest, ""))


def _unknown_kind(manifest: Manifest) -> Misfit:
    known = ", ".join(sorted(kind.kind for kind in KINDS))
    said = f"{manifest.get('apiVersion')} {manifest.get('kind')}"
    return Misfit("kind", f"there is no {said}; {API_VERSION} has {known}")


def _schema_misfits(kind: Kind, manifest: Manifest) -> Iterator[Misfit]:
    known = {"apiVersion", "kind", "metadata", "spec", "status"}
    for field in sorted(manifest.keys() - known):
        yield Misfit(field, f"unknown field; a manifest has {', '.join(sorted(known))}")
    yield from _metadata_misfits(kind, manifest.get("metadata"))
    try:
        kind.spec.model_validate(manifest.get("spec"))
    except ValidationError as error:
        for fault in faults_in(error, kind.spec):
            yield Misfit(place(("spec", *fault.location)), f"{fault.en} / {fault.zh}")


def _metadata_misfits(kind: Kind, metadata: Any) -> Iterator[Misfit]:
    if not isinstance(metadata, Mapping):
        yield Misfit("metadata", "is missing; an object has a name")
        return
    try:
        _OBJECT_NAME.validate_python(metadata.get("name"))
    except ValidationError:
        yield Misfit("metadata.name", f"must be a name of lower-case letters, digits, '-' and '.', found {metadata.get('name')!r}")
    if kind.scope == "Namespaced" and not metadata.get("namespace"):
        yield Misfit("metadata.namespace", f"is missing; a {kind.kind} lies in a namespace of its unit")


def _broken_rules(schema: Manifest, value: Any, path: str) -> Iterator[Misfit]:
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and not _holds(rule["rule"], value):
            yield Misfit(path or "metadata.name", rule["message"])
    if isinstance(value, Mapping):
        fields = schema.get("properties", {})
        for name in (name for name in value if name in fields):
            yield from _broken_rules(fields[name], value[name], f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _broken_rules(schema["items"], item, f"{path}[{index}]")


def _holds(expression: str, value: Any) -> bool:
    import cel  # only needed here, and a fifth of a second to load

    return bool(cel.evaluate(expression, {"self": value}))


@cache
def _schema(kind: Kind) -> Manifest:
    schema: Manifest = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


_OBJECT_NAME: TypeAdapter[str] = TypeAdapter(ObjectName)
