"""The one word for where a request is in its life."""

from __future__ import annotations

from govcloud.core import actions as act
from govcloud.core.report.view import View


def phase(view: View) -> str:
    """Where the request is, for the column that people look at first. Programs read conditions."""
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


def _phase_before_first_completion(view: View) -> str:
    if view.progress.operation:
        return "Provisioning"
    if view.rejected:
        return "Rejected"
    return "AwaitingApproval" if isinstance(view.action, act.Await) else "Planning"
