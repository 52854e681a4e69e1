"""Everything that a decision may depend on, gathered before it is made. If a rule needs to know more, it becomes a field here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from govcloud.api.jurisdiction import Approvals
from govcloud.api.progress import Drift, Progress
from govcloud.api.request import RequestKey, RequestSpec
from govcloud.api.request_status import RequestStatus
from govcloud.core.accounts import Account, AccountRef, Holder, account_of
from govcloud.core.approval_checks import Trust
from govcloud.core.guard import Admission
from govcloud.core.objects import (
    AgreementObject,
    AnnualPlanObject,
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
    RequestObject,
    UnitObject,
)
from govcloud.core.plan import Plan
from govcloud.core.violations import Violation
from govcloud.reasons import Reason
from policies.rules import Edition

TRIAL_END_PLAN = 0
"""Number in place of a plan where the pack's own rule acts: the end of a trial."""


@dataclass(frozen=True)
class RunningResource:
    """A resource of the request's stack, from the engine's state."""

    name: str
    type: str
    id: str


@dataclass(frozen=True)
class OtherRequest:
    """Another request of the same unit. `is_current`: its progress is that of this spec, and not of one before an edit."""

    key: RequestKey
    spec: RequestSpec
    progress: Progress
    is_current: bool = True


@dataclass(frozen=True)
class Facts:
    """One request and all around it, at one moment.

    Attributes:
        spec: the parsed spec; None when it does not fit the model, and then `spec_faults` says why.
        told: the status as it was written last; `progress` is the part of it that decisions rest on.
        plans: every pinned plan by number, oldest first; `planned_at` says when each was frozen.
        damaged: numbers of pinned plans that cannot be read.
        has_stack: whether the engine remembers a stack of the request at all.
        unreadable: why the stack's state cannot be read, if so: then nobody knows what there is, and nothing is decided.
        edition: the rules in force, as the jurisdiction tightened them; `loosened`: its settings that would loosen them, which are refused.
        blocked: the first thing around the request that is missing or wrong (unit, jurisdiction, catalog, pack), if any.
        admission: the decisions that there are, and whether admission was guarded when they were made.
        cloud_services: OpenStack service types that the cloud offers; None when nobody could ask.
        resources: what the request's stack holds, from its state.
        drift: how the cloud differs from the stack; None when nobody looked since it last ran.
        ahead: by how much `now` is ahead of the dates of plans and approvals: nothing, but in development.
        pause: the oldest order to leave this request as it is, if there is one.
        annual_plans, agreements: those that the spec or any plan names, by name, as far as they exist.
        restore_set: the backup set that the spec names to get data back from, if it exists.
        regular: the request's regular backups, oldest first, while it lives.
        superseded: backup sets of terminations that another one took the place of, because their backup could not be proven.
        others_of_the_unit: the unit's other requests, where a step of the pack depends on the budget of all of them.
    """

    now: datetime
    request: RequestObject
    spec: RequestSpec | None
    spec_faults: tuple[Violation, ...]
    progress: Progress
    told: RequestStatus
    namespace_unit: str | None
    unit: UnitObject | None
    superior: UnitObject | None
    jurisdiction: JurisdictionObject | None
    catalog: CatalogObject | None
    edition: Edition | None
    blocked: tuple[Reason, str] | None
    plans: Mapping[int, Plan]
    planned_at: Mapping[int, datetime]
    damaged: frozenset[int]
    admission: Admission
    cloud_services: frozenset[str] | None
    backup: BackupObject | None
    resources: tuple[RunningResource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    unreadable: tuple[Reason, str] | None = None
    ahead: timedelta = timedelta(0)
    has_stack: bool = True
    drift: tuple[Drift, ...] | None = None
    loosened: tuple[Violation, ...] = ()
    annual_plans: Mapping[str, AnnualPlanObject] = field(default_factory=dict)
    agreements: Mapping[str, AgreementObject] = field(default_factory=dict)
    others_of_the_unit: tuple[OtherRequest, ...] = ()
    pause: PauseObject | None = None
    regular: tuple[BackupObject, ...] = ()
    superseded: tuple[BackupObject, ...] = ()
    restore_set: BackupObject | None = None

    @property
    def approvals(self) -> tuple[ApprovalObject, ...]:
        """All decisions of all namespaces."""
        return self.admission.approvals

    @property
    def trust(self) -> Trust:
        """By what it is known who made a decision."""
        return Trust(self.jurisdiction.spec.approvals if self.jurisdiction else Approvals(), self.admission.guard.windows)

    @property
    def decisions_count_from(self) -> datetime | None:
        """When decisions begin to count again, while that is still to come. By the clock of `now`."""
        opens = self.admission.guard.counts_from
        return opens + self.ahead if opens and opens + self.ahead > self.now else None

    def may_be_forged(self, plan: Plan) -> bool:
        """Whether the plan was pinned while the policies that let only the controller do so may not have been intact."""
        pinned = self.planned_at.get(plan.number)
        return pinned is not None and any(window.spans(pinned) for window in self.admission.guard.windows)

    @property
    def latest(self) -> Plan | None:
        return self.plans[max(self.plans)] if self.plans else None

    @property
    def next_plan(self) -> int:
        """The number that a plan made now has."""
        return max(self.latest.number if self.latest else 0, self.progress.last_plan) + 1

    @property
    def completed(self) -> Plan | None:
        number = self.progress.completed_plan
        return self.plans.get(number) if number is not None else None

    @property
    def pending(self) -> Plan | None:
        """The newest plan, if it was made for exactly this generation of the spec and for what runs now, and was not carried out."""
        latest = self.latest
        if latest is None or latest.number <= (self.progress.completed_plan or 0):
            return None
        made_for = (latest.generation, latest.base_plan, latest.base_running, latest.replaces)
        now = (self.request.generation, self.progress.completed_plan, self.progress.running, self.unfinished)
        return latest if made_for == now else None

    @property
    def started(self) -> Plan | None:
        """The plan of the operation that is under way."""
        operation = self.progress.operation
        return self.plans.get(operation.plan) if operation else None

    @property
    def unfinished(self) -> tuple[int, ...]:
        """Numbers of the plans that began since the last completed one and did not end, oldest first: what they did is in the cloud."""
        return (*self.started.replaces, self.started.number) if self.started else ()

    @property
    def state_is_lost(self) -> bool:
        """Whether the engine forgot what plans made: a stack that was never there had no plan that completed, or that another one replaced."""
        earlier = self.progress.completed_plan is not None or len(self.unfinished) > 1
        return earlier and self.progress.terminated_at is None and (self.progress.rebuilding or not self.has_stack)

    @property
    def missing_plans(self) -> frozenset[int]:
        """Numbers of plans that something depends on and nobody can find."""
        operation = self.progress.operation
        needed = {self.progress.completed_plan, operation.plan if operation else None, *self.unfinished} - {None, TRIAL_END_PLAN}
        return frozenset(number for number in needed if number is not None and number not in self.plans)

    def holder(self, account: AccountRef) -> Holder | None:
        """The object that an account is part of; None where there is none of this name."""
        return self.annual_plans.get(account.name) if account.kind == "AnnualPlan" else self.agreements.get(account.name)

    def account(self, account: AccountRef) -> Account | None:
        """How an account stands; None where its object does not exist."""
        holder = self.holder(account)
        return account_of(holder, account.item) if holder else None
