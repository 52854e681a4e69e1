"""The table of demands in policies/README.md does not lie: what it names exists, nothing is missing, and what is not there is said to be missing."""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from policies import applications, duties, money, protection, rules, sources, steps
from policies.sources import PackModel

ROOT = Path(__file__).resolve().parents[2]
DEMANDS = {
    *(f"L{number}" for number in range(1, 17)),
    *(f"A{number}" for number in range(1, 10)),
    *(f"S{number}" for number in range(1, 8)),
    *(f"M{number}" for number in range(1, 8)),
}
MODELS = {
    name: model
    for module in (applications, duties, money, protection, rules, sources, steps)
    for name, model in vars(module).items()
    if isinstance(model, type) and issubclass(model, PackModel)
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    id: str
    demand: str
    fields: tuple[str, ...]
    code: tuple[str, ...]
    tests: tuple[str, ...]
    rest: str
    """What the last column says besides tests."""


def rows() -> list[Row]:
    text = (ROOT / "policies" / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| ([LASM]\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*) \|$", text, flags=re.MULTILINE)
    return [Row(id, demand, _named(fields), _named(code), _named(tests), re.sub(r"`tests/[^`]*`", "", tests)) for id, demand, fields, code, tests in lines]


def _named(cell: str) -> tuple[str, ...]:
    return tuple(name for name in re.findall(r"`([^`]+)`", cell) if "." in name and not name.startswith("UsingUnit"))


EACH = [pytest.param(row, id=row.id) for row in rows()]


def test_every_demand_has_one_row() -> None:
    assert sorted(row.id for row in rows()) == sorted(DEMANDS)


@pytest.mark.parametrize("row", EACH)
def test_the_fields_are_fields_of_the_models(row: Row) -> None:
    for name in row.fields:
        model, field = name.split(".")
        assert field in MODELS[model].model_fields, name


@pytest.mark.parametrize("row", EACH)
def test_the_functions_are_there(row: Row) -> None:
    for name in row.code:
        module, function = name.split(":")
        assert callable(getattr(importlib.import_module(module), function)), name


@pytest.mark.parametrize("row", EACH)
def test_the_tests_are_there(row: Row) -> None:
    for name in row.tests:
        file, test = name.split("::")
        assert test in _functions_of(file), name


@pytest.mark.parametrize("row", EACH)
def test_what_is_done_is_tested_and_what_is_not_says_so(row: Row) -> None:
    admitted = "not built" in row.rest or "not for software" in row.rest
    assert row.demand
    assert bool(row.code) == bool(row.tests), "what is done has a test, and a test tests something"
    assert row.code or admitted, "a row without a check says why"


@cache
def _functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_field_of_an_edition_is_named_somewhere() -> None:
    """A field that serves no demand is a field too many."""
    named = {name for row in rows() for name in row.fields}
    models = {name.split(".")[0] for name in named}
    serves = {
        field: f"Edition.{field}" in named or any(model in str(info.annotation) for model in models - {"Edition"})
        for field, info in rules.Edition.model_fields.items()
    }
    assert {field for field, served in serves.items() if not served} == {"effective_from"}
