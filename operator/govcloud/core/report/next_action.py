"""Who must do what by when, in one sentence, in both languages."""

from __future__ import annotations

from datetime import datetime

from govcloud.api.progress import Drift, TerminationRecord, TrialRecord
from govcloud.api.request_status import NextAction
from govcloud.core import actions as act
from govcloud.core.backup_sets import state_of
from govcloud.core.drift import in_words
from govcloud.core.ending_steps import is_withdrawn
from govcloud.core.evaluation import evaluation_owed
from govcloud.core.facts import Facts
from govcloud.core.grace import after_the_trial
from govcloud.core.objects import BackupObject
from govcloud.core.plan import Plan, PlannedStep
from govcloud.core.report.backups import last_ended
from govcloud.core.report.view import View
from govcloud.core.steps import trial_article
from govcloud.core.waiver_words import given_up
from govcloud.core.words import TRANSITIONS_ZH
from govcloud.core.year_end import unpaid_since_the_year_ended
from govcloud.reasons import Reason


def next_action(view: View) -> NextAction:
    """Who must do what by when, in one sentence, in both languages."""
    if isinstance(view.action, act.Await) and (step := view.action.standing.next_step) is not None:
        opens = view.action.opens_at
        return _office_must_decide(view, view.action.plan, step) if opens is None else _not_yet(step, opens)
    if view.stalled is not None:
        return _someone_must_mend(view, *view.stalled)
    if isinstance(view.action, act.WaitForBackup):
        return _snapshots_are_let_go(view.action)
    operation = view.progress.operation
    rests = isinstance(view.action, act.Rest)
    if isinstance(view.action, act.Rest) and view.action.until is not None and operation is not None and not is_withdrawn(view.facts):
        return _can_be_taken_back(view.action.until)
    if operation is not None and not (rests and view.rejected):
        zh = TRANSITIONS_ZH.get(operation.transition, operation.transition)
        return NextAction(zh=f"系统正在执行:{zh}(第 {operation.plan} 号计划)", en=f"The controller carries out {operation.transition} (plan {operation.plan})",
                          waiting_for=None, deadline=view.due, article=view.deadline.article if view.deadline else None)  # fmt: skip
    if (rejected := view.rejected) is not None:
        return NextAction(zh="申请未获批准,请申请人修改后重新提交", en=f"Plan {rejected.number} was rejected: the applicant corrects the spec, which makes the next plan",
                          waiting_for="applicant")  # fmt: skip
    return _at_rest(view)


def _office_must_decide(view: View, plan: Plan, step: PlannedStep) -> NextAction:
    deadline = view.due
    until_zh = f",应于 {deadline:%Y-%m-%d} 前办结" if deadline else ""
    until_en = f" by {deadline:%Y-%m-%d}" if deadline else ""
    return NextAction(
        zh=f"等待 {step.office} 办理:{step.zh}({TRANSITIONS_ZH[plan.transition]},第 {plan.number} 号计划){until_zh} [{step.article}]",
        en=f"{step.office} decides step {step.step!r} ({step.en}) on plan {plan.number} ({plan.transition}){until_en} [{step.article}]",
        waiting_for=step.step,
        office=step.office,
        deadline=deadline,
        article=step.article,
    )


def _not_yet(step: PlannedStep, opens: datetime) -> NextAction:
    return NextAction(
        zh=f"准入策略刚刚生效,{opens:%Y-%m-%d %H:%M:%S} UTC 起的审批决定方为有效;随后由 {step.office} 办理",
        en=f"The admission policies have just come into force: {step.office} decides from {opens:%Y-%m-%dT%H:%M:%SZ} on",
    )


def _someone_must_mend(view: View, reason: Reason, message: str) -> NextAction:
    if reason is Reason.PAUSED:
        return NextAction(zh=f"运维人员已暂停办理:{message}"[:2000], en=f"Paused by operations: {message}"[:2000])
    by_applicant = isinstance(view.action, act.Refuse)
    who_zh, who_en = ("申请人", "The applicant") if by_applicant else ("运维人员", "Operations")
    return NextAction(
        zh=f"{who_zh}须处理:{message}"[:2000],
        en=f"{who_en} must mend this ({reason}): {message}"[:2000],
        waiting_for="applicant" if by_applicant else None,
    )


