"""Corners of planning that a life under the Jiujiang measures does not reach: regulations without a trial, terms of jurisdictions, tables of failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconcile.world import World, request_spec

from govcloud.api.progress import Failure, Operation, Progress
from govcloud.audit.usage import Mark
from govcloud.core import actions as act
from govcloud.core import evidence
from govcloud.core.decide import PERSISTENT, decide
from govcloud.core.document_numbers import folded
from govcloud.core.facts import Facts
from govcloud.core.outcome import SLOW, Fault, Outcome, backoff, progress_after
from govcloud.observe import parse_spec
from govcloud.reasons import Reason
from stacks.naming import STAGE_MARK


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """A request that is about to be planned."""
    world = World(tmp_path_factory.mktemp("transitions") / "audit")
    world.apply()
    found = world.facts()
    world.audit.close()
    return found


def without_trial(facts: Facts, stage: str) -> Facts:
    """The same, under a regulation that has no trial and asks for no agreement."""
    assert facts.edition is not None
    spec, faults = parse_spec(request_spec(stage=stage))
    assert not faults
    return replace(facts, edition=facts.edition.model_copy(update={"trial": None, "agreement": None}), spec=spec)


def test_without_a_trial_a_request_starts_in_production(facts: Facts) -> None:
    action = decide(without_trial(facts, "Production"))

    assert isinstance(action, act.Freeze)
    assert (action.plan.transition, action.plan.stage, action.plan.values.trial_days) == ("Provision", "Production", 0)
    marks = {
        dict(r.inputs["metadata"])[STAGE_MARK] for r in action.plan.resources().resources if "metadata" in r.inputs
    }  # type: ignore[call-overload]
    assert marks == {"production"}


def test_without_a_trial_asking_for_one_is_refused(facts: Facts) -> None:
    action = decide(without_trial(facts, "Trial"))

    assert isinstance(action, act.Refuse)
    assert "no trial" in action.violations[0].en


def test_without_a_trial_production_and_its_metering_begin_when_provisioning_ends(facts: Facts) -> None:
    frozen = decide(without_trial(facts, "Production"))
    assert isinstance(frozen, act.Freeze)
    operation = Operation(plan=1, transition="Provision", started_at=facts.now)
    started = replace(facts, plans={1: frozen.plan}, progress=Progress(operation=operation))
    after = progress_after(started, act.Complete(frozen.plan), Outcome())

    assert after.production_since == facts.now
    assert after.trial is None
    marks = [entry.attributes["mark"] for entry in evidence.metered(started, frozen.plan)]
    assert marks == [Mark.START.value] * 5


# Failures


def after_failures(facts: Facts, *faults: Fault) -> Failure:
    for fault in faults:
        facts = replace(facts, progress=progress_after(facts, act.AddFinalizer(), Outcome(fault)))
    assert facts.progress.failure is not None
    return facts.progress.failure


RETRY = Fault("Retry", Reason.CLOUD_UNREACHABLE, "no answer")


def test_waiting_doubles_up_to_five_minutes(facts: Facts) -> None:
    assert [backoff(n).total_seconds() for n in range(1, 11)] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert after_failures(facts, *[RETRY] * 3).retry_at == facts.now + timedelta(seconds=8)


def test_persistence_takes_minutes_not_seconds() -> None:
    assert (
        timedelta(minutes=5) < sum((backoff(n) for n in range(1, PERSISTENT + 1)), timedelta()) < timedelta(minutes=15)
    )


def test_another_reason_counts_from_one(facts: Facts) -> None:
    other = replace(RETRY, reason=Reason.QUOTA_EXCEEDED)
    assert (after_failures(facts, RETRY, RETRY).count, after_failures(facts, RETRY, RETRY, other).count) == (2, 1)


def test_the_adapters_hint_decides_how_long_to_wait(facts: Facts) -> None:
    hinted = replace(RETRY, after=timedelta(minutes=3))
    assert after_failures(facts, hinted).retry_at == facts.now + timedelta(minutes=3)


def test_what_someone_must_change_is_looked_at_again_seldom(facts: Facts) -> None:
    stopped = Fault("Stop", Reason.FLAVOR_OR_IMAGE_MISSING, "no flavor")
    assert after_failures(facts, stopped).retry_at == facts.now + SLOW


def test_a_very_long_message_is_cut_and_not_lost(facts: Facts) -> None:
    assert len(after_failures(facts, replace(RETRY, message="x" * 10_000)).message) == 2000


# Document numbers


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(number: str) -> None:
    assert folded(folded(number)) == folded(number)


NUMBER = st.from_regex(r"[A-HJKMNP-Z]{2}-[0-9]{4}-[0-9]{1,4}", fullmatch=True)
"""Without I, L and O, which are taken for digits."""


@given(NUMBER, NUMBER)
def test_numbers_that_differ_stay_different(one: str, other: str) -> None:
    assert (folded(one) == folded(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("YF-2026-101", "YF-2O26-lOI"),
        ("YF-2026-77", "УF-2026-77"),  # Cyrillic U
        ("AH-2026-1", "ΑН-2026-1"),  # Greek Alpha, Cyrillic En
        ("九信办〔2026〕40号", "九信办〔二〇二六〕40号".replace("二〇二六", "2〇26")),
        ("九信办〔2026〕40号", "九信办<2026>40号"),
        ("九信办〔2026〕40号", "九信办《２０２６》４０号"),
        ("九信办〔2026〕40号", "九信办〔٢٠٢٦〕٤٠号"),
        ("九信办〔2026〕40号", "九信办〔2026〕④⓪号"),
        ("YF-2026-77", "YF − 2026 ─ 77"),
        ("YF-2026/77", "YF-2026∕77"),
    ],
)
def test_numbers_that_look_alike_are_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)
