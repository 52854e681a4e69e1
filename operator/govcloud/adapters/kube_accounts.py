"""Annual plans and agreements in the Kubernetes API. What is reserved in one is written on condition of the version that was read."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from govcloud.adapters.kube_api import KubeApi
from govcloud.adapters.kube_kinds import identified, path_to
from govcloud.adapters.kube_objects import agreement_from, annual_plan_from, fitting, those_that_fit
from govcloud.api import kinds
from govcloud.api.agreement import AgreementStatus
from govcloud.api.annual_plan import AnnualPlanStatus
from govcloud.api.common import as_written
from govcloud.core.accounts import Holder
from govcloud.core.objects import AgreementObject, AnnualPlanObject
from govcloud.reasons import Reason


class KubeAccounts:
    """The part of `Cluster` that is about money. All methods may be called from several threads, and several processes, at once."""

    _api: KubeApi

    def annual_plan(self, name: str) -> AnnualPlanObject | None:
        return fitting(annual_plan_from, self._api.read(path_to(kinds.ANNUAL_PLAN, name)), Reason.PROGRAM_FAULT)

    def agreement(self, name: str) -> AgreementObject | None:
        return fitting(agreement_from, self._api.read(path_to(kinds.AGREEMENT, name)), Reason.PROGRAM_FAULT)

    def annual_plans(self) -> Sequence[AnnualPlanObject]:
        return those_that_fit(annual_plan_from, self._api.every(path_to(kinds.ANNUAL_PLAN)))

    def agreements(self) -> Sequence[AgreementObject]:
        return those_that_fit(agreement_from, self._api.every(path_to(kinds.AGREEMENT)))

    def write_annual_plan_status(self, plan: AnnualPlanObject, status: AnnualPlanStatus) -> None:
        self._write(kinds.ANNUAL_PLAN, plan, status)

    def write_agreement_status(self, agreement: AgreementObject, status: AgreementStatus) -> None:
        self._write(kinds.AGREEMENT, agreement, status)

    def _write(self, kind: kinds.Kind, holder: Holder, status: BaseModel) -> None:
        """The API server refuses it (409: `Retry`) if the object is not as it was read."""
        if status != holder.status:
            body = identified(kind, holder.name, None, holder.uid, holder.resource_version)
            self._api.replace(f"{path_to(kind, holder.name)}/status", {**body, "status": as_written(status)})
