"""The committed CRDs are what the models say, and what `kubectl get` shows is really there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from govcloud.api.crd import definition, main, outdated, write
from govcloud.api.kinds import KINDS, Column, Kind

ROOT = Path(__file__).resolve().parents[2]
CRDS = ROOT / "crds"

Schema = dict[str, Any]


@cache
def schema_of(kind: Kind) -> Schema:
    schema: Schema = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


def test_the_committed_files_are_what_the_models_say() -> None:
    assert outdated(CRDS) == [], "run: make crds"


def test_a_changed_a_missing_and_a_surplus_file_are_all_found(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "usingunits.yaml").write_text("kind: Nothing\n")
    (tmp_path / "jurisdictions.yaml").unlink()
    (tmp_path / "inventions.yaml").write_text("kind: Nothing\n")
    assert outdated(tmp_path) == ["inventions.yaml", "jurisdictions.yaml", "usingunits.yaml"]
    assert main([str(tmp_path), "--check"]) == 1
    write(tmp_path)
    assert main([str(tmp_path), "--check"]) == 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_a_file_is_one_definition_with_the_names_people_type(kind: Kind) -> None:
    manifest = yaml.safe_load((CRDS / f"{kind.plural}.yaml").read_text(encoding="utf-8"))
    assert manifest["metadata"]["name"] == f"{kind.plural}.govcloud.dev"
    assert manifest["spec"]["names"]["shortNames"] == [kind.short]
    assert manifest["spec"]["names"]["categories"] == ["govcloud"]
    assert manifest["spec"]["scope"] == kind.scope


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_no_pattern_repeats_more_often_than_the_api_server_can_count(kind: Kind) -> None:
    """Go's regular expressions know no repetition above 1000; the API server refuses the whole definition."""
    patterns = [node["pattern"] for _, node in nodes(schema_of(kind)) if "pattern" in node]
    assert (
        max(
            (int(most) for pattern in patterns for most in re.findall(r"(?<!\\x)\{(?:\d+,)?(\d+)\}", pattern)),
            default=0,
        )
        <= 1000
    )


COLUMNS = [
    pytest.param(kind, column, id=f"{kind.short}-{column.name}")
    for kind in KINDS
    for column in kind.columns
    if not column.path.startswith(".metadata.")
]


@pytest.mark.parametrize(("kind", "column"), COLUMNS)
def test_a_printer_column_shows_a_field_that_exists(kind: Kind, column: Column) -> None:
    schema = schema_of(kind)
    for step in re.findall(r"\.(\w+)(\[[^]]*\])?", re.sub(r"\(@[^)]*\)", "()", column.path)):
        name, selection = step
        assert name in schema["properties"], f"{column.path}: there is no {name}"
        schema = schema["properties"][name]
        if selection:
            schema = schema["items"]
    assert schema["type"] == column.type, f"{column.path} is a {schema['type']}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_everything_is_bounded_so_that_rules_have_a_cost(kind: Kind) -> None:
    for path, node in nodes({"type": "object", "properties": {"spec": schema_of(kind)["properties"]["spec"]}}):
        match node["type"]:
            case "string":
                assert {"maxLength", "enum", "format"} & node.keys(), path
            case "array":
                assert "maxItems" in node, path
            case "integer":
                assert {"minimum", "maximum"} <= node.keys() or path.endswith(".plan"), path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_no_null_no_reference_no_alternative_is_left(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        assert not {"$ref", "anyOf", "allOf", "oneOf", "nullable", "const"} & node.keys(), path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_every_rule_says_what_would_be_right(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        for rule in node.get("x-kubernetes-validations", ()):
            assert len(rule["message"]) > 20, path


def test_only_a_requests_stage_and_a_backups_kind_get_a_default_from_the_api_server() -> None:
    """A default that the API server writes would change requests that were approved without it."""
    found = {(kind.short, path) for kind in KINDS for path, node in nodes(schema_of(kind)) if "default" in node}
    assert found == {("csreq", ".spec.stage"), ("csbak", ".spec.kind")}


@pytest.mark.parametrize(
    ("plural", "field", "key"),
    [
        ("cloudservicerequests", "services", "name"),
        ("cloudservicecatalogs", "offerings", "name"),
        ("cloudservicecatalogs", "images", "name"),
        ("jurisdictions", "offices", "step"),
        ("servicebackups", "parts", "name"),
    ],
)
def test_lists_of_named_things_are_maps(plural: str, field: str, key: str) -> None:
    kind = next(kind for kind in KINDS if kind.plural == plural)
    node = schema_of(kind)["properties"]["spec"]["properties"][field]
    assert (node["x-kubernetes-list-type"], node["x-kubernetes-list-map-keys"]) == ("map", [key])
