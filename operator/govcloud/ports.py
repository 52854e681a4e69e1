"""What the reconciler needs of the world, as protocols. Adapters fulfil them; `govcloud.adapters.memory` has the twins for tests.

Obligations that every implementation has:
- foreign exceptions never leave: only `Retry` and `Stop` (`govcloud.failures`), and `AuditUnavailable` of the log;
- an operation that was interrupted at any point can simply be called again;
- nothing is written that was not recorded as an intent before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from govcloud.api.agreement import AgreementStatus
from govcloud.api.annual_plan import AnnualPlanStatus
from govcloud.api.approval import ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus, PartStatus
from govcloud.api.catalog import CatalogStatus
from govcloud.api.jurisdiction import JurisdictionStatus
from govcloud.api.progress import Drift
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitStatus
from govcloud.audit.log import AuditLog
from govcloud.core.guard import Guard, PolicyLook
from govcloud.core.objects import (
    AgreementObject,
    AnnualPlanObject,
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from govcloud.frozen import FrozenPlans
from policies.shelf import Shelf, shipped
from stacks.kind import Quota
from stacks.program import Program

__all__ = [
    "ApprovalObject", "BackupObject", "Backups", "CatalogObject", "Clock", "Cloud", "Cluster", "ClusterView", "Found",
    "JurisdictionObject", "PinnedPlan", "Ports", "RequestObject", "Sources", "StackOutcome", "StackView", "Stacks", "UnitAccess",
    "UnitObject",
]  # fmt: skip


class ClusterView(Protocol):
    """What is read of the Kubernetes API. Reads return None for what does not exist."""

    def request(self, namespace: str, name: str) -> RequestObject | None: ...
    def requests(self) -> Sequence[RequestObject]: ...
    def approvals(self) -> Sequence[ApprovalObject]:
        """All approvals of all namespaces: document numbers are unique among all of them."""
        ...

    def unit(self, name: str) -> UnitObject | None: ...
    def jurisdiction(self, name: str) -> JurisdictionObject | None: ...
    def catalog(self, name: str) -> CatalogObject | None: ...
    def annual_plan(self, name: str) -> AnnualPlanObject | None: ...
    def agreement(self, name: str) -> AgreementObject | None: ...
    def pauses(self) -> Sequence[PauseObject]:
        """Every pause that holds."""
        ...

    def namespace_unit(self, namespace: str) -> str | None:
        """The unit that the namespace belongs to by its protected label."""
        ...

    def plans(self, key: RequestKey) -> Sequence[PinnedPlan]: ...
    def backup(self, name: str) -> BackupObject | None: ...
    def backups_of(self, uid: str) -> Sequence[BackupObject]:
        """The backup sets of the request with this uid."""
        ...

    def policies(self, *, tried: bool = False) -> PolicyLook:
        """A look at the admission policies and bindings, now.

        With `tried`, a decision that nobody may make is filed first, as a dry run: policies that let it in are not in force, though they are there.
        """
        ...

    def guard(self) -> Guard:
        """What is remembered of earlier looks at them; nothing, where no such record is there that this controller wrote."""
        ...


class Cluster(ClusterView, Protocol):
    """The Kubernetes API."""

    def jurisdictions(self) -> Sequence[JurisdictionObject]: ...
    def catalogs(self) -> Sequence[CatalogObject]: ...
    def pin_plan(self, key: RequestKey, number: int, text: str) -> PinnedPlan:
        """Freeze a plan as an immutable ControllerRevision owned by the request. The same plan again is no error; another text under the
        same number raises `Stop`."""
        ...

    def remember_guard(self, guard: Guard, replacing: Guard) -> None:
        """Keep what is known of the policies now, durably. Where something else than `replacing` is remembered: `Retry(CONFLICT)`."""
        ...

    def add_finalizer(self, request: RequestObject) -> None: ...
    def remove_finalizer(self, request: RequestObject) -> None: ...
    def guard_namespaces(self) -> None:
        """Mark every namespace that holds a live request, so that it cannot be deleted, and no other."""
        ...

    def write_request_status(
        self, request: RequestObject, status: Mapping[str, Any], labels: Mapping[str, str | None]
    ) -> None:
        """Replace the status (and set or, with None, remove labels) if anything differs. A newer object raises `Retry(CONFLICT)`."""
        ...

    def write_approval_status(self, approval: ApprovalObject, status: ApprovalStatus) -> None: ...
    def write_jurisdiction_status(self, jurisdiction: JurisdictionObject, status: JurisdictionStatus) -> None: ...
    def write_catalog_status(self, catalog: CatalogObject, status: CatalogStatus) -> None: ...
    def write_unit_status(self, unit: UnitObject, status: UnitStatus) -> None: ...
    def write_secret(self, key: RequestKey, name: str, values: Mapping[str, str]) -> None:
        """Create or update the Secret with a service's credentials, owned by the request."""
        ...

    def create_backup(self, name: str, spec: BackupSpec) -> BackupObject:
        """Create the ServiceBackup; one that exists with the same spec is returned as it is."""
        ...

    def backups(self) -> Sequence[BackupObject]:
        """Every backup set, of requests that are gone as well."""
        ...

    def delete_backup(self, backup: BackupObject) -> None:
        """Delete the ServiceBackup; one that is gone is no error."""
        ...

    def write_backup_status(self, backup: BackupObject, status: BackupStatus) -> None: ...
    def annual_plans(self) -> Sequence[AnnualPlanObject]: ...
    def agreements(self) -> Sequence[AgreementObject]: ...
    def write_annual_plan_status(self, plan: AnnualPlanObject, status: AnnualPlanStatus) -> None:
        """Replace the status if it differs. An object that was written meanwhile raises `Retry(CONFLICT)`: no reservation is lost."""
        ...

    def write_agreement_status(self, agreement: AgreementObject, status: AgreementStatus) -> None:
        """The same for an agreement."""
        ...

    def emit_event(self, about: RequestObject | JurisdictionObject, reason: str, message: str, *, warning: bool = False) -> None: ...


