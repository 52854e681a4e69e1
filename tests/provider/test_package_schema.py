"""The package schema says what is served, no more and no less; the engine's own command line takes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider.engine_kit import ROOT, pulumi_binary

from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Change
from stacks.provider.package_schema import package_schema
from stacks.provider.servicer import VERSION

SCHEMA = package_schema(VERSION)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else ())
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from references(inner)


@pytest.mark.parametrize("token", sorted(DECLARATIONS))
def test_every_type_is_told_with_its_inputs(token: str) -> None:
    told, declared = SCHEMA["resources"][token], DECLARATIONS[token]
    assert set(told["inputProperties"]) == {field.wire for field in declared.inputs}
    assert set(told["properties"]) == {field.wire for field in declared.fields}
    for field in declared.inputs:
        said = told["inputProperties"][field.wire]
        assert said.get("secret", False) == field.secret
        assert said.get("willReplaceOnChanges", False) == (field.change is Change.REPLACE)
        assert (field.wire in told["requiredInputs"]) == field.required


def test_every_nested_object_is_described() -> None:
    found = set(references(SCHEMA))
    assert found == {f"#/types/{token}" for token in SCHEMA["types"]}


@pytest.mark.cluster
@pytest.mark.soak
def test_the_engines_command_line_shows_it(tmp_path: Path) -> None:
    plugin = tmp_path / "pulumi-resource-openstack"
    plugin.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m stacks.provider.plugin "$@"\n')
    plugin.chmod(0o755)
    settings = {"PULUMI_HOME": str(tmp_path / "home"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(
        [str(pulumi_binary()), "package", "get-schema", str(plugin)],
        capture_output=True, text=True, check=True, env={**os.environ, **settings},
    )  # fmt: skip
    shown = json.loads(done.stdout)
    assert (shown["name"], shown["version"]) == ("openstack", VERSION)
    assert shown["resources"].keys() == DECLARATIONS.keys()
    assert shown["types"].keys() == SCHEMA["types"].keys()
