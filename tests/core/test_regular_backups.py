"""The laws of regular backups, over every moment of whole lives: when one begins, what comes next, and what may never wait for or lose to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from core.situations import Situation, regular

from govcloud.api.backup import MOST_PARTS
from govcloud.api.pause import PauseSpec
from govcloud.api.progress import Failure
from govcloud.core import actions as act
from govcloud.core.backup_sets import holds_helpers, is_running
from govcloud.core.existing import data_that_exists, parts_of
from govcloud.core.facts import Facts, RunningResource
from govcloud.core.objects import BackupObject, PauseObject
from govcloud.core.proof import prove
from govcloud.core.regular_backups import due_at, must_let_go, next_step
from govcloud.reasons import Reason

MINUTE, WEEK = timedelta(minutes=1), timedelta(days=7)


@pytest.fixture(scope="module")
def at_rest(situations: list[Situation]) -> Facts:
    """A service of protection level 2 in production, at rest."""
    resting = (s.facts for s in situations if isinstance(s.action, act.Rest) and s.facts.progress.production_since and not s.facts.regular)
    return next(facts for facts in resting if data_that_exists(facts) and facts.progress.terminated_at is None and not must_let_go(facts))


def later(facts: Facts, by: timedelta) -> Facts:
    due = due_at(facts)
    assert due is not None
    return replace(facts, now=due + by)


def the_backup(facts: Facts) -> BackupObject:
    (backup,) = facts.regular
    return backup


def standing(facts: Facts, **status: object) -> Facts:
    """The regular backup stands otherwise."""
    backup = the_backup(facts)
    return replace(facts, regular=(replace(backup, status=backup.status.model_copy(update=status)),))


# Laws


def test_nothing_that_holds_data_is_removed_while_a_snapshot_of_it_is_held(situations: list[Situation]) -> None:
    removing = [s for s in situations if isinstance(s.action, act.Destroy)]
    assert removing
    for situation in removing:
        assert not any(holds_helpers(backup) for backup in situation.facts.regular), situation.name


def test_a_request_waits_for_a_backup_only_where_something_is_removed_and_only_while_that_is_let_go(situations: list[Situation]) -> None:
    waiting = [s for s in situations if isinstance(s.action, act.WaitForBackup)]
    assert waiting
    for situation in waiting:
        assert must_let_go(situation.facts), situation.name
        step = next_step(situation.facts)
        assert isinstance(step, act.GiveUpBackup | act.ClearBackup), situation.name


def test_a_backup_begins_only_when_it_is_due_of_all_that_holds_data_and_beside_no_other(situations: list[Situation]) -> None:
    begun = [(s.facts, step) for s in situations if isinstance(step := next_step(s.facts), act.OpenBackup)]
    assert begun
    for facts, step in begun:
        due = due_at(facts)
        assert due is not None and facts.now >= due and not must_let_go(facts)
        assert step.spec.parts == parts_of(data_that_exists(facts)) != ()
        assert (step.spec.kind, step.spec.frozen_at) == ("Regular", facts.now)
        assert step.spec.plan == facts.progress.completed_plan
        assert not any(is_running(backup) for backup in facts.regular)
        assert step.name not in {backup.name for backup in facts.regular}


def test_whatever_the_request_does_the_same_is_decided_twice_and_nothing_while_it_is_held_up(situations: list[Situation]) -> None:
    for situation in situations:
        facts = situation.facts
        assert next_step(facts) == next_step(facts)
        unguarded = replace(facts, admission=replace(facts.admission, fault="a policy is gone"))
        paused = replace(facts, pause=PauseObject("night", facts.now, PauseSpec(by="li.na", reason="storage")))
        assert next_step(unguarded) is None and next_step(paused) is None, situation.name


def test_a_regular_backup_never_proves_a_termination(situations: list[Situation]) -> None:
    for situation in situations:
        facts = situation.facts
        if facts.started is not None and facts.backup is not None:
            disguised = replace(facts.backup, spec=facts.backup.spec.model_copy(update={"kind": "Regular"}))
            assert prove(disguised, facts.started, data_that_exists(facts)) is None, situation.name


# When


def test_the_first_comes_an_interval_after_the_service_began_and_the_next_after_the_last_was_begun(at_rest: Facts) -> None:
    trial = at_rest.progress.trial
    assert trial is not None
    assert due_at(at_rest) == trial.started_at + WEEK
    assert next_step(later(at_rest, -MINUTE)) is None
    assert isinstance(next_step(later(at_rest, timedelta(0))), act.OpenBackup)
    done = regular(verified_at=at_rest.now)(at_rest)
    assert due_at(done) == the_backup(done).spec.frozen_at + WEEK
    assert next_step(done) is None


def test_a_name_that_somebody_else_took_is_passed_over(at_rest: Facts) -> None:
    free, taken = later(at_rest, MINUTE), set[str]()
    for number in (1, 2, 3):
        step = next_step(free, taken)
        assert isinstance(step, act.OpenBackup)
        assert step.spec.number == number
        assert step.name.endswith(f"-regular-{number}")
        taken.add(step.name)


def test_what_is_kept_is_the_plans_own_value_and_of_plans_of_before_the_terminations(at_rest: Facts) -> None:
    step = next_step(later(at_rest, MINUTE))
    assert isinstance(step, act.OpenBackup)
    assert step.spec.retain_until == step.spec.frozen_at + timedelta(days=35)
    plan = at_rest.completed
    assert plan is not None
    before = plan.model_copy(update={"values": plan.values.model_copy(update={"backup_kept_days": None})})
    older = next_step(later(replace(at_rest, plans={**at_rest.plans, plan.number: before}), MINUTE))
    assert isinstance(older, act.OpenBackup)
    assert older.spec.retain_until == older.spec.frozen_at + timedelta(days=365)


def test_more_parts_than_a_set_can_have_make_none_and_break_nothing(at_rest: Facts) -> None:
    facts = later(at_rest, MINUTE)
    plan = facts.completed
    assert plan is not None
    volume = next(each for each in plan.program["resources"] if each["holdsData"])
    many = [{**volume, "name": f"volume-{n}"} for n in range(MOST_PARTS + 1)]
    bigger = plan.model_copy(update={"program": {**plan.program, "resources": [*plan.program["resources"], *many]}})
    there = tuple(RunningResource(each["name"], each["type"], each["name"]) for each in many)
    crowded = replace(facts, plans={**facts.plans, plan.number: bigger}, resources=(*facts.resources, *there))
    assert len(data_that_exists(crowded)) > MOST_PARTS
    assert next_step(crowded) is None


def test_where_the_level_asks_for_none_there_is_none(at_rest: Facts) -> None:
    plan = at_rest.completed
    assert plan is not None
    silent = plan.model_copy(update={"values": plan.values.model_copy(update={"backup_every_days": None})})
    facts = replace(at_rest, plans={**at_rest.plans, plan.number: silent}, now=at_rest.now + 100 * WEEK)
    assert due_at(facts) is None and next_step(facts) is None


# What comes next, and when it ends otherwise

FAILED = Failure(kind="Stop", reason=Reason.RESOURCE_FAILED, message="in error")
NOT_YET = Failure(kind="Retry", reason=Reason.CLOUD_UNREACHABLE, message="no answer")


@pytest.mark.parametrize(
    ("stands", "step"),
    [
        (lambda facts: facts, act.TakeBackup),
        (lambda facts: standing(facts, parts=()), act.TakeBackup),
        (lambda facts: standing(facts, parts=_all("Cleaned", facts)), act.StoreManifest),
        (lambda facts: standing(facts, parts=_all("Mismatch", facts)), act.GiveUpBackup),
        (lambda facts: standing(facts, failure=FAILED), act.GiveUpBackup),
        (lambda facts: standing(facts, failure=NOT_YET.model_copy(update={"retry_at": facts.now})), act.TakeBackup),
        (lambda facts: standing(facts, failure=NOT_YET.model_copy(update={"retry_at": facts.now + MINUTE})), type(None)),
        (lambda facts: standing(facts, failed_at=facts.now, failure=FAILED), act.ClearBackup),
        (lambda facts: standing(facts, failed_at=facts.now, clearing=NOT_YET.model_copy(update={"retry_at": facts.now + MINUTE})), type(None)),
        (lambda facts: standing(facts, failed_at=facts.now, cleared_at=facts.now), type(None)),
        (lambda facts: replace(facts, now=facts.now + WEEK), act.GiveUpBackup),
    ],
)
def test_what_comes_next_follows_from_how_it_stands(at_rest: Facts, stands: Callable[[Facts], Facts], step: type) -> None:
    assert isinstance(next_step(stands(regular()(at_rest))), step)


def _all(state: str, facts: Facts) -> tuple[object, ...]:
    return tuple(part.model_copy(update={"state": state}) for part in the_backup(facts).status.parts)


def test_one_whose_leftovers_cannot_be_removed_yet_keeps_no_other_from_beginning(at_rest: Facts) -> None:
    stuck = NOT_YET.model_copy(update={"retry_at": at_rest.now + 10 * WEEK})
    facts = standing(regular()(at_rest), failed_at=at_rest.now, clearing=stuck)
    assert isinstance(next_step(replace(facts, now=facts.now + WEEK)), act.OpenBackup)