@dataclass(frozen=True)
class StackOutcome:
    """What a stack gives out after a run. `resources`: logical name -> (type token, OpenStack id). Secret outputs are in `outputs` too."""

    resources: Mapping[str, tuple[str, str]]
    outputs: Mapping[str, Any]
    operations: Mapping[str, int]
    """How many resources were created, updated, replaced, deleted, or stayed the same, from the engine's own event stream."""


@dataclass(frozen=True)
class UnitAccess:
    """What requests of a unit need to know of its stack."""

    project_id: str
    user_id: str


class StackView(Protocol):
    """What is read of Pulumi."""

    def outcome(self, key: RequestKey) -> StackOutcome | None:
        """What the stack gives out now, from its state; None where there is no stack."""
        ...

    def drift(self, key: RequestKey) -> tuple[Drift, ...] | None:
        """How the cloud differed from the stack at the last look; None where nobody looked since the stack last ran."""
        ...


class Stacks(StackView, Protocol):
    """Pulumi. One call is one run of the engine (after whatever recovery an interrupted run needs)."""

    def ensure_unit(self, unit: UnitObject, jurisdiction: JurisdictionObject, quota: Quota) -> UnitAccess:
        """Bring the unit's stack (project, service user, quotas) to this quota, under the unit's lock."""
        ...

    def up(
        self,
        key: RequestKey,
        unit: UnitObject,
        plan: int,
        program: Program,
        allowed: frozenset[tuple[str, str]],
        anew: frozenset[str] = frozenset(),
    ) -> StackOutcome:
        """Bring the request's stack to `program`. `allowed` holds (logical name, create|update|replace|delete): anything else is
        `Stop(PLAN_MISMATCH)` and does not happen. Of the resources in `anew` the cloud is believed, and not what the stack remembers."""
        ...

    def rebuild(
        self, key: RequestKey, unit: UnitObject, plan: int, program: Program, may_be_missing: frozenset[str]
    ) -> StackOutcome:
        """Make the lost state of a stack anew. Each resource of `program` is looked up by the marks of the plans up to `plan`; nothing is
        made but credentials whose secret only the lost state held. One that is not there and may not be missing is
        `Stop(RESOURCE_FAILED)`, and there is still no state."""
        ...

    def rotate_credential(self, unit: UnitObject) -> None:
        """One step towards the credential that the unit should have now: make the newer one, which is used from then on; or, in a later
        call, withdraw the older ones, if nothing uses them any more. At rest nothing is done."""
        ...

    def look_for_drift(self, unit: UnitObject, keys: Sequence[RequestKey]) -> None:
        """Compare the cloud with the stacks of these requests of one unit. Reads only; a stack that runs meanwhile is left for the next look."""
        ...

    def destroy(self, key: RequestKey, unit: UnitObject, plan: int) -> StackOutcome:
        """Destroy all resources of the request's stack. Whoever calls this has proven the backup: see `core.actions.Destroy`."""
        ...