def _snapshots_are_let_go(action: act.WaitForBackup) -> NextAction:
    """Nobody has to do anything, but where Cinder does not let them go."""
    names = ", ".join(backup.name for backup in action.backups)
    faults = [f"{backup.name}: {backup.status.clearing.message}" for backup in action.backups if backup.status.clearing]
    told_zh, told_en = (f"；未能清除:{'; '.join(faults)}", f". It cannot yet: {'; '.join(faults)}") if faults else ("", "")
    return NextAction(
        zh=f"等待定期备份 {names} 释放快照后继续{told_zh}"[:2000],
        en=f"The regular backup {names} lets go of its snapshots first: what has snapshots cannot be removed{told_en}"[:2000],
    )


def _at_rest(view: View) -> NextAction:
    progress = view.progress
    if progress.terminated_at:
        return _ended(progress.termination)
    if progress.trial and progress.production_since is None:
        if progress.trial.expired_at:
            return after_the_trial(view.facts, progress)
        return _trial_goes_on(view.facts, progress.trial)
    if progress.completed_plan is None:
        return NextAction(zh="系统正在编制计划", en="The controller makes a plan")
    if progress.drift:
        return _drift_must_be_looked_into(view.facts, progress.drift)
    if (ended := last_ended(view.facts)) is not None and state_of(ended.status) == "Mismatch":
        return _backup_must_be_looked_into(ended)
    owed = unpaid_since_the_year_ended(view.facts, progress) or evaluation_owed(view.facts, view.deadline)
    return owed or NextAction(zh="无待办事项", en="Nothing to do")


def _ended(record: TerminationRecord | None) -> NextAction:
    lost = given_up(record)
    more_zh, more_en = (f";{lost.zh}", f"; {lost.en}") if lost else ("", "")
    return NextAction(
        zh=f"服务已终止,备份按期保存{more_zh}"[:2000], en=f"The service has ended; its backups are kept until their retention ends{more_en}"[:2000]
    )


def _can_be_taken_back(until: datetime) -> NextAction:
    """The cooling-off is all that an operation rests for."""
    return NextAction(zh=f"数据已备份并验证,冷静期至 {until:%Y-%m-%d %H:%M} UTC;期内将 spec.stage 改回即可撤回终止,逾期销毁", deadline=until,
                      en=f"All data is backed up and proven. Until {until:%Y-%m-%d %H:%M} UTC the termination is taken back by setting spec.stage back; "
                         "then everything is destroyed")  # fmt: skip


def _drift_must_be_looked_into(facts: Facts, drift: tuple[Drift, ...]) -> NextAction:
    zh, en = in_words(drift)
    asked = (facts.completed.wanted().repairs if facts.completed else 0) + 1
    return NextAction(zh=f"运维人员须核查:云上资源与系统所建不符:{zh};系统不擅自修复,请恢复原状,或由申请人申请修复(spec.repairs: {asked})"[:2000],
                      en=f"Operations look into what changed behind the controller's back: {en}. Put it back, or have the applicant ask for it "
                         f"(spec.repairs: {asked}): nothing is corrected unasked"[:2000])  # fmt: skip


def _backup_must_be_looked_into(backup: BackupObject) -> NextAction:
    return NextAction(
        zh=f"运维人员须核查:定期备份 {backup.name} 恢复后与源不一致,备份与恢复件已保留为证据",
        en=f"Operations look into why the regular backup {backup.name} differs from what was backed up; it and the restored copy are kept as evidence",
    )


def _trial_goes_on(facts: Facts, trial: TrialRecord) -> NextAction:
    article = trial_article(facts.edition) if facts.edition else None
    cited = f" [{article}]" if article else ""
    end, soon = trial.ends_at, min(trial.reminded, default=None)
    soon_zh, soon_en = (f"试用将在 {soon} 日内结束,", f"The trial ends within {soon} days. ") if soon else ("", "")
    return NextAction(zh=f"{soon_zh}试用至 {end:%Y-%m-%d %H:%M} UTC;测试评估后请申请转为正式环境{cited}", waiting_for="applicant", deadline=end, article=article,
                      en=f"{soon_en}Trial until {end:%Y-%m-%d %H:%M} UTC: the unit tests, then asks for production (spec.stage: Production){cited}")  # fmt: skip
