"""What people and programs read of a request: a projection of facts, action and outcome. Computed here only, never read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from govcloud.api.common import WAITING_LABEL, Condition
from govcloud.api.deadline import Deadline
from govcloud.api.request import (
    ChangeView,
    EndpointView,
    NextAction,
    PlanView,
    Progress,
    RequestStatus,
    ResourceView,
    TrialRecord,
)
from govcloud.core import actions as act
from govcloud.core.approvals import standing, unasked, unguarded
from govcloud.core.deadline_words import overdue, weekends_only
from govcloud.core.deadlines import PROVIDER, running, unknown_years
from govcloud.core.facts import Facts
from govcloud.core.funding import payers_of
from govcloud.core.grace import after_the_trial
from govcloud.core.outcome import Outcome
from govcloud.core.plan import Plan, PlannedStep, revision_name
from govcloud.core.standing import Standing, Verdict
from govcloud.core.steps import trial_article
from govcloud.core.words import TRANSITIONS_ZH
from govcloud.reasons import Reason
from stacks.request import endpoints_in, service_of

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class Report:
    """The status to write, the labels to set (or, with None, to remove), and what is said of each approval."""

    status: RequestStatus
    labels: Mapping[str, str | None]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class _View:
    """Everything the projections below look at."""

    facts: Facts
    action: act.Action
    progress: Progress

    @property
    def plan(self) -> Plan | None:
        """The plan that people should look at: the one that waits or runs, else the completed one."""
        match self.action:
            case act.Await(plan) | act.Reject(plan) | act.Freeze(plan) | act.Begin(plan):
                return plan
        if self.progress.operation is not None and self.progress.operation.plan in self.facts.plans:
            return self.facts.plans[self.progress.operation.plan]
        if self.rejected is not None:
            return self.rejected
        number = self.progress.completed_plan
        return self.facts.plans.get(number) if number is not None else None

    @property
    def rejected(self) -> Plan | None:
        latest = self.facts.latest
        is_current = latest is not None and latest.generation == self.facts.request.generation
        return latest if is_current and latest is not None and self.progress.rejected_plan == latest.number else None

    @property
    def standing(self) -> Standing | None:
        return self.action.standing if isinstance(self.action, act.Await | act.Begin | act.Reject) else None

    @property
    def stalled(self) -> tuple[Reason, str] | None:
        """What someone must change before it goes on."""
        match self.action:
            case act.Refuse(violations):
                reason = violations[0].reason if len({v.reason for v in violations}) == 1 else Reason.RULE_VIOLATED
                return reason, "\n".join(violation.sentence() for violation in violations)
            case act.Block(reason, message):
                return reason, message
            case act.Await() | act.Freeze() | act.Begin():
                return None  # another plan takes the place of the one that cannot finish: nothing is left to mend
        failure = self.progress.failure
        return (Reason(failure.reason), failure.message) if failure and failure.kind == "Stop" else None

    @property
    def deadline(self) -> Deadline | None:
        """The legal clock of the office that is waited for, or of the provider."""
        if isinstance(self.action, act.Await):
            step = self.action.standing.next_step
            return running(self.progress, self.action.plan.number, step.step) if step else None
        operation = self.progress.operation
        return running(self.progress, operation.plan, PROVIDER) if operation else None

    @property
    def due(self) -> datetime | None:
        """Until when the office that is waited for, or the provider, has to be done."""
        return self.deadline.due if self.deadline else None


def report(
    facts: Facts, action: act.Action, outcome: Outcome, progress: Progress, before: RequestStatus | None
) -> Report:
    """The status after a pass.

    Args:
        progress: what `progress_after` made of the outcome.
        before: the status that the object has; keeps the moment of a condition's last change where nothing changed.
    """
    view = _View(facts, action, progress)
    plan = view.plan
    trial_end = progress.trial.ends_at if progress.trial and progress.production_since is None else None
    status = RequestStatus(
        observed_generation=facts.request.generation,
        phase=_phase(view),
        conditions=_conditions(view, before),
        next_action=_next_action(view),
        plan=_plan_view(plan, facts) if plan else None,
        progress=progress,
        due=None if progress.terminated_at else view.due or trial_end,
        monthly_cost=_running_cost(view),
        resources=_resources(facts),
        endpoints=_endpoints(view),
        credentials_secret=credentials_secret(facts.request.key.name) if progress.credentials_plan else None,
    )
    waiting = status.next_action.waiting_for if status.next_action else None
    return Report(status, {WAITING_LABEL: waiting}, _verdicts(view))


def credentials_secret(request: str) -> str:
    """Name of the Secret that holds a request's credentials."""
    return f"{request[:240]}-credentials"


