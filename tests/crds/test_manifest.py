"""What the API server's own rules say of a manifest can be asked without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cel
import pytest

from govcloud.api.crd import definition
from govcloud.api.kinds import KINDS
from govcloud.api.manifest import Misfit, misfits


def _rules(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (rule["rule"] for rule in schema.get("x-kubernetes-validations", ()))
        for child in schema.values():
            yield from _rules(child)


RULES = sorted({rule for kind in KINDS for rule in _rules(definition(kind)["spec"]["versions"][0]["schema"]) if "oldSelf" not in rule})


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_can_be_asked_here(rule: str) -> None:
    assert cel.compile(rule)


def test_a_unit_that_is_above_itself_is_told_so() -> None:
    spec = {"title": "某单位", "jurisdiction": "jiujiang", "budgetLevel": "Secondary", "superior": "me"}
    said = misfits({"apiVersion": "govcloud.dev/v1alpha1", "kind": "UsingUnit", "metadata": {"name": "me"}, "spec": spec})
    assert [misfit.field for misfit in said] == ["metadata.name"]
    assert "a unit is not above itself" in said[0].message


def test_what_is_not_ours_is_left_alone() -> None:
    assert misfits({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}) == ()


def test_a_kind_of_ours_that_there_is_not_is_told_with_those_there_are() -> None:
    found = misfits({"apiVersion": "govcloud.dev/v1alpha1", "kind": "CloudRequest", "metadata": {"name": "n"}})
    assert isinstance(found[0], Misfit)
    assert "CloudServiceRequest" in found[0].message
