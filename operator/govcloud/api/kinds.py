"""The kinds of the API: names, scope, models, and the columns that `kubectl get` shows. One entry here is one CRD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic.config import JsonDict

from govcloud.api.agreement import AgreementSpec, AgreementStatus
from govcloud.api.annual_plan import AnnualPlanSpec, AnnualPlanStatus
from govcloud.api.approval import ApprovalSpec, ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.catalog import CatalogSpec, CatalogStatus
from govcloud.api.common import Model
from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.marks import rule
from govcloud.api.pause import PauseSpec, PauseStatus
from govcloud.api.request import RequestSpec
from govcloud.api.request_status import RequestStatus
from govcloud.api.unit import UnitSpec, UnitStatus
from stacks.unit import LONGEST_NAME as LONGEST_UNIT_NAME


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`. `wide`: shown with `-o wide` only. `path` is a JSONPath into the object."""

    name: str
    path: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of object. Each is itself only: two are never equal.

    Attributes:
        rules: CEL rules over the whole object, which alone can see its name.
        selectable: JSON paths that `kubectl get --field-selector` understands.
    """

    kind: str
    plural: str
    short: str
    scope: Literal["Namespaced", "Cluster"]
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]
    rules: tuple[JsonDict, ...] = ()
    selectable: tuple[str, ...] = ()

    @property
    def singular(self) -> str:
        return self.kind.lower()


def _condition(kind: str, field: Literal["status", "reason"] = "status") -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


def _short_name(longest: int, why: str) -> JsonDict:
    return rule(
        f"self.metadata.name.size() <= {longest}",
        f"metadata.name may have at most {longest} characters: {why} / 名称过长",
    )


AGE = Column("Age", ".metadata.creationTimestamp", "date")
READY = Column("Ready", _condition("Ready"))

REQUEST = Kind(
    "CloudServiceRequest",
    "cloudservicerequests",
    "csreq",
    "Namespaced",
    RequestSpec,
    RequestStatus,
    columns=(
        Column("Unit", ".spec.unit"),
        Column("Stage", ".spec.stage"),
        Column("Phase", ".status.phase"),
        READY,
        Column("Waiting for", ".status.nextAction.waitingFor"),
        # Not of type date: that one shows how long ago something was, and `<invalid>` for what is still to come.
        Column("Due", ".status.due"),
        Column("Monthly cost", ".status.monthlyCost"),
        AGE,
        Column("Applicant", ".spec.applicant", wide=True),
        Column("Plan", ".status.plan.number", "integer", wide=True),
        Column("Reason", _condition("Ready", "reason"), wide=True),
        Column("Overdue", _condition("Overdue"), wide=True),
    ),
    rules=(_short_name(63, "it becomes part of the names of plans, secrets and stacks"),),
    selectable=(".spec.unit", ".spec.stage"),
)
APPROVAL = Kind(
    "CloudServiceApproval",
    "cloudserviceapprovals",
    "csapp",
    "Namespaced",
    ApprovalSpec,
    ApprovalStatus,
    columns=(
        Column("Request", ".spec.request.name"),
        Column("Step", ".spec.step"),
        Column("Decision", ".spec.decision"),
        Column("Office", ".spec.office"),
        Column("Approver", ".spec.approver"),
        Column("Accepted", _condition("Accepted")),
        Column("Reason", _condition("Accepted", "reason")),
        AGE,
        Column("Document number", ".spec.documentNumber", wide=True),
        Column("Plan digest", ".spec.planDigest", wide=True),
    ),
    selectable=(".spec.request.name", ".spec.step", ".spec.decision"),
)
UNIT = Kind(
    "UsingUnit",
    "usingunits",
    "unit",
    "Cluster",
    UnitSpec,
    UnitStatus,
    columns=(
        Column("Title", ".spec.title"),
        Column("Level", ".spec.budgetLevel"),
        Column("Superior", ".spec.superior"),
        Column("Jurisdiction", ".spec.jurisdiction"),
        AGE,
        Column("Project", ".status.projectId", wide=True),
    ),
    rules=(
        _short_name(LONGEST_UNIT_NAME, "it becomes part of the names of projects in OpenStack"),
        rule(
            "!has(self.spec.superior) || self.spec.superior != self.metadata.name",
            "a unit is not above itself; name the primary unit / 主管单位不能是本单位",
        ),
    ),
)
JURISDICTION = Kind(
    "Jurisdiction",
    "jurisdictions",
    "juris",
    "Cluster",
    JurisdictionSpec,
    JurisdictionStatus,
    columns=(
        Column("Title", ".spec.title"),
        Column("Pack", ".spec.pack"),
        Column("Catalog", ".spec.catalog"),
        READY,
        AGE,
        Column("Reason", _condition("Ready", "reason"), wide=True),
    ),
)
CATALOG = Kind(
    "CloudServiceCatalog",
    "cloudservicecatalogs",
    "cscat",
    "Cluster",
    CatalogSpec,
    CatalogStatus,
    columns=(
        Column("Title", ".spec.title"),
        Column("From", ".spec.validFrom"),
        Column("Until", ".spec.validUntil"),
        READY,
        AGE,
    ),
)
BACKUP = Kind(
    "ServiceBackup",
    "servicebackups",
    "csbak",
    "Cluster",
    BackupSpec,
    BackupStatus,
    columns=(
        Column("Kind", ".spec.kind"),
        Column("Unit", ".spec.unit"),
        Column("Namespace", ".spec.request.namespace"),
        Column("Request", ".spec.request.name"),
        Column("State", ".status.state"),
        Column("Keep until", ".spec.retainUntil"),
        AGE,
        Column("Verified", ".status.verifiedAt", wide=True),
        Column("Reason", ".status.failure.reason", wide=True),
        Column("Manifest", ".status.manifestLocation", wide=True),
    ),
)
ANNUAL_PLAN = Kind(
    "AnnualPlan",
    "annualplans",
    "aplan",
    "Cluster",
    AnnualPlanSpec,
    AnnualPlanStatus,
    columns=(
        Column("Jurisdiction", ".spec.jurisdiction"),
        Column("Year", ".spec.year", "integer"),
        Column("Budget", ".status.budget"),
        Column("Reserved", ".status.reserved"),
        Column("Within budget", _condition("WithinBudget")),
        AGE,
    ),
    selectable=(".spec.jurisdiction",),
)
AGREEMENT = Kind(
    "ServiceAgreement",
    "serviceagreements",
    "csagr",
    "Cluster",
    AgreementSpec,
    AgreementStatus,
    columns=(
        Column("Number", ".spec.number"),
        Column("Unit", ".spec.parties.unit"),
        Column("Until", ".spec.validUntil"),
        Column("In force", _condition("InForce")),
        Column("Amount", ".spec.amount"),
        Column("Reserved", ".status.reserved"),
        Column("Left", ".status.left"),
        AGE,
        Column("Provider", ".spec.parties.provider", wide=True),
        Column("Filed", ".spec.filing.number", wide=True),
        Column("Reason", _condition("InForce", "reason"), wide=True),
    ),
    selectable=(".spec.parties.unit",),
)
PAUSE = Kind(
    "Pause",
    "pauses",
    "cspause",
    "Cluster",
    PauseSpec,
    PauseStatus,
    columns=(
        Column("Namespace", ".spec.request.namespace"),
        Column("Request", ".spec.request.name"),
        Column("By", ".spec.by"),
        Column("Reason", ".spec.reason"),
        AGE,
    ),
)

KINDS = (REQUEST, APPROVAL, UNIT, JURISDICTION, CATALOG, BACKUP, ANNUAL_PLAN, AGREEMENT, PAUSE)