@dataclass(frozen=True)
class Found:
    """An object in the cloud that carries a mark of ours."""

    type: str
    id: str
    name: str


class Cloud(Protocol):
    """OpenStack, read with the controller's own login."""

    def services(self) -> Sequence[str]:
        """Service types in the catalog of the cloud, asked anew: no answer that was remembered."""
        ...

    def marked(self, unit_project: str, owner: str) -> Sequence[Found]:
        """Everything in the unit's project that carries `govcloud_request=<owner>`, over all pages of all services. A listing that failed
        raises `Retry`: it never looks like an empty one."""
        ...


class Backups(Protocol):
    """Backing up, restoring into quarantine, comparing. Each call moves one part one step further and can be repeated after a crash.

    Of a regular backup the sources go on being used: volumes are as they were at one moment, each object of a container as it was when it was read.
    """

    def quiesce(self, spec: BackupSpec, part: str) -> None:
        """Make a database write all it has to its volume and stop. Servers were stopped by the stack before. No-op for other parts."""
        ...

    def advance(self, backup: BackupObject, part: PartStatus) -> PartStatus:
        """Do the next step of a part: look for what an interrupted attempt made, then make it. Returns the new status of the part.

        Steps: Pending -> Frozen -> SourceRead -> BackedUp -> Restored -> RestoreRead -> Verified -> Cleaned; a difference is Mismatch."""
        ...

    def changed(self, backup: BackupObject) -> Mapping[str, str]:
        """What of a proven set may not be any more as it was proven: by name of the part, why. What is gone did not change."""
        ...

    def clear(self, backup: BackupObject) -> None:
        """Remove all that a set made which is not finished. Of one with a Mismatch its backups and the copies that differ stay as evidence. Returns
        when a listing shows that the rest is gone; `Retry` until then."""
        ...

    def purge(self, backup: BackupObject) -> None:
        """Remove every backup, copy, helper and list of objects of a set. Returns when a listing shows that they are gone; `Retry` until then. The
        manifest stays."""
        ...

    def store_manifest(self, backup: BackupObject) -> tuple[str, str]:
        """Store the manifest (canonical JSON of spec and evidence) in the backup project: (location, SHA-256)."""
        ...


class Restores(Protocol):
    """Bringing volumes back from their backups (docs/decisions/0013). Each call can be repeated after a crash, and then goes on where it was."""

    def copy(self, plan: Plan, volume: PlannedVolume) -> None:
        """Make a volume of the backup, in the quarantine project. Returns once it is there."""
        ...

    def prove(self, plan: Plan, volume: PlannedVolume) -> None:
        """Read every byte of the copy. What is not as the plan says is `Stop(BACKUP_MISMATCH)`."""
        ...

    def hand_over(self, plan: Plan, volume: PlannedVolume, unit: UnitObject) -> None:
        """Let the copy be the volume that a run of the plan's program makes: in the unit's project, as large and with the marks, so that it is
        found and not made. One that is there already is left as it is."""
        ...

    def clear(self, plan: Plan) -> None:
        """Remove every copy that was not handed over. Returns when a listing shows that they are gone."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment that deadlines and trials count by: UTC, aware."""
        ...

    def ahead(self) -> timedelta:
        """By how much that is ahead of the clock by which the API server dates objects: nothing, but for a development clock."""
        ...


class Sources(Protocol):
    """What a look at a request needs: reading only. `Ports` are such sources, and so are files (`govcloud plan`)."""

    @property
    def cluster(self) -> ClusterView: ...
    @property
    def stacks(self) -> StackView: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def packs(self) -> Shelf: ...


@dataclass(frozen=True)
class Ports:
    """All of them. Made in `govcloud.wiring` only."""

    cluster: Cluster
    stacks: Stacks
    cloud: Cloud
    backups: Backups
    restores: Restores
    audit: AuditLog
    clock: Clock
    frozen: FrozenPlans
    packs: Shelf = field(default_factory=shipped)
