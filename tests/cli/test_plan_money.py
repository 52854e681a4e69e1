"""`govcloud plan` and money: budget, amount, prices and the sums of several requests, from the manifests alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from govcloud.cli import app

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "jurisdictions"
Manifest = dict[str, Any]
City = dict[str, Manifest]
"""Manifests by kind; of those that are there several times, the last."""


def city(pack: str) -> list[Manifest]:
    files = (FOLDER / pack / name for name in ("platform.yaml", "money.yaml", "request.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def by_kind(manifests: list[Manifest]) -> City:
    return {manifest["kind"]: manifest for manifest in manifests}


def forecasts(tmp_path: Path, manifests: list[Manifest]) -> Mapping[str, Any]:
    """What the command says of each request, by name."""
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(manifests, allow_unicode=True), encoding="utf-8")
    result = CliRunner().invoke(app, ["plan", "-f", str(file), "--date", "2026-11-23", "--output", "json"])
    said = json.loads(result.stdout)
    assert said["faults"] == []
    assert result.exit_code == (1 if any(each["violations"] for each in said["requests"]) else 0)
    return {each["name"]: each for each in said["requests"]}


def item(found: City) -> Manifest:
    first: Manifest = found["AnnualPlan"]["spec"]["items"][0]
    return first


def agreement(found: City) -> Manifest:
    spec: Manifest = found["ServiceAgreement"]["spec"]
    return spec


WRONG: dict[str, tuple[Callable[[City], object], str, str | None]] = {
    "a budget that is too small": (lambda found: item(found)["budget"].update(yearly="1.00"), "budget", "ZY 8, 9"),
    "no budget": (lambda found: item(found).pop("budget"), "budget", "ZY 8, 9"),
    "an item that nobody approved": (lambda found: item(found).pop("documentNumber"), "annual-plan", "ZY 5–7"),
    "another unit's item": (lambda found: item(found).update(unit="another"), "annual-plan", "ZY 5–7"),
    "last year's plan": (lambda found: found["AnnualPlan"]["spec"].update(year=2025), "annual-plan", "ZY 5–7"),
    "an amount that is too small": (lambda found: agreement(found).update(amount="1.00"), "agreement-amount", "ZY 18"),
    "a price above the catalog's": (lambda found: agreement(found)["services"][0].update(unitPrice="9"), "unit-price", "project default"),
    "an agreement that is not signed": (lambda found: agreement(found).pop("signedOn"), "agreement", "ZY 18"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule", "article"), WRONG.values(), ids=WRONG.keys())
def test_money_is_judged_without_a_cluster(tmp_path: Path, spoil: Callable[[City], object], rule: str, article: str | None) -> None:
    manifests = city("zunyi")
    spoil(by_kind(manifests))
    ((_, said),) = forecasts(tmp_path, manifests).items()

    assert {(violation["rule"], violation["article"]) for violation in said["violations"]} == {(rule, article)}


def test_a_plan_that_is_not_given_is_asked_for(tmp_path: Path) -> None:
    manifests = [manifest for manifest in city("zunyi") if manifest["kind"] != "AnnualPlan"]
    ((_, said),) = forecasts(tmp_path, manifests).items()
    assert [violation["rule"] for violation in said["violations"]] == ["annual-plan"]


def with_a_second(manifests: list[Manifest], **changes: Any) -> list[Manifest]:
    second = copy.deepcopy(by_kind(manifests)["CloudServiceRequest"])
    second["metadata"]["name"] = "second"
    second["spec"].update(changes)
    return [*manifests, second]


LIMITS: dict[str, Callable[[City, str], object]] = {
    "budget": lambda found, yuan: item(found)["budget"].update(yearly=yuan),
    "amount": lambda found, yuan: agreement(found).update(amount=yuan),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
def test_what_the_first_request_takes_is_not_there_for_the_second(tmp_path: Path, limit: Callable[[City, str], object]) -> None:
    manifests = city("zunyi")
    (alone,) = forecasts(tmp_path, manifests).values()
    limit(by_kind(manifests), str(Decimal(alone["plan"]["monthlyCost"]) * 18))
    first, second = forecasts(tmp_path, with_a_second(manifests)).values()

    assert first["result"] == "planned"
    (violation,) = second["violations"]
    assert "left of" in violation["en"] and "可用额度" in violation["zh"]


def test_parts_of_one_project_are_added_up_from_the_manifests(tmp_path: Path) -> None:
    manifests = city("liyang")
    by_kind(manifests)["CloudServiceRequest"]["spec"]["budget"] = "300000"
    steps = [[step["step"] for step in each["plan"]["steps"]] for each in forecasts(tmp_path, with_a_second(manifests, budget="200000")).values()]

    assert steps == [["authority", "development-reform"]] * 2