def _verdicts(view: _View) -> tuple[Verdict, ...]:
    """Every decision on the request gets its answer, whatever the request is doing."""
    facts, operation, started = view.facts, view.facts.progress.operation, view.facts.started
    if isinstance(view.action, act.Block) and view.action.reason is Reason.ADMISSION_POLICY_MISSING:
        return unguarded(facts.request.key, facts.approvals, facts.trust)
    if (asked := view.standing) is not None:
        return asked.verdicts
    if isinstance(view.action, act.AddFinalizer | act.Reserve | act.SettleReservation):
        return ()  # which failed; decisions are judged by the pass that goes on
    if operation is not None and started is not None:
        older = frozenset(plan.digest for plan in facts.plans.values() if plan.number != started.number)
        return standing(started, facts.approvals, operation.started_at, older, trust=facts.trust, started=True).verdicts
    return unasked(facts.request.key, facts.approvals)


# Words


def _phase(view: _View) -> str:
    progress = view.progress
    if progress.terminated_at:
        return "Terminated"
    operation = progress.operation
    if operation and operation.transition == "Terminate":
        return "Terminating"
    if progress.completed_plan is None:
        return _phase_before_first_completion(view)
    if not progress.running or progress.suspended_since:
        return "Suspended"
    return "Production" if progress.production_since else "Trial"


def _phase_before_first_completion(view: _View) -> str:
    if view.progress.operation:
        return "Provisioning"
    if view.rejected:
        return "Rejected"
    return "AwaitingApproval" if isinstance(view.action, act.Await) else "Planning"


def _next_action(view: _View) -> NextAction:
    """Who must do what by when, in one sentence, in both languages."""
    if isinstance(view.action, act.Await) and (step := view.action.standing.next_step) is not None:
        return _office_must_decide(view, view.action.plan, step)
    if view.stalled is not None:
        return _someone_must_mend(view, *view.stalled)
    operation = view.progress.operation
    if operation is not None:
        zh = TRANSITIONS_ZH.get(operation.transition, operation.transition)
        return NextAction(zh=f"系统正在执行:{zh}(第 {operation.plan} 号计划)", en=f"The controller carries out {operation.transition} (plan {operation.plan})",
                          waiting_for=None, deadline=view.due, article=view.deadline.article if view.deadline else None)  # fmt: skip
    if (rejected := view.rejected) is not None:
        return NextAction(zh="申请未获批准,请申请人修改后重新提交", en=f"Plan {rejected.number} was rejected: the applicant corrects the spec, which makes the next plan",
                          waiting_for="applicant")  # fmt: skip
    return _at_rest(view)


def _office_must_decide(view: _View, plan: Plan, step: PlannedStep) -> NextAction:
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


def _someone_must_mend(view: _View, reason: Reason, message: str) -> NextAction:
    by_applicant = isinstance(view.action, act.Refuse)
    who_zh, who_en = ("申请人", "The applicant") if by_applicant else ("运维人员", "Operations")
    return NextAction(
        zh=f"{who_zh}须处理:{message}"[:2000],
        en=f"{who_en} must mend this ({reason}): {message}"[:2000],
        waiting_for="applicant" if by_applicant else None,
    )


def _at_rest(view: _View) -> NextAction:
    progress = view.progress
    if progress.terminated_at:
        return NextAction(
            zh="服务已终止,备份按期保存", en="The service has ended; its backups are kept until their retention ends"
        )
    if progress.trial and progress.production_since is None:
        if progress.trial.expired_at:
            return after_the_trial(view.facts, progress)
        return _trial_goes_on(view.facts, progress.trial)
    if progress.completed_plan is None:
        return NextAction(zh="系统正在编制计划", en="The controller makes a plan")
    return NextAction(zh="无待办事项", en="Nothing to do")


def _trial_goes_on(facts: Facts, trial: TrialRecord) -> NextAction:
    article = trial_article(facts.edition) if facts.edition else None
    cited = f" [{article}]" if article else ""
    end, soon = trial.ends_at, min(trial.reminded, default=None)
    soon_zh, soon_en = (f"试用将在 {soon} 日内结束,", f"The trial ends within {soon} days. ") if soon else ("", "")
    return NextAction(zh=f"{soon_zh}试用至 {end:%Y-%m-%d %H:%M} UTC;测试评估后请申请转为正式环境{cited}", waiting_for="applicant", deadline=end, article=article,
                      en=f"{soon_en}Trial until {end:%Y-%m-%d %H:%M} UTC: the unit tests, then asks for production (spec.stage: Production){cited}")  # fmt: skip


# Conditions


