"""Declarations name functions; these are the functions."""

from __future__ import annotations

from dataclasses import fields

import pytest

from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Declaration
from stacks.provider.handlers import HANDLERS


def _named(declaration: Declaration) -> set[str]:
    special = {getattr(declaration.special, field.name) for field in fields(declaration.special)}
    return {name for name in special | {field.by for field in declaration.fields} if name}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=list(DECLARATIONS))
def test_every_function_that_a_declaration_names_exists(declaration: Declaration) -> None:
    assert _named(declaration) <= set(HANDLERS)


def test_every_function_is_named_by_a_declaration() -> None:
    assert set(HANDLERS) == {name for declaration in DECLARATIONS.values() for name in _named(declaration)}
