"""The laws of `decide`, over every moment of whole lives, turned in many ways: what may never happen, and what always must."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace

import pytest
from core.situations import Situation, all_turns
from reconcile.world import OFFICIALS

from govcloud.api.common import as_written
from govcloud.api.progress import Progress
from govcloud.api.request_status import RequestStatus
from govcloud.core import actions as act
from govcloud.core.accounts import accounts_named
from govcloud.core.approvals import standing
from govcloud.core.deadline_news import news
from govcloud.core.deadlines_asked import PROVIDER
from govcloud.core.decide import decide
from govcloud.core.existing import Holding, data_that_exists, not_backed_up
from govcloud.core.facts import Facts
from govcloud.core.operation import TRIAL_END
from govcloud.core.outcome import Outcome, progress_after
from govcloud.core.plan import Plan
from govcloud.core.proof import VerifiedBackup
from govcloud.core.report import report
from govcloud.core.waiving import WaivedDestruction
from stacks.naming import STAGE_MARK
from stacks.object_storage import CONTAINER
from stacks.program import Program
from stacks.transform import POWER_INPUTS

IDLE = (act.Rest, act.Refuse, act.Block, act.Await, act.Backoff, act.WaitForBackup)


def acting(situations: list[Situation], *kinds: type) -> list[Situation]:
    """The situations in which one of these is decided. There must be some: a law over nothing says nothing."""
    found = [situation for situation in situations if isinstance(situation.action, kinds)]
    assert found
    return found


def is_effect(action: act.Action) -> bool:
    harmless = (act.Freeze, act.Reject, act.AddFinalizer, act.RemoveFinalizer, act.SettleReservation, act.TryAgain)
    return not isinstance(action, (*IDLE, *harmless))


def test_the_situations_reach_every_action(situations: list[Situation]) -> None:
    reached = Counter(type(situation.action) for situation in situations)
    every = {*act.Effect.__args__, *act.Note.__args__, *act.Idle.__args__}

    assert every <= reached.keys(), f"never decided: {every - reached.keys()}"


# Never


def test_nothing_but_finding_again_happens_while_the_engine_does_not_know_what_there_is(situations: list[Situation]) -> None:
    harmless = act.RebuildState | act.BeginRebuild | act.Idle | act.RemoveFinalizer
    forgotten = [each for each in situations if each.facts.state_is_lost and each.facts.progress.terminated_at is None]
    assert forgotten
    for situation in forgotten:
        assert isinstance(situation.action, harmless), situation.name


def test_a_state_is_made_anew_only_after_that_was_noted(situations: list[Situation]) -> None:
    """A process that dies in the middle leaves a state that looks whole and is not."""
    for situation in acting(situations, act.RebuildState):
        assert situation.facts.progress.rebuilding, situation.name


def test_nothing_that_holds_data_is_destroyed_without_a_proof_of_all_that_exists(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Destroy):
        action, facts = situation.action, situation.facts
        assert isinstance(action, act.Destroy)
        given_up = action.waived.parts if action.waived else ()
        _is_waived(facts, action.plan, given_up, situation.name)
        if parts := [part for part in data_that_exists(facts) if part not in given_up]:
            assert isinstance(action.proof, VerifiedBackup), situation.name
            assert action.proof.plan == action.plan.number, situation.name
            assert facts.backup is not None and {part.as_part() for part in parts} <= set(facts.backup.spec.parts), situation.name
            _is_proven(facts, situation.name)


def _is_waived(facts: Facts, plan: Plan, parts: tuple[Holding, ...], name: str) -> None:
    """Checked anew here too: the pinned plan names each by its id, and somebody of the unit who did not ask for it agreed to that very plan."""
    named = {(waiver.part, waiver.source_id) for waiver in plan.waivers}
    assert {(part.name, part.source_id) for part in parts} <= named, name
    ours = [a.spec for a in facts.approvals if (a.spec.plan_digest, a.spec.step, a.spec.decision) == (plan.digest, "unit-consent", "Approved")]
    if parts:
        assert any((spec.office, spec.approver != plan.applicant) == (OFFICIALS["unit-consent"][0], True) for spec in ours), name


def test_something_is_given_up_in_some_situations_and_not_in_most(situations: list[Situation]) -> None:
    given = [each.action.waived is not None for each in acting(situations, act.Destroy) if isinstance(each.action, act.Destroy)]
    assert any(given) and not all(given)


def test_a_plan_gives_up_only_what_failed_in_the_termination_under_way(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Freeze):
        action, facts = situation.action, situation.facts
        assert isinstance(action, act.Freeze)
        for waiver in action.plan.waivers:
            assert facts.started is not None and facts.started.transition == action.plan.transition == "Terminate", situation.name
            assert "backup" not in facts.progress.operation.done, situation.name
            failed = {part.name for part in facts.backup.status.parts if part.state == "Mismatch" or part.failure} if facts.backup else set()
            failed |= set(not_backed_up(data_that_exists(facts)))
            earlier = {(each.part, each.source_id) for each in facts.started.waivers}
            assert waiver.part in failed or (waiver.part, waiver.source_id) in earlier, situation.name


def _is_proven(facts: Facts, name: str) -> None:
    """Checked anew here, without the code that is under test."""
    assert facts.backup is not None
    assert {p.name for p in facts.backup.status.parts} == {p.name for p in facts.backup.spec.parts}, name
    for part in facts.backup.status.parts:
        assert part.state == "Cleaned", name
        assert part.source_sha256 is not None, name
        assert (part.source_sha256, part.source_bytes) == (part.restored_sha256, part.restored_bytes), name
    assert facts.backup.status.manifest_sha256, name


def test_a_termination_deletes_nothing_but_by_destroy(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Deploy):
        action = situation.action
        assert isinstance(action, act.Deploy)
        operation = situation.facts.progress.operation
        if operation is not None and operation.transition in ("Terminate", TRIAL_END):
            assert {kind for _, kind in action.allowed} <= {"update"}, situation.name


def test_no_effect_is_for_a_plan_that_is_not_approved(situations: list[Situation]) -> None:
    for situation in situations:
        if not is_effect(situation.action) or isinstance(situation.action, act.BeginTrialEnd | act.BeginRebuild | act.RebuildState):
            continue  # the pack's own rule allows the one, and the others only find again what approved plans made
        facts, action = situation.facts, situation.action
        operation = facts.progress.operation
        if operation is not None and operation.transition == TRIAL_END and not isinstance(action, act.Begin):
            assert isinstance(action, act.Deploy | act.Complete), situation.name
            continue
        starts = isinstance(action, act.Reserve | act.Begin)
        plan = action.plan if isinstance(action, act.Reserve | act.Begin) else facts.started
        begins = starts or operation is None
        at = facts.now if begins else operation.started_at
        assert plan is not None, situation.name
        assert standing(plan, facts.approvals, at, trust=facts.trust, started=not begins).complete, situation.name


def test_nothing_starts_before_what_it_costs_is_set_aside(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Begin):
        action, facts = situation.action, situation.facts
        assert isinstance(action, act.Begin)
        for ref in accounts_named(action.plan.spec):
            account = facts.account(ref)
            assert account is not None and account.held_by(facts.request.key.uid) >= action.plan.yearly, situation.name


def test_money_that_something_running_costs_is_never_freed(situations: list[Situation]) -> None:
    for situation in acting(situations, act.SettleReservation):
        action, facts = situation.action, situation.facts
        assert isinstance(action, act.SettleReservation)
        assert facts.progress.operation is None, situation.name
        running = facts.completed if facts.progress.terminated_at is None else None
        names_it = running is not None and action.account in accounts_named(running.spec)
        assert action.yearly == (running.yearly if running and names_it else 0), situation.name


def test_a_run_may_do_what_its_approved_plan_says_and_nothing_else(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Deploy):
        action, facts = situation.action, situation.facts
        assert isinstance(action, act.Deploy)
        if facts.started is not None and facts.started.transition != "Terminate" and action.step != "freeze":
            assert action.allowed <= facts.started.allowed(), situation.name
            assert action.program == facts.started.resources(), situation.name
        else:
            power = {(name, "update") for name in _servers(action.program)}
            # Before its end, a container is told that it may go with its objects; the cloud does not hear of it.
            released = (
                {(r.name, "update") for r in action.program.resources if r.type == CONTAINER}
                if action.step == "freeze"
                else set()
            )
            assert action.allowed <= power | released, situation.name


def test_nothing_is_replaced_by_a_restore_whose_present_state_is_not_proven(situations: list[Situation]) -> None:
    """But for what is not there any more."""
    replacing = [each for each in acting(situations, act.HandOver, act.Deploy) if _replaces(each)]
    assert {type(each.action) for each in replacing} == {act.HandOver, act.Deploy}
    for situation in replacing:
        facts = situation.facts
        record, plan = facts.progress.restoration, facts.started
        assert record is not None and plan is not None and plan.restore is not None, situation.name
        if record.safeguard is None:
            continue
        assert facts.backup is not None and facts.backup.spec.kind == "BeforeRestore", situation.name
        assert (facts.backup.spec.plan, facts.backup.spec.plan_digest) == (plan.number, plan.digest), situation.name
        _is_proven(facts, situation.name)


def _replaces(situation: Situation) -> bool:
    started, action = situation.facts.started, situation.action
    runs = isinstance(action, act.HandOver) or (isinstance(action, act.Deploy) and action.step == "stack")
    return runs and started is not None and started.transition == "Restore"


def test_a_copy_is_handed_over_only_after_it_was_proven(situations: list[Situation]) -> None:
    for situation in acting(situations, act.HandOver):
        action, record = situation.action, situation.facts.progress.restoration
        assert isinstance(action, act.HandOver) and record is not None
        assert record.state_of(action.volume.resource) == "Proven", situation.name


def _servers(program: Program) -> set[str]:
    """Servers, and the users of containers, who are locked out with them."""
    return {resource.name for resource in program.resources if set(POWER_INPUTS) & resource.inputs.keys()}


def test_while_admission_is_not_guarded_nothing_is_done(situations: list[Situation]) -> None:
    for situation in situations:
        if situation.facts.admission.fault is not None:
            assert isinstance(situation.action, act.Block), situation.name


def test_what_cannot_be_seen_is_not_acted_on(situations: list[Situation]) -> None:
    for situation in situations:
        facts = situation.facts
        if facts.progress.terminated_at is None and (facts.damaged or facts.missing_plans or facts.unreadable):
            assert isinstance(situation.action, act.Block), situation.name


def test_nothing_is_tried_again_before_its_time(situations: list[Situation]) -> None:
    for situation in situations:
        failure = situation.facts.progress.failure
        if failure is None or failure.retry_at is None or failure.retry_at <= situation.facts.now:
            continue
        if not isinstance(
            situation.action, IDLE
        ):  # then it is another plan that takes the place of the one that failed
            assert isinstance(situation.action, act.Freeze | act.Reject | act.AddFinalizer | act.Reserve | act.Begin), situation.name
            assert situation.facts.progress.operation is not None, situation.name


def test_a_promotion_changes_the_mark_of_the_stage_and_the_power_only(situations: list[Situation]) -> None:
    promotions = 0
    for situation in acting(situations, act.Freeze):
        action = situation.action
        assert isinstance(action, act.Freeze)
        if action.plan.transition == "Promote":
            promotions += 1
            _only_stage_and_power(situation.facts, action.plan, situation.name)
    assert promotions


def _only_stage_and_power(facts: Facts, plan: Plan, name: str) -> None:
    assert {change.operation for change in plan.diff} <= {"update"}, name
    assert {field for change in plan.diff for field in change.fields} <= {"metadata", "tags", *POWER_INPUTS}, name
    assert facts.completed is not None
    before = {r.name: r for r in facts.completed.resources().resources}
    after = {r.name: r for r in plan.resources().resources}
    assert before.keys() == after.keys(), name
    for resource in after.values():
        old = before[resource.name]
        assert _unmarked(resource.inputs) == _unmarked(old.inputs), name


def _unmarked(inputs: object) -> object:
    if isinstance(inputs, dict):
        return {k: _unmarked(v) for k, v in inputs.items() if k not in (STAGE_MARK, *POWER_INPUTS)}
    if isinstance(inputs, tuple):
        return tuple(_unmarked(v) for v in inputs if not str(v).startswith(f"{STAGE_MARK}="))
    return inputs


def test_a_finalizer_goes_only_when_nothing_can_be_left(situations: list[Situation]) -> None:
    for situation in acting(situations, act.RemoveFinalizer):
        progress = situation.facts.progress
        proven = progress.terminated_at is not None
        never_began = progress.completed_plan is None and progress.operation is None
        assert proven or never_began, situation.name


def test_an_edit_that_is_refused_starts_nothing(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Refuse):
        assert situation.action.violations, situation.name
        for violation in situation.action.violations:
            assert violation.en and violation.zh and violation.field, situation.name


# Always


def test_deciding_twice_gives_the_same(situations: list[Situation]) -> None:
    for situation in situations[::3]:
        assert decide(replace(situation.facts)) == situation.action, situation.name


CHANGES_OBJECTS = (
    act.Freeze,  # the plans
    act.AddFinalizer,
    act.RemoveFinalizer,
    act.Reserve,  # the accounts
    act.SettleReservation,
    act.OpenBackup,  # the backup set
    act.TakeBackup,
    act.StoreManifest,
    act.ClearBackup,
)


def test_every_action_that_was_performed_changes_the_facts(situations: list[Situation]) -> None:
    for situation in situations:
        if isinstance(situation.action, (*IDLE, *CHANGES_OBJECTS)):
            continue
        after = progress_after(situation.facts, situation.action, Outcome())
        assert _without_clocks(after) != _without_clocks(situation.facts.progress), situation.name


def _without_clocks(progress: Progress) -> Progress:
    """What time alone changes is no progress."""
    trial = progress.trial.model_copy(update={"reminded": ()}) if progress.trial else None
    return progress.model_copy(update={"deadlines": (), "trial": trial})


def test_a_second_look_at_the_same_moment_finds_nothing_new_about_time(situations: list[Situation]) -> None:
    for situation in acting(situations, *IDLE)[::4]:
        once = progress_after(situation.facts, situation.action, Outcome())
        again = replace(situation.facts, progress=once)
        twice = progress_after(again, decide(again), Outcome())
        assert (news(once, twice), twice.deadlines) == ((), once.deadlines), situation.name


def test_no_office_is_pressed_while_it_is_not_its_turn(situations: list[Situation]) -> None:
    pressed = 0
    for situation in situations[::4]:
        progress = progress_after(situation.facts, situation.action, Outcome())
        told = report(situation.facts, situation.action, Outcome(), progress).status.next_action
        running = {d.step for d in progress.deadlines if d.ended_at is None and d.due is not None}
        assert told is not None
        assert running <= ({PROVIDER} if told.waiting_for is None else {told.waiting_for}), situation.name
        pressed += bool(running)
    assert pressed


def test_a_plan_that_was_frozen_is_not_frozen_again(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Freeze):
        action, facts = situation.action, situation.facts
        assert isinstance(action, act.Freeze)
        plans = {**facts.plans, action.plan.number: action.plan}
        progress = progress_after(facts, action, Outcome())
        frozen = replace(
            facts, plans=plans, progress=progress, planned_at={**facts.planned_at, action.plan.number: facts.now}
        )
        assert not isinstance(decide(frozen), act.Freeze), situation.name


def test_a_plan_is_read_back_as_it_was_written(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Freeze):
        action = situation.action
        assert isinstance(action, act.Freeze)
        again = Plan.model_validate_json(action.plan.text())
        assert (again, again.digest, again.resources()) == (action.plan, action.plan.digest, action.plan.resources())


def test_a_plans_number_grows_and_names_the_plan_before(situations: list[Situation]) -> None:
    for situation in acting(situations, act.Freeze):
        action, latest = situation.action, situation.facts.latest
        assert isinstance(action, act.Freeze)
        assert action.plan.number > situation.facts.progress.last_plan, situation.name
        assert action.plan.previous == (latest.digest if latest else None), situation.name


def test_whatever_happens_can_be_told(situations: list[Situation]) -> None:
    for situation in situations[::2]:
        facts, action = situation.facts, situation.action
        progress = progress_after(facts, action, Outcome())
        told = report(facts, action, Outcome(), progress)
        assert RequestStatus.model_validate(as_written(told.status)) == told.status, situation.name
        assert told.status.next_action is not None and told.status.next_action.zh, situation.name
        kinds = [condition.type for condition in told.status.conditions]
        assert len(kinds) == len(set(kinds)), situation.name


def test_ready_reconciling_and_stalled_never_contradict_each_other(situations: list[Situation]) -> None:
    """kstatus: at most one of Reconciling and Stalled; a request that is Stalled says why."""
    for situation in situations[1::2]:
        progress = progress_after(situation.facts, situation.action, Outcome())
        told = report(situation.facts, situation.action, Outcome(), progress)
        found = {condition.type: condition for condition in told.status.conditions}
        assert not (found["Reconciling"].status == found["Stalled"].status == "True"), situation.name
        assert found["Stalled"].status == "False" or found["Stalled"].message, situation.name


# The proof


def test_a_proof_cannot_be_made_anywhere_else() -> None:
    with pytest.raises(TypeError, match="and by nothing else"):
        VerifiedBackup("b", 1, ())


def test_nor_can_a_waiver() -> None:
    with pytest.raises(TypeError, match="and by nothing else"):
        WaivedDestruction(1, (), (), ())


def test_what_may_go_without_a_backup_is_never_more_than_what_was_waived(situations: list[Situation]) -> None:
    given = [s.action.waived for s in acting(situations, act.Destroy) if isinstance(s.action, act.Destroy) and s.action.waived]
    with pytest.raises(TypeError, match="and by nothing else"):
        replace(given[0], parts=())


def test_a_proof_cannot_be_turned_into_another(situations: list[Situation]) -> None:
    proofs = [s.action.proof for s in acting(situations, act.Destroy) if s.action.proof]
    with pytest.raises(TypeError, match="and by nothing else"):
        replace(proofs[0], plan=99)
    assert copy.copy(proofs[0]) == proofs[0]


@pytest.mark.soak
def test_the_laws_over_everything(moments: list[tuple[str, Facts]]) -> None:
    """All turns of all moments at once; hours."""
    batch: list[Situation] = []
    for situation in all_turns(moments):
        batch.append(situation)
        if len(batch) == 5000:
            test_no_effect_is_for_a_plan_that_is_not_approved(batch)
            test_deciding_twice_gives_the_same(batch)
            test_every_action_that_was_performed_changes_the_facts(batch)
            test_while_admission_is_not_guarded_nothing_is_done(batch)
            batch.clear()