def _conditions(view: _View, before: RequestStatus | None) -> tuple[Condition, ...]:
    wanted: list[_Claim] = [
        _ready(view),
        _reconciling(view),
        _stalled(view),
        _approved(view),
        _provisioned(view),
        _change_pending(view),
    ]
    wanted.extend(claim for claim in (_backed_up(view), _overdue(view), _calendar_known(view)) if claim)
    old = {condition.type: condition for condition in before.conditions} if before else {}
    return tuple(_stamped(view, old.get(claim[0]), *claim) for claim in wanted)


_Claim = tuple[str, Truth, Reason, str]


def _stamped(view: _View, old: Condition | None, kind: str, status: Truth, reason: Reason, message: str) -> Condition:
    """A condition that keeps the moment of its last change while its status stays the same."""
    since = old.last_transition_time if old and old.status == status else view.facts.now
    return Condition(type=kind, status=status, reason=reason, message=message[:4096], observed_generation=view.facts.request.generation,
                     last_transition_time=since)  # fmt: skip


def _ready(view: _View) -> _Claim:
    """Describes the last completed plan: production stays Ready while a change waits."""
    progress = view.progress
    if progress.terminated_at:
        return "Ready", "True", Reason.TERMINATED, "the service has ended as asked; this object is its record"
    if progress.operation and progress.operation.transition == "Terminate":
        return "Ready", "False", Reason.TERMINATING, "the service is being ended"
    if progress.completed_plan is None:
        reason, message = view.stalled or (_waiting_reason(view), "nothing is provisioned yet")
        return "Ready", "False", reason, message
    if progress.trial and progress.trial.expired_at and not progress.running:
        return (
            "Ready",
            "False",
            Reason.TRIAL_EXPIRED,
            "the trial has ended and the servers are stopped; nothing is lost",
        )
    if progress.suspended_since:
        return "Ready", "True", Reason.SUSPENDED, "the servers are stopped as asked; everything is kept"
    if progress.production_since:
        return (
            "Ready",
            "True",
            Reason.IN_PRODUCTION,
            f"in production since {progress.production_since:%Y-%m-%dT%H:%M:%SZ}",
        )
    return "Ready", "True", Reason.IN_TRIAL, "the trial runs"


def _waiting_reason(view: _View) -> Reason:
    if view.progress.operation:
        return Reason.PROVISIONING
    if view.rejected:
        return Reason.REJECTED
    return Reason.AWAITING_APPROVAL if isinstance(view.action, act.Await) else Reason.PLANNING


def _reconciling(view: _View) -> _Claim:
    """True means: the controller will come back by itself."""
    if view.stalled is None:
        if isinstance(view.action, act.Await):
            return "Reconciling", "True", Reason.AWAITING_APPROVAL, _next_action(view).en
        if (failure := view.progress.failure) is not None:
            return (
                "Reconciling",
                "True",
                Reason(failure.reason),
                f"{failure.message} (attempt {failure.count}; tried again by itself)",
            )
        if view.progress.operation is not None or isinstance(view.action, act.Note):
            return "Reconciling", "True", _busy_reason(view), _next_action(view).en
    return "Reconciling", "False", Reason.NOTHING_TO_DO if view.stalled is None else view.stalled[0], ""


def _busy_reason(view: _View) -> Reason:
    operation = view.progress.operation
    if operation is None:
        return Reason.PLANNING
    return Reason.TERMINATING if operation.transition == "Terminate" else Reason.PROVISIONING


def _stalled(view: _View) -> _Claim:
    if view.stalled is None:
        return "Stalled", "False", Reason.NOTHING_TO_DO, ""
    return "Stalled", "True", *view.stalled


def _approved(view: _View) -> _Claim:
    if isinstance(view.action, act.Await):
        names = ", ".join(step.step for step in view.action.standing.missing)
        return "Approved", "False", Reason.AWAITING_APPROVAL, f"plan {view.action.plan.number} waits for: {names}"
    if view.rejected or isinstance(view.action, act.Reject):
        who = view.action.verdict.approval if isinstance(view.action, act.Reject) else None
        return (
            "Approved",
            "False",
            Reason.REJECTED,
            f"rejected by {who.spec.office}: {who.spec.comment}" if who else "the plan was rejected",
        )
    operation = view.progress.operation
    if operation and operation.plan:
        return "Approved", "True", Reason.APPROVED, f"every step of plan {operation.plan} is approved"
    if view.progress.completed_plan is not None:
        return "Approved", "True", Reason.APPROVED, f"plan {view.progress.completed_plan} was approved and carried out"
    return "Approved", "False", Reason.PLANNING, "there is no plan yet"


