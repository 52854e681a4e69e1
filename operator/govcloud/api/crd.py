"""Writes the CRDs of `crds/` from the models: `python -m govcloud.api.crd crds` (and `--check` to compare only).

The API server takes *structural* schemas: no references, no alternatives, no null, and, because CEL rules are costed by the largest object
that fits, a bound on every string, list and map. `structural` rewrites what pydantic says into that form, and refuses whatever it does not
know rather than letting a constraint fall away. Nothing here decides what a field means; that stands in the models.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from govcloud.api.common import GROUP, VERSION
from govcloud.api.kinds import KINDS, Column, Kind
from govcloud.api.marks import DEFAULT_IN_CLUSTER

Schema = dict[str, Any]

KEPT = (
    "description", "type", "format", "enum", "default", "required", "minimum", "maximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "minProperties", "maxProperties", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-validations", "properties", "items", "additionalProperties",
)  # fmt: skip
"""What means the same here and there, in the order in which it is written down."""
DROPPED = frozenset({"title", "propertyNames", "const", DEFAULT_IN_CLUSTER})
"""What the API server has no use for, or what is said in another way."""
DEEPEST = 32
"""Fields within fields; only a type that contains itself gets there."""
HEADER = (
    "# Generated from operator/govcloud/api by `python -m govcloud.api.crd crds`. Edit the models, not this file.\n"
)


class NotStructural(Exception):
    """A model says something that a CRD cannot: the message names the place and what to do."""


def structural(model: type[BaseModel]) -> Schema:
    """The model's schema as the API server takes it.

    Raises:
        NotStructural: the model has a recursive type, a union, or something without a bound.
    """
    raw = model.model_json_schema(by_alias=True)
    return _rewritten(raw, raw.get("$defs", {}), model.__name__)


def _rewritten(raw: Mapping[str, Any], definitions: Mapping[str, Schema], path: str) -> Schema:
    flat = _flattened(raw, definitions, path)
    if unknown := flat.keys() - {*KEPT, *DROPPED}:
        raise NotStructural(f"{path}: a CRD cannot say {', '.join(sorted(unknown))}; say it otherwise in the model")
    said = {key: _spoken(key, value) for key, value in flat.items() if _counts(key, value, flat)}
    said |= _children(flat, definitions, path)
    _demand_bounds(said, path)
    return {key: said[key] for key in KEPT if key in said}


def _counts(key: str, value: Any, flat: Schema) -> bool:
    """Defaults are the model's own unless it says otherwise; unknown fields are refused by kubectl and pruned by the API server anyway."""
    if key == "default":
        return DEFAULT_IN_CLUSTER in flat
    return not (key == "additionalProperties" and value is False)


def _flattened(raw: Mapping[str, Any], definitions: Mapping[str, Schema], path: str) -> Schema:
    """Without `$ref` and `X | None`: what stands beside them (a field's own description) wins over what they point to."""
    flat = {key: value for key, value in raw.items() if key != "$defs"}
    while "$ref" in flat or "anyOf" in flat:
        reference, choices = flat.pop("$ref", None), flat.pop("anyOf", None)
        target = definitions[reference.removeprefix("#/$defs/")] if reference else _only_choice(choices, path)
        flat = {**target, **flat}
    if path.count(".") > DEEPEST:
        raise NotStructural(f"{path}: the type contains itself, which a CRD cannot say")
    if "const" in flat:
        flat["enum"] = [flat["const"]]
    return flat


def _only_choice(choices: list[Schema], path: str) -> Schema:
    real = [choice for choice in choices if choice.get("type") != "null"]
    if len(real) != 1:
        raise NotStructural(
            f"{path}: a field has one type; make it an object with one field for each of the {len(real)}"
        )
    return real[0]


def _children(flat: Schema, definitions: Mapping[str, Schema], path: str) -> Schema:
    if flat.get("type") == "array":
        return {"items": _rewritten(flat["items"], definitions, f"{path}[]")}
    if "properties" in flat:
        children = flat["properties"].items()
        return {"properties": {name: _rewritten(child, definitions, f"{path}.{name}") for name, child in children}}
    if isinstance(values := flat.get("additionalProperties"), dict):
        return {"additionalProperties": _rewritten(values, definitions, f"{path}.*")}
    return {}


def _demand_bounds(schema: Schema, path: str) -> None:
    bound = {"string": "maxLength", "array": "maxItems"}.get(schema.get("type", ""))
    if "type" not in schema:
        raise NotStructural(f"{path}: has no type")
    if "additionalProperties" in schema:
        bound = "maxProperties"
    if bound and bound not in schema and "enum" not in schema and "format" not in schema:
        raise NotStructural(f"{path}: {schema['type']} without {bound}; give it a bound in the model")


def _spoken(key: str, value: Any) -> Any:
    """The value in the API server's own dialect."""
    if key == "pattern":
        # Its regular expressions (RE2) write a code point as \x{202a}.
        return re.sub(r"\\u([0-9a-fA-F]{4})", r"\\x{\1}", value)
    if key == "description":
        return " ".join(value.split())
    return value


def definition(kind: Kind) -> Schema:
    """The whole CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": _names(kind),
            "scope": kind.scope,
            "versions": [_version(kind)],
        },
    }


def _names(kind: Kind) -> Schema:
    return {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": [kind.short],
        "categories": ["govcloud"],
    }


def _version(kind: Kind) -> Schema:
    selectable = {"selectableFields": [{"jsonPath": path} for path in kind.selectable]} if kind.selectable else {}
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        **selectable,
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": _whole_object(kind)},
    }


def _column(column: Column) -> Schema:
    priority = {"priority": 1} if column.wide else {}
    return {"name": column.name, "type": column.type, "jsonPath": column.path, **priority}


def _whole_object(kind: Kind) -> Schema:
    rules = {"x-kubernetes-validations": list(kind.rules)} if kind.rules else {}
    return {
        "description": _spoken("description", sys.modules[kind.spec.__module__].__doc__ or ""),
        "type": "object",
        "required": ["spec"],
        **rules,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(kind.spec),
            "status": structural(kind.status),
        },
    }


class _Readable(yaml.SafeDumper):
    """Lists indented under their key, and no anchors: as people write manifests."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def manifest(kind: Kind) -> str:
    """The CRD as YAML, exactly as it is committed."""
    return HEADER + yaml.dump(definition(kind), Dumper=_Readable, sort_keys=False, allow_unicode=True, width=140)


def outdated(folder: Path) -> list[str]:
    """Names of files that are not what the models say: missing, different, or of no kind."""
    wanted = {f"{kind.plural}.yaml": manifest(kind) for kind in KINDS}
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> None:
    """Write every CRD into the folder, and remove those of kinds that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (folder / f"{kind.plural}.yaml").write_text(manifest(kind), encoding="utf-8")
    for name in outdated(folder):
        (folder / name).unlink()


def main(arguments: list[str] | None = None) -> int:
    """Write, or with `--check` compare; the exit code is 1 when something differs."""
    parser = argparse.ArgumentParser(
        prog="python -m govcloud.api.crd", description="write the CRDs from the API models"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="compare only; exit 1 when a file is not what the models say"
    )
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.folder)
        return 0
    for name in (different := outdated(options.folder)):
        print(
            f"{options.folder / name} is not what the models say; run: python -m govcloud.api.crd {options.folder}",
            file=sys.stderr,
        )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
