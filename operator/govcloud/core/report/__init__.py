"""What people and programs read of a request: a projection of facts, action and outcome. Computed here only, never read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from govcloud.api.common import WAITING_LABEL
from govcloud.api.progress import Progress
from govcloud.api.request_status import RequestStatus
from govcloud.core import actions as act
from govcloud.core.approvals import standing, unasked, unguarded
from govcloud.core.facts import Facts
from govcloud.core.outcome import Outcome
from govcloud.core.report.backups import regular_backups
from govcloud.core.report.conditions import conditions
from govcloud.core.report.next_action import next_action
from govcloud.core.report.phase import phase
from govcloud.core.report.projections import endpoints, plan_view, resources, running_cost
from govcloud.core.report.view import View
from govcloud.core.standing import Verdict
from govcloud.reasons import Reason


@dataclass(frozen=True)
class Report:
    """The status to write, the labels to set (or, with None, to remove), and what is said of each approval."""

    status: RequestStatus
    labels: Mapping[str, str | None]
    verdicts: tuple[Verdict, ...]


def report(facts: Facts, action: act.Action, outcome: Outcome, progress: Progress) -> Report:
    """The status after a pass. Conditions that did not change keep the moment of their last change.

    Args:
        progress: what `progress_after` made of the outcome.
    """
    view = View(facts, action, progress)
    plan = view.plan
    trial_end = progress.trial.ends_at if progress.trial and progress.production_since is None else None
    status = RequestStatus(
        observed_generation=facts.request.generation,
        phase=phase(view),
        conditions=conditions(view, facts.told),
        next_action=next_action(view),
        plan=plan_view(plan, facts) if plan else None,
        progress=progress,
        due=None if progress.terminated_at else view.due or trial_end,
        monthly_cost=running_cost(view),
        regular_backups=regular_backups(facts),
        resources=resources(facts),
        endpoints=endpoints(view),
        credentials_secret=credentials_secret(facts.request.key.name) if progress.credentials_plan else None,
    )
    waiting = status.next_action.waiting_for if status.next_action else None
    return Report(status, {WAITING_LABEL: waiting}, _verdicts(view))


def credentials_secret(request: str) -> str:
    """Name of the Secret that holds a request's credentials."""
    return f"{request[:240]}-credentials"


def _verdicts(view: View) -> tuple[Verdict, ...]:
    """Every decision on the request gets its answer, whatever the request is doing."""
    facts, operation, started = view.facts, view.facts.progress.operation, view.facts.started
    if isinstance(view.action, act.Block) and view.action.reason is Reason.ADMISSION_POLICY_MISSING:
        return unguarded(facts.request.key, facts.approvals, facts.trust)
    if isinstance(view.action, act.Block) and view.action.reason is Reason.PAUSED:
        return ()  # they are judged when it goes on
    if (asked := view.standing) is not None:
        return asked.verdicts
    if isinstance(view.action, act.AddFinalizer | act.Reserve | act.SettleReservation):
        return ()  # which failed; decisions are judged by the pass that goes on
    if operation is not None and started is not None:
        older = frozenset(plan.digest for plan in facts.plans.values() if plan.number != started.number)
        return standing(started, facts.approvals, operation.started_at, older, trust=facts.trust, started=True).verdicts
    return unasked(facts.request.key, facts.approvals)
