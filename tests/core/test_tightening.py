"""A jurisdiction may set values stricter than its pack, and never looser: each value, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govcloud.api.jurisdiction import Tightened
from govcloud.core.tightening import InForce, tighten
from policies.rules import Edition
from policies.shelf import shipped

JJ, XH, LY, SD = (shipped().pack(pack).editions[-1] for pack in ("jiujiang", "xinhua", "liyang", "shandong"))

Read = Callable[[Edition], Any]


def _limits(step: str) -> Read:
    return lambda edition: {rule.working_days.value for rules in edition.steps.values() for rule in rules if rule.step == step and rule.working_days}


def _experts(edition: Edition) -> set[str | None]:
    return {rule.when.expert_review for rules in edition.steps.values() for rule in rules if rule.step == "expert-review"}


def _thresholds(edition: Edition) -> set[int | None]:
    return {rule.when.budget_from for rules in edition.steps.values() for rule in rules} - {None}


SETTINGS: dict[str, tuple[Edition, str, Any, Any, Read, Any]] = {
    # the pack, the field, a stricter value, a looser one, how to read it, what is read once it is stricter
    "the trial": (JJ, "trialDays", 10, 16, lambda e: e.trial and e.trial.days.value, 10),
    "its extension": (JJ, "maxTrialExtensionDays", 7, 31, lambda e: e.trial and e.trial.max_extension_days.value, 7),
    "the grace after it": (JJ, "graceDays", 10, 31, lambda e: e.trial and e.trial.grace.value, 10),
    "the provisioning": (JJ, "provisioningDays", 1, 3, lambda e: e.provisioning.value, 1),
    "a change": (JJ, "changeDays", 2, 4, lambda e: e.change.value, 2),
    "the limit of a step": (JJ, "stepLimits", [{"step": "authority", "workingDays": 2}], [{"step": "authority", "workingDays": 4}], _limits("authority"), {2}),
    "what is major": (JJ, "majorChangeCostPercent", 30, 51, lambda e: e.major_change.cost_increase_percent, 30),
    "the threshold of a review": (LY, "budgetReviewFrom", 300_000, 500_001, _thresholds, {300_000}),
    "stable running": (XH, "stableRunningMonths", 9, 5, lambda e: e.acceptance and e.acceptance.stable_running.value, 9),
    "the keeping of backups": (JJ, "backupRetentionDays", 1000, 364, lambda e: e.backup_retention.value, 1000),
    "the settlement": (JJ, "settlementMonths", 6, 13, lambda e: e.settlement and e.settlement.cycle.value, 6),
    "the day of the reports": (XH, "reportDay", 3, 6, lambda e: {report.day_of_month for report in e.reports}, {3}),
}


def tightened(edition: Edition, **values: Any) -> InForce:
    return tighten(edition, Tightened.model_validate(values))


@pytest.mark.parametrize(("edition", "field", "stricter", "_looser", "read", "expected"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_stricter_value_takes_the_place_of_the_packs(
    edition: Edition, field: str, stricter: Any, _looser: Any, read: Read, expected: Any
) -> None:
    here = tightened(edition, **{field: stricter})

    assert here.loosened == ()
    assert read(here.edition) == expected != read(edition)


@pytest.mark.parametrize(("edition", "field", "_stricter", "looser", "read", "_expected"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_looser_value_is_refused_with_its_reason_and_changes_nothing(
    edition: Edition, field: str, _stricter: Any, looser: Any, read: Read, _expected: Any
) -> None:
    here = tightened(edition, **{field: looser})

    assert here.edition == edition
    (violation,) = here.loosened
    assert violation.field.startswith(f"Jurisdiction.spec.tightened.{field}")
    assert "would loosen" in violation.en and "放宽" in violation.zh
    assert violation.article and violation.strength == "hard"


def test_an_expert_review_may_be_made_a_rule_where_the_pack_leaves_it_open() -> None:
    here = tightened(JJ, expertReview="Always")

    assert _experts(JJ) == {"asked"}
    assert _experts(here.edition) == {None}


def test_cooling_off_is_longer_where_a_jurisdiction_wants_it() -> None:
    assert tightened(JJ, coolingOffDays=7).edition.cooling_off.value == 7


def test_a_tightened_value_is_hard_and_says_where_it_comes_from() -> None:
    trial = tightened(JJ, maxTrialExtensionDays=7, trialDays=10).edition.trial

    assert trial is not None
    assert trial.max_extension_days.strength == "hard"
    assert trial.days.source.cite() == "JJ 16, tightened by the jurisdiction"
    assert trial.max_extension_days.source.cite() == "project default, tightened by the jurisdiction"


NOTHING_THERE: dict[str, tuple[Edition, str, Any]] = {
    "a trial": (LY, "trialDays", 10),
    "stable running": (JJ, "stableRunningMonths", 6),
    "a settlement": (SD, "settlementMonths", 6),
    "a step": (JJ, "stepLimits", [{"step": "cost-review", "workingDays": 2}]),
    "an expert review": (LY, "expertReview", "Always"),
    "a threshold": (JJ, "budgetReviewFrom", 1000),
    "reports": (JJ, "reportDay", 3),
}


@pytest.mark.parametrize(("edition", "field", "value"), NOTHING_THERE.values(), ids=NOTHING_THERE.keys())
def test_what_the_pack_does_not_have_cannot_be_tightened(edition: Edition, field: str, value: Any) -> None:
    here = tightened(edition, **{field: value})

    assert here.edition == edition
    assert len(here.loosened) == 1


def test_every_field_of_a_jurisdictions_settings_is_tried_here() -> None:
    tried = {row[1] for row in SETTINGS.values()} | {"expertReview", "coolingOffDays"}

    assert tried == {field.alias for field in Tightened.model_fields.values()}


@given(st.integers(1, 365), st.integers(1, 365), st.integers(0, 36500))
def test_whatever_is_set_nothing_becomes_looser(trial: int, change: int, backup: int) -> None:
    edition = tightened(JJ, trialDays=trial, changeDays=change, backupRetentionDays=backup).edition

    assert edition.trial and JJ.trial and edition.trial.days.value == min(trial, JJ.trial.days.value)
    assert edition.change.value == min(change, JJ.change.value)
    assert edition.backup_retention.value == max(backup, JJ.backup_retention.value)


def test_several_settings_hold_together_and_a_loose_one_does_not_undo_the_others() -> None:
    here = tightened(JJ, trialDays=10, changeDays=9, expertReview="Always")

    assert here.edition.trial and here.edition.trial.days.value == 10
    assert _experts(here.edition) == {None}
    assert [violation.field for violation in here.loosened] == ["Jurisdiction.spec.tightened.changeDays"]
