"""Annual plans and agreements in memory: as the Kubernetes API keeps them, with versions and their conflicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from threading import RLock
from typing import Protocol, TypeVar

from govcloud.api.agreement import AgreementSpec, AgreementStatus
from govcloud.api.annual_plan import AnnualPlanSpec, AnnualPlanStatus
from govcloud.core.objects import AgreementObject, AnnualPlanObject
from govcloud.failures import Retry
from govcloud.reasons import Reason

Kept = TypeVar("Kept", AnnualPlanObject, AgreementObject)


class Line(Protocol):
    """What lies between the controller and the cluster."""

    def read(self) -> None: ...
    def write(self, name: str) -> AbstractContextManager[None]: ...


class MemoryAccounts:
    """The part of `Cluster` that is about money."""

    def __init__(self, wire: Line, version: Callable[[], str], uid: Callable[[], str]) -> None:
        self._line, self._next_version, self._next_uid = wire, version, uid
        self._annual_plans: dict[str, AnnualPlanObject] = {}
        self._agreements: dict[str, AgreementObject] = {}
        self._lock = RLock()

    # Reading

    def annual_plan(self, name: str) -> AnnualPlanObject | None:
        """The annual plan, or None."""
        self._line.read()
        return self._annual_plans.get(name)

    def agreement(self, name: str) -> AgreementObject | None:
        """The agreement, or None."""
        self._line.read()
        return self._agreements.get(name)

    def annual_plans(self) -> Sequence[AnnualPlanObject]:
        """All annual plans."""
        self._line.read()
        return tuple(self._annual_plans.values())

    def agreements(self) -> Sequence[AgreementObject]:
        """All agreements."""
        self._line.read()
        return tuple(self._agreements.values())

    # Writing

    def write_annual_plan_status(self, plan: AnnualPlanObject, status: AnnualPlanStatus) -> None:
        """Replace the status if it differs and nobody wrote meanwhile."""
        if status != plan.status:
            with self._line.write("cluster.annual-plan-status"), self._lock:
                self._replace(self._annual_plans, plan, replace(plan, status=status))

    def write_agreement_status(self, agreement: AgreementObject, status: AgreementStatus) -> None:
        """Replace the status if it differs and nobody wrote meanwhile."""
        if status != agreement.status:
            with self._line.write("cluster.agreement-status"), self._lock:
                self._replace(self._agreements, agreement, replace(agreement, status=status))

    def _replace(self, kept: dict[str, Kept], read: Kept, written: Kept) -> None:
        stored = kept.get(read.name)
        if stored is None or (stored.uid, stored.resource_version) != (read.uid, read.resource_version):
            raise Retry(Reason.CONFLICT, f"{read.name} was written meanwhile")
        kept[read.name] = replace(written, resource_version=self._next_version())

    # What people do

    def put_annual_plan(self, name: str, spec: AnnualPlanSpec) -> AnnualPlanObject:
        """Create or edit an annual plan."""
        with self._lock:
            before = self._annual_plans.get(name) or AnnualPlanObject(
                name, self._next_uid(), 0, "", spec, AnnualPlanStatus()
            )
            return self._edited(self._annual_plans, before, replace(before, spec=spec))

    def put_agreement(self, name: str, spec: AgreementSpec) -> AgreementObject:
        """Create or edit an agreement."""
        with self._lock:
            before = self._agreements.get(name) or AgreementObject(
                name, self._next_uid(), 0, "", spec, AgreementStatus()
            )
            return self._edited(self._agreements, before, replace(before, spec=spec))

    def _edited(self, kept: dict[str, Kept], before: Kept, after: Kept) -> Kept:
        kept[before.name] = replace(after, generation=before.generation + 1, resource_version=self._next_version())
        return kept[before.name]

    def delete_annual_plan(self, name: str) -> None:
        """What admission forbids while money is reserved in it."""
        del self._annual_plans[name]

    def delete_agreement(self, name: str) -> None:
        """What admission forbids while money is reserved under it."""
        del self._agreements[name]