def _provisioned(view: _View) -> _Claim:
    if view.progress.terminated_at:
        return "Provisioned", "False", Reason.TERMINATED, "everything was destroyed after a proven backup"
    if view.progress.completed_plan is not None:
        return "Provisioned", "True", Reason.APPROVED, f"as in plan {view.progress.completed_plan}"
    return "Provisioned", "False", _waiting_reason(view), ""


def _change_pending(view: _View) -> _Claim:
    if view.progress.completed_plan is not None and isinstance(view.action, act.Await):
        return (
            "ChangePending",
            "True",
            Reason.AWAITING_APPROVAL,
            f"plan {view.action.plan.number} ({view.action.plan.transition}) waits",
        )
    return "ChangePending", "False", Reason.NOTHING_TO_DO, ""


def _backed_up(view: _View) -> _Claim | None:
    record = view.progress.termination
    if record is None:
        return None
    if record.backup_verified_at:
        return (
            "BackedUp",
            "True",
            Reason.BACKUP_VERIFIED,
            f"every part of {record.backup or 'the service'} was restored and equals its source",
        )
    return (
        "BackedUp",
        "False",
        Reason.BACKUP_RUNNING,
        f"backing up into {record.backup or 'the backup project'} and proving it",
    )


def _overdue(view: _View) -> _Claim | None:
    """There while a legal clock runs."""
    deadline = view.deadline
    if deadline is None or deadline.due is None:
        return None
    if view.facts.now >= deadline.due:
        return "Overdue", "True", Reason.DEADLINE_MISSED, overdue(deadline)
    reason = Reason.DEADLINE_APPROACHING if deadline.told else Reason.DEADLINE_RUNNING
    return "Overdue", "False", reason, overdue(deadline)


def _calendar_known(view: _View) -> _Claim | None:
    """There while a deadline had to be counted without knowing all holidays."""
    years, jurisdiction = unknown_years(view.facts, view.progress), view.facts.jurisdiction
    if not years or jurisdiction is None:
        return None
    return "CalendarKnown", "False", Reason.CALENDAR_UNKNOWN, weekends_only(years, jurisdiction.name)


# Views


def _plan_view(plan: Plan, facts: Facts) -> PlanView:
    counts = {
        kind: sum(1 for c in plan.diff if c.operation == kind) for kind in ("create", "update", "replace", "delete")
    }
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no change"
    payers = payers_of(plan)
    return PlanView(
        number=plan.number,
        revision=revision_name(plan.request, plan.number),
        transition=plan.transition,
        digest=plan.digest,
        digest_sm3=plan.digest_sm3,
        monthly_cost=plan.monthly_cost,
        steps=tuple(step.step for step in plan.steps),
        diff=tuple(ChangeView(service=c.service, resource=c.resource, type=c.type, operation=c.operation.title(), fields=c.fields) for c in plan.diff),
        quota={name: value for name, value in plan.quota.items() if value},
        backup_every_days=plan.values.backup_every_days,
        departures=tuple(departure.sentence()[:2000] for departure in plan.departures),
        summary_zh=f"{TRANSITIONS_ZH[plan.transition]}:{_counted_zh(counts)};月费上限 {plan.monthly_cost} 元{payers.zh}",
        summary_en=f"{plan.transition}: {said}; at most {plan.monthly_cost} yuan a month{payers.en}",
    )  # fmt: skip


def _counted_zh(counts: Mapping[str, int]) -> str:
    words = {"create": "新建", "update": "修改", "replace": "重建", "delete": "删除"}
    return ",".join(f"{word} {counts[kind]}" for kind, word in words.items() if counts[kind]) or "无变化"


def _running_cost(view: _View) -> str | None:
    """What is paid now: nothing in a trial (JJ 16), the completed plan's cost in production."""
    plan = view.facts.plans.get(view.progress.completed_plan or 0)
    return plan.monthly_cost if plan and view.progress.production_since else "0.00" if plan else None


def _resources(facts: Facts) -> tuple[ResourceView, ...]:
    programs = [plan.resources() for plan in (facts.completed, facts.started) if plan]
    services = {r.name: next((s for p in programs if (s := service_of(p, r.name))), "") for r in facts.resources}
    return tuple(
        ResourceView(service=services[r.name], name=r.name, type=r.type, id=r.id)
        for r in sorted(facts.resources, key=lambda r: r.name)
    )


def _endpoints(view: _View) -> tuple[EndpointView, ...]:
    if view.progress.completed_plan is None or view.progress.terminated_at:
        return ()
    return tuple(
        EndpointView(service=e.service, name=e.name, address=e.address, port=e.port)
        for e in endpoints_in(view.facts.outputs)
    )
