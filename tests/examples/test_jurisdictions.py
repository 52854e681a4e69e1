"""Each pack has an example that a stranger can apply: it fits the models, names an office and a person for every step, and is planned without a complaint."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcloud.demo.requests import APPROVER_OF
from devcloud.demo.years import WRITTEN_FOR, moved_to, write_moved
from govcloud.adapters.manifest_files import read_manifests
from govcloud.api.kinds import KINDS
from govcloud.core.calendar import SHANGHAI
from govcloud.forecast import Question, outlook
from policies.shelf import shipped

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "jurisdictions"
OURS = {kind.kind: kind for kind in KINDS}
PACKS = sorted(shipped().packs)


def documents(pack: str) -> list[dict[str, Any]]:
    files = sorted((FOLDER / pack).rglob("*.yaml"))
    texts = [_filled(file.read_text(encoding="utf-8")) for file in files if file.name != "promotion.yaml"]
    return [document for text in texts for document in yaml.safe_load_all(text)]


def _filled(text: str) -> str:
    given = {"REQUEST_NAME": "x", "REQUEST_UID": "0b5c6f4e-4c0c-4b8a-9a8f-3a6f1f0f5b11", "PLAN_DIGEST": "sha256:" + "0" * 64, "DOCUMENT_NUMBER": "x〔2026〕1号"}
    for placeholder, value in given.items():
        text = text.replace(placeholder, value)
    return text


def only(pack: str, kind: str) -> list[dict[str, Any]]:
    return [document for document in documents(pack) if document["kind"] == kind]


def test_there_is_one_for_every_pack() -> None:
    assert sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()) == PACKS


@pytest.mark.parametrize("pack", PACKS)
def test_every_manifest_fits_its_model(pack: str) -> None:
    for document in documents(pack):
        if document["kind"] in OURS:
            OURS[document["kind"]].spec.model_validate(document["spec"])


@pytest.mark.parametrize("day", [(2026, 11, 23), (2027, 1, 1), (2027, 12, 31), (2030, 6, 1)], ids=str)
@pytest.mark.parametrize("pack", PACKS)
def test_the_request_is_planned_as_it_stands_moved_to_the_year_that_it_is(pack: str, day: tuple[int, int, int], tmp_path: Path) -> None:
    write_moved(FOLDER / pack, day[0], tmp_path)
    read = read_manifests([tmp_path / name for name in ("platform.yaml", "request.yaml", "money.yaml") if (tmp_path / name).exists()])
    found = outlook(read.documents, Question(datetime(*day, 12, tzinfo=SHANGHAI)))

    (forecast,) = found.forecasts
    assert found.faults == () and forecast.violations == ()
    assert forecast.plan is not None and forecast.plan.values.pack == pack
    assert forecast.plan.departures == ()
    assert {step.step for step in forecast.plan.steps} <= {template["spec"]["step"] for template in only(pack, "CloudServiceApproval")}


def test_in_its_own_year_an_example_is_as_it_is_written() -> None:
    for file in FOLDER.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert moved_to(WRITTEN_FOR, text) == text


def test_a_year_is_moved_wherever_it_stands_and_nothing_else_is() -> None:
    before = "name: xinhua-2026, 新府〔2025〕88号, until: 2028-12-31, （2026年度, a2026b, 12026, 2049"
    assert moved_to(2027, before) == "name: xinhua-2027, 新府〔2026〕88号, until: 2029-12-31, （2027年度, a2026b, 12026, 2049"


@pytest.mark.parametrize("pack", [pack for pack in PACKS if shipped().pack(pack).editions[-1].trial])
def test_every_trial_has_a_promotion_that_brings_what_its_acceptance_asks_for(pack: str) -> None:
    edition = shipped().pack(pack).editions[-1]
    (request,) = yaml.safe_load_all((FOLDER / pack / "request.yaml").read_text(encoding="utf-8"))
    (patch,) = yaml.safe_load_all((FOLDER / pack / "promotion.yaml").read_text(encoding="utf-8"))
    promoted = OURS["CloudServiceRequest"].spec.model_validate(request["spec"] | patch["spec"])

    assert {rule.kind for rule in edition.materials["New"]} <= {material.kind for material in promoted.application}
    assert promoted.stage == "Production"
    assert promoted.agreement_ref or edition.agreement is None


def test_the_urgent_task_of_xinhua_is_the_governments_first() -> None:
    read = read_manifests([FOLDER / "xinhua" / name for name in ("platform.yaml", "money.yaml", "urgent.yaml")])
    (forecast,) = outlook(read.documents, Question(datetime(2026, 11, 23, 12, tzinfo=SHANGHAI))).forecasts

    assert forecast.plan is not None, forecast.violations
    assert (forecast.plan.steps[0].step, forecast.plan.steps[0].office) == ("urgent-task", "新华区人民政府")


@pytest.mark.parametrize("pack", PACKS)
def test_every_step_has_a_template_an_office_and_somebody_who_may_decide_it(pack: str) -> None:
    (jurisdiction,) = only(pack, "Jurisdiction")
    named = {office["step"]: office["office"] for office in jurisdiction["spec"]["offices"]}
    units = {unit["metadata"]["name"]: unit["spec"] for unit in only(pack, "UsingUnit")}
    (namespace,) = only(pack, "Namespace")
    unit = units[namespace["metadata"]["labels"]["govcloud.dev/unit"]]
    of_units = {"unit-consent": unit["title"], "superior-unit": units[unit["superior"]]["title"] if "superior" in unit else None}
    granted = {binding["roleRef"]["name"]: binding["subjects"][0]["name"] for binding in only(pack, "RoleBinding")}
    rules = {rule.step: rule for rules in shipped().pack(pack).editions[-1].steps.values() for rule in rules}

    templates = {template["spec"]["step"]: template["spec"] for template in only(pack, "CloudServiceApproval")}
    assert templates.keys() == {step for step, rule in rules.items() if rule.office != "superiorUnit" or "superior" in unit}
    for step, template in templates.items():
        assert template["office"] == (named | {k: v for k, v in of_units.items() if v})[step]
        assert granted[f"govcloud-approve-{step}"] == template["approver"] == APPROVER_OF[step]
