"""The regulation packs: they load, every value says where it comes from, and a typo is refused at once."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from policies.rules import Edition, Pack, PackMissing, parse, sources_in
from policies.shelf import shipped
from policies.sources import Days
from policies.steps import TRANSITIONS, When

JJ = shipped().pack("jiujiang")
TEXT = (resources.files("policies") / "jiujiang.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("pack", sorted(shipped().packs))
def test_every_pack_that_ships_loads_under_its_own_name(pack: str) -> None:
    assert shipped().pack(pack).id == pack
    assert shipped().pack(pack).editions


@pytest.mark.parametrize("pack", sorted(shipped().packs))
def test_every_value_has_a_source(pack: str) -> None:
    """Whatever a decision can depend on is a model that holds a source, or lies inside of one that does."""
    for edition in shipped().pack(pack).editions:
        found = list(sources_in(edition, pack))
        assert found
        for where, source in found:
            assert source.cite(), where
            if source.kind == "article":
                assert source.document and source.article and re.match(r"^[0-9]", source.article), where
            else:
                assert source.why, where


def test_no_number_of_an_edition_stands_without_a_source() -> None:
    bare = {name for name, field in Edition.model_fields.items() if field.annotation in (int, float, bool)}

    assert bare == set()
    assert "source" in Days.model_fields


def test_a_pack_knows_every_transition() -> None:
    for edition in JJ.editions:
        assert set(edition.steps) == set(TRANSITIONS)


# What Jiujiang says


def test_the_trial_lasts_fifteen_days_by_article_16() -> None:
    trial = JJ.editions[0].trial
    assert trial is not None
    assert (trial.days.value, trial.days.source.cite(), trial.days.strength) == (15, "JJ 16", "hard")


def test_terms_are_those_of_the_measures() -> None:
    edition = JJ.editions[0]
    intake = next(step for step in edition.steps["Provision"] if step.step == "authority")

    assert intake.working_days is not None
    assert (intake.working_days.value, intake.working_days.source.cite()) == (3, "JJ 15")
    assert (edition.provisioning.value, edition.provisioning.source.cite()) == (2, "JJ 16")
    assert (edition.change.value, edition.change.source.cite()) == (3, "JJ 18")
    assert edition.log_retention.value >= 365


def test_a_secondary_unit_asks_its_superior_first() -> None:
    first = JJ.editions[0].steps["Provision"][0]
    assert (first.step, first.office, first.source.cite()) == ("superior-unit", "superiorUnit", "JJ 14")
    assert first.when == When(budget_level="Secondary")


def test_both_consent_before_a_system_goes_live() -> None:
    assert [step.step for step in JJ.editions[0].steps["Promote"]] == ["unit-consent", "provider-consent"]


@pytest.mark.parametrize(
    ("purpose", "kinds"),
    [
        ("New", {"project-approval", "technical-plan", "project-contract", "self-test-report"}),
        ("Migration", {"project-approval", "migration-plan", "self-test-report"}),
    ],
)
def test_the_materials_are_those_of_article_14(purpose: Any, kinds: set[str]) -> None:
    materials = JJ.editions[0].materials[purpose]
    assert {material.kind for material in materials} == kinds
    assert {material.source.cite() for material in materials} == {"JJ 14"}


def test_data_is_destroyed_with_the_units_own_authorisation() -> None:
    offices = {step.step: step.office for step in JJ.editions[0].steps["Terminate"]}
    assert offices == {"unit-consent": "unit", "authority": "jurisdiction"}


def test_classified_systems_are_refused() -> None:
    assert {refusal.ground for refusal in JJ.editions[0].refusals} >= {"classified", "notGovernmentFunded"}


# Editions


def test_before_the_measures_there_is_no_edition() -> None:
    with pytest.raises(PackMissing, match="2019-07-24"):
        JJ.in_force(date(2019, 7, 23))
    assert JJ.in_force(date(2019, 7, 24)) == JJ.editions[0]


def test_a_later_edition_takes_over_on_its_day() -> None:
    later = JJ.editions[0].model_copy(update={"effective_from": date(2027, 1, 1)})
    pack = JJ.model_copy(update={"editions": (later, JJ.editions[0])})

    assert pack.in_force(date(2026, 12, 31)) == JJ.editions[0]
    assert pack.in_force(date(2027, 1, 1)) == later


# Typos


def spoiled(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


TYPOS = {
    "a misspelt field": ("effectiveFrom:", "efectiveFrom:"),
    "a misspelt transition": ("ExtendTrial:", "ExtendTrail:"),
    "a misspelt office": ("office: superiorUnit", "office: superiorunit"),
    "an unknown document": ("document: JJ", "document: JY"),
    "a negative number": ("value: 15", "value: -15"),
    "a number in words": ("value: 15", "value: fifteen"),
    "a misspelt kind of source": ("kind: projectDefault", "kind: projectdefault"),
    "an article without its number": ('article: "14"', "why: it says so"),
    "a default without a reason": (
        'kind: projectDefault, why: "JJ is silent',
        'kind: projectDefault, because: "JJ is silent',
    ),
    "a missing value": ("  coolingOff:", "  coolingOf:"),
    "no editions": ("editions:", "edition:"),
}


@pytest.mark.parametrize(("old", "new"), TYPOS.values(), ids=TYPOS.keys())
def test_a_typo_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValidationError):
        parse(spoiled(old, new))


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_transition_that_is_forgotten_is_named(transition: str) -> None:
    raw = yaml.safe_load(TEXT)
    del raw["editions"][0]["steps"][transition]

    with pytest.raises(ValidationError, match=transition):
        Pack.model_validate(raw)


def test_an_unknown_pack_is_named_with_those_there_are() -> None:
    with pytest.raises(PackMissing, match=r"'atlantis'; there are: .*jiujiang"):
        shipped().pack("atlantis")


@pytest.mark.parametrize("name", ["../rules", "jiujiang.yaml", "", "/etc/passwd"])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(PackMissing):
        shipped().pack(name)
