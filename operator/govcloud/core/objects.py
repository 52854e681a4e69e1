"""The objects of the cluster as frozen values: what adapters hand in and decisions read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from govcloud.api.agreement import AgreementSpec, AgreementStatus
from govcloud.api.annual_plan import AnnualPlanSpec, AnnualPlanStatus
from govcloud.api.approval import ApprovalSpec, ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.catalog import CatalogSpec, CatalogStatus
from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.pause import PauseSpec
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus


@dataclass(frozen=True)
class FoundOtherwise:
    """A status as it was found, where it is not what this controller wrote last.

    `altered` names the fields of its progress that somebody else wrote; none where it is what this controller wrote before, as after a crash.
    """

    status: Mapping[str, Any]
    altered: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequestObject:
    """A CloudServiceRequest. `spec` and `status` are raw: parsing them is a decision, not an assumption.

    The progress in `status` is what this controller wrote last; where another one lies in the cluster, `otherwise` has what was found.
    """

    key: RequestKey
    generation: int
    resource_version: str
    created_at: datetime
    deleting: bool
    has_finalizer: bool
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    otherwise: FoundOtherwise | None = None


@dataclass(frozen=True)
class ApprovalObject:
    """A CloudServiceApproval. `status` is None where the controller has not said anything yet."""

    name: str
    namespace: str
    uid: str
    created_at: datetime
    spec: ApprovalSpec
    status: ApprovalStatus | None
    generation: int = 1
    """Grows with each change of the spec, so it stays 1."""


@dataclass(frozen=True)
class UnitObject:
    name: str
    uid: str
    generation: int
    spec: UnitSpec
    status: UnitStatus


@dataclass(frozen=True)
class JurisdictionObject:
    name: str
    uid: str
    generation: int
    spec: JurisdictionSpec
    status: JurisdictionStatus = field(default_factory=JurisdictionStatus)


@dataclass(frozen=True)
class CatalogObject:
    name: str
    uid: str
    generation: int
    spec: CatalogSpec
    status: CatalogStatus = field(default_factory=CatalogStatus)


@dataclass(frozen=True)
class AnnualPlanObject:
    """An AnnualPlan. Its status is written on condition of `resource_version`: what is reserved in between is not lost."""

    name: str
    uid: str
    generation: int
    resource_version: str
    spec: AnnualPlanSpec
    status: AnnualPlanStatus


@dataclass(frozen=True)
class AgreementObject:
    """A ServiceAgreement. Its status is written on condition of `resource_version`, as that of an AnnualPlan is."""

    name: str
    uid: str
    generation: int
    resource_version: str
    spec: AgreementSpec
    status: AgreementStatus


@dataclass(frozen=True)
class PauseObject:
    name: str
    created_at: datetime
    spec: PauseSpec

    def covers(self, key: RequestKey) -> bool:
        """Whether it is about this request, or about all of them."""
        only = self.spec.request
        return only is None or (only.namespace, only.name) == (key.namespace, key.name)


@dataclass(frozen=True)
class BackupObject:
    name: str
    uid: str
    spec: BackupSpec
    status: BackupStatus


@dataclass(frozen=True)
class PinnedPlan:
    """A plan as it was frozen: its number, and its canonical JSON text exactly as stored."""

    revision: str
    number: int
    text: str
    created_at: datetime
