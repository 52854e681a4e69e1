"""A cluster that is nothing but manifests: what `govcloud plan` looks at in place of the Kubernetes API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from govcloud.adapters.kube_objects import (
    agreement_from,
    annual_plan_from,
    backup_from,
    catalog_from,
    jurisdiction_from,
    request_from,
    unit_from,
)
from govcloud.adapters.manifest_files import Document
from govcloud.api.common import API_VERSION, UNIT_LABEL, as_written
from govcloud.api.jurisdiction import JurisdictionStatus
from govcloud.api.progress import Progress
from govcloud.api.request import RequestKey
from govcloud.api.request_status import RequestStatus
from govcloud.api.reservation import Reservation
from govcloud.core.accounts import AccountRef, accounts_named, agreement_with, plan_with, reservation_of
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
from govcloud.core.plan import Plan, revision_name
from govcloud.ports import ClusterView, StackOutcome
from policies.shelf import Shelf

Raw = Mapping[str, Any]


class ManifestCluster(ClusterView):
    """The objects in some documents, as if they had just been applied. The documents fit the schema.

    Args:
        now: when they were applied.
        bases: completed plans; a request's says what of it runs.
        jurisdiction: the one under which every unit stands, instead of the one that it names.
    """

    def __init__(
        self, documents: Iterable[Document], now: datetime, bases: Sequence[Plan] = (), jurisdiction: str | None = None
    ) -> None:
        self._bodies = {(d.kind, d.namespace, d.name): d.body for d in documents}
        self._now = now
        self._bases = {(base.request.namespace, base.request.name): base for base in bases}
        self._planned: list[Plan] = []
        self._jurisdiction = jurisdiction

    def request(self, namespace: str, name: str) -> RequestObject | None:
        body = self._find("CloudServiceRequest", name, namespace)
        if body is None:
            return None
        base = self._bases.get((namespace, name))
        uid = base.request.uid if base else str(uuid5(NAMESPACE_URL, f"{namespace}/{name}"))
        status = as_written(_status_after(base, self._now)) if base else {}
        generation = base.generation + 1 if base else 1
        return request_from({**self._applied(body, uid=uid, generation=generation), "status": status})

    def requests(self) -> Sequence[RequestObject]:
        """All of them, as `request` gives each."""
        named = [(namespace, name) for kind, namespace, name in self._bodies if kind == "CloudServiceRequest"]
        return [found for namespace, name in named if (found := self.request(namespace, name)) is not None]

    def approvals(self) -> Sequence[ApprovalObject]:
        return ()

    def pauses(self) -> Sequence[PauseObject]:
        return ()

    def unit(self, name: str) -> UnitObject | None:
        body = self._find("UsingUnit", name)
        unit = unit_from(self._applied(body)) if body else None
        if unit is None or self._jurisdiction is None:
            return unit
        return replace(unit, spec=unit.spec.model_copy(update={"jurisdiction": self._jurisdiction}))

    def jurisdiction(self, name: str) -> JurisdictionObject | None:
        body = self._find("Jurisdiction", name)
        # As if the cloud had been asked and had not said what it offers: planning goes on without.
        asked = as_written(JurisdictionStatus(observed_generation=1))
        return jurisdiction_from({**self._applied(body), "status": asked}) if body else None

    def catalog(self, name: str) -> CatalogObject | None:
        body = self._find("CloudServiceCatalog", name)
        return catalog_from(self._applied(body)) if body else None

    def annual_plan(self, name: str) -> AnnualPlanObject | None:
        """The plan, in which the bases, and what was planned so far, have reserved what they cost."""
        body = self._find("AnnualPlan", name)
        plan = annual_plan_from(self._applied(body)) if body else None
        for ref, reservation in self._reserved("AnnualPlan", name):
            plan = replace(plan, status=plan_with(plan, ref.item, reservation)) if plan else None
        return plan

    def agreement(self, name: str) -> AgreementObject | None:
        """The agreement, under which they have reserved what they cost."""
        body = self._find("ServiceAgreement", name)
        agreement = agreement_from(self._applied(body)) if body else None
        for _, reservation in self._reserved("ServiceAgreement", name):
            agreement = replace(agreement, status=agreement_with(agreement, reservation)) if agreement else None
        return agreement

    def reserve_for(self, plan: Plan) -> None:
        """From now on as if this plan had been approved and its money set aside."""
        self._planned.append(plan)

    def _reserved(self, kind: str, name: str) -> Iterator[tuple[AccountRef, Reservation]]:
        """What requests hold in an account: a later one of a request takes the place of an earlier one, and is the dearer of what runs and what will."""
        held: dict[tuple[str, AccountRef], Decimal] = {}
        for plan in (*self._bases.values(), *self._planned):
            for ref in accounts_named(plan.spec):
                if (ref.kind, ref.name) == (kind, name):
                    held[plan.request.uid, ref] = max(plan.yearly, held.get((plan.request.uid, ref), plan.yearly))
                    yield ref, reservation_of(plan.request, plan.number, held[plan.request.uid, ref], self._now)

    def has_namespace(self, name: str) -> bool:
        """Whether there is a manifest of this namespace."""
        return self._find("Namespace", name) is not None

    def namespace_unit(self, namespace: str) -> str | None:
        body = self._find("Namespace", namespace)
        unit: str | None = (body["metadata"].get("labels") or {}).get(UNIT_LABEL) if body else None
        return unit

    def plans(self, key: RequestKey) -> Sequence[PinnedPlan]:
        base = self._bases.get((key.namespace, key.name))
        return (PinnedPlan(revision_name(key, base.number), base.number, base.text(), self._now),) if base else ()

    def backup(self, name: str) -> BackupObject | None:
        """A set as `kubectl get -o yaml` shows it: what it holds and how it stands is known from nothing else here."""
        body = self._find("ServiceBackup", name)
        return backup_from({**self._applied(body), "status": body.get("status", {})}) if body else None

    def backups_of(self, _uid: str) -> Sequence[BackupObject]:
        return ()

    def policies(self, *, tried: bool = False) -> PolicyLook:
        return PolicyLook(self._now, None, {})

    def guard(self) -> Guard:
        return Guard()

    def _find(self, kind: str, name: str, namespace: str = "") -> Raw | None:
        return self._bodies.get((kind, namespace, name))

    def _applied(self, body: Raw, **metadata: Any) -> dict[str, Any]:
        """With what the API server adds to an object. A status in a manifest means nothing, as there."""
        added = {"uid": str(uuid5(NAMESPACE_URL, str(body["metadata"]["name"]))), "generation": 1, "resourceVersion": "1"}
        named = {**body["metadata"], **added, **metadata, "creationTimestamp": self._now.isoformat()}
        return {"apiVersion": API_VERSION, "kind": body["kind"], "metadata": named, "spec": body.get("spec", {})}


def _status_after(base: Plan, now: datetime) -> RequestStatus:
    """The status of a request whose last completed plan this is."""
    stage, suspended = base.stage, base.wanted().suspended
    return RequestStatus(
        progress=Progress(
            last_plan=base.number,
            completed_plan=base.number,
            running=not suspended,
            production_since=now if stage == "Production" else None,
            suspended_since=now if suspended else None,
            terminated_at=now if stage == "Terminated" else None,
        )
    )


class NoStacks:
    """Without a cloud nothing is known of what a stack holds, but that it is there; a plan is made against the completed plan."""

    def outcome(self, _key: RequestKey) -> StackOutcome:
        return StackOutcome({}, {}, {})

    def drift(self, _key: RequestKey) -> None:
        return None


@dataclass(frozen=True)
class DayClock:
    """A day that does not pass."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def ahead(self) -> timedelta:
        return timedelta(0)


@dataclass(frozen=True)
class ManifestSources:
    """All that a look at a request needs, from manifests."""

    cluster: ManifestCluster
    clock: DayClock
    packs: Shelf
    stacks: NoStacks = field(default_factory=NoStacks)
