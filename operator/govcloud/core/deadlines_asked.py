"""Who was asked to act since the last pass, and from which moment on their legal limits run. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from govcloud.api.deadline import Deadline
from govcloud.api.progress import Progress
from govcloud.core import actions as act
from govcloud.core.evaluation import evaluation_clock
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan, PlannedStep
from govcloud.core.standing import Standing
from govcloud.reasons import Reason
from policies.rules import Edition

PROVIDER = "provider"
"""In place of a step's name: the limit of the cloud service provider."""


@dataclass(frozen=True)
class Turn:
    """What a pass saw and did. `progress` is what came of it, but for the deadlines."""

    facts: Facts
    action: act.Action
    progress: Progress

    @property
    def judged(self) -> tuple[Plan, Standing] | None:
        """The plan that the offices decide on, and how it stands with them."""
        return (self.action.plan, self.action.standing) if isinstance(self.action, act.Await | act.Begin | act.Reject) else None


def asked_since(this: Turn, known: list[Deadline]) -> Iterator[Deadline]:
    """Limits that began to run and are not among those that are known."""
    yield from evaluation_clock(this.facts, this.progress, known)
    if this.judged is not None:
        yield from _opened_for_offices(*this.judged, known, this.facts)
    operation, plan = this.progress.operation, _plan_under_way(this)
    if operation is None or plan is None or (limit := _provider_limit(this.facts.edition, plan)) is None:
        return
    if not any((d.plan, d.step) == (plan.number, PROVIDER) for d in known):
        days, article = limit
        started = _last_approval(this) or operation.started_at
        yield Deadline(plan=plan.number, step=PROVIDER, office=_provider(this.facts), article=article, working_days=days, started_at=started)


def _opened_for_offices(plan: Plan, standing: Standing, known: list[Deadline], facts: Facts) -> Iterator[Deadline]:
    """Every step that was asked and has no clock yet, also one that was answered before anybody looked."""
    for step in plan.steps:
        mine = [d for d in known if (d.plan, d.step) == (plan.number, step.step)]
        waits = step == standing.next_step
        has_clock = any(d.ended_at is None for d in mine) if waits else bool(mine)
        if step.working_days is not None and not has_clock and (waits or decided_at(standing, step.step)):
            asked = _asked_at(plan, standing, step, facts.planned_at.get(plan.number, facts.now - facts.ahead)) + facts.ahead
            rounds = (d.ended_at for d in mine if d.ended_at is not None)
            yield Deadline(plan=plan.number, step=step.step, office=step.office, article=step.article,
                           working_days=step.working_days, started_at=max((asked, *rounds)))  # fmt: skip


def _asked_at(plan: Plan, standing: Standing, step: PlannedStep, planned_at: datetime) -> datetime:
    """When the last of the steps before was approved, or when the step's own approval was taken back."""
    before = {other.step for other in plan.steps[: plan.steps.index(step)]}
    moments = [v.approval.created_at for v in standing.approved if v.approval.spec.step in before]
    taken_back = [v.approval.created_at for v in standing.revoked if v.approval.spec.step == step.step]
    return max((*moments, *taken_back), default=planned_at)


def decided_at(standing: Standing, step: str) -> datetime | None:
    """When the step was last approved, whether or not that was taken back later; None while nobody did."""
    approved = (v.approval for v in standing.verdicts if v.counts or v.reason is Reason.WITHDRAWN)
    moments = [a.created_at for a in approved if (a.spec.step, a.spec.decision) == (step, "Approved")]
    return max(moments, default=None)


def _plan_under_way(this: Turn) -> Plan | None:
    if isinstance(this.action, act.Begin):
        return this.action.plan
    operation = this.progress.operation
    return this.facts.plans.get(operation.plan) if operation else None


def _last_approval(this: Turn) -> datetime | None:
    """When the plan was taken in: from then on it is the provider's turn, even if the controller was away."""
    operation = this.progress.operation
    allowing = operation.approvals if operation else ()
    return max((a.created_at + this.facts.ahead for a in this.facts.approvals if a.uid in allowing), default=None)


def _provider_limit(edition: Edition | None, plan: Plan) -> tuple[int, str] | None:
    """Working days and article of the provider's limit for a transition; None where there is none."""
    if edition is None or plan.transition not in ("Provision", "Change", "MajorChange"):
        return None
    days = edition.change if plan.transition == "Change" else edition.provisioning
    return days.value, days.source.cite()


def _provider(facts: Facts) -> str:
    """The provider's name: it consents to going live, so the jurisdiction names it for that step."""
    offices = facts.jurisdiction.spec.offices if facts.jurisdiction else ()
    return next((office.office for office in offices if office.step == "provider-consent"), "")
