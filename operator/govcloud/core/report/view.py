"""Everything that the status of a request is told from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from govcloud.api.deadline import Deadline
from govcloud.api.progress import Progress
from govcloud.core import actions as act
from govcloud.core.deadlines import running
from govcloud.core.deadlines_asked import PROVIDER
from govcloud.core.evaluation import EVALUATION
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan
from govcloud.core.standing import Standing
from govcloud.reasons import Reason


@dataclass(frozen=True)
class View:
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
        """The legal clock of the office that is waited for, of the provider, or of the unit that owes an evaluation."""
        if isinstance(self.action, act.Await):
            step = self.action.standing.next_step
            return running(self.progress, self.action.plan.number, step.step) if step else None
        if (operation := self.progress.operation) is not None:
            return running(self.progress, operation.plan, PROVIDER)
        return next((each for each in self.progress.deadlines if each.step == EVALUATION and each.ended_at is None), None)

    @property
    def due(self) -> datetime | None:
        """Until when the one whose clock runs has to be done."""
        return self.deadline.due if self.deadline else None
