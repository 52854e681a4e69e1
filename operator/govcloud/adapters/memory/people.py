"""What people do to the objects of the API, for tests; admission is not played: what it refuses is not tried here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from govcloud.adapters.memory.objects import Objects
from govcloud.api.approval import ApprovalSpec
from govcloud.api.catalog import CatalogSpec, CatalogStatus
from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.pause import PauseSpec
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.guard import Guard, after_look
from govcloud.core.objects import (
    ApprovalObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)


class People(Objects):
    """Every act that a person, or somebody with too many rights, can do."""

    def apply_request(self, namespace: str, name: str, spec: Mapping[str, Any]) -> RequestObject:
        """Create the request, or edit its spec: the generation grows when the spec differs."""
        stored = self._requests.get((namespace, name))
        if stored is None:
            key = RequestKey(namespace=namespace, name=name, uid=self._uid())
            made = RequestObject(key, 1, self._version(), self._clock.now(), False, False, {}, dict(spec), {})
            self._requests[namespace, name] = made
            return made
        if dict(stored.spec) == dict(spec):
            return stored
        return self._change(stored, spec=dict(spec), generation=stored.generation + 1)

    def delete_request(self, namespace: str, name: str) -> None:
        """Ask for the deletion: with our finalizer the object stays and is marked."""
        stored = self._requests[namespace, name]
        if stored.has_finalizer:
            self._change(stored, deleting=True, generation=stored.generation + 1)
        else:
            del self._requests[namespace, name]

    def create_approval(self, namespace: str, name: str, spec: ApprovalSpec) -> ApprovalObject:
        """Decide."""
        made = ApprovalObject(name, namespace, self._uid(), self._clock.now(), spec, None)
        if self._approvals.setdefault((namespace, name), made) is not made:
            raise ValueError(f"there is an approval {namespace}/{name} already")
        return made

    def every_plan(self) -> tuple[PinnedPlan, ...]:
        """The pinned plans of all requests, also of those that are gone."""
        return tuple(self._plans.values())

    def edit_approval(self, namespace: str, name: str, **changes: Any) -> None:
        """What admission and the schema forbid."""
        before = self._approvals[namespace, name]
        spec = before.spec.model_copy(update=changes)
        self._approvals[namespace, name] = replace(before, spec=spec, generation=before.generation + 1)

    def guarded_since(self, moment: datetime) -> None:
        """Let a controller have looked at the policies before."""
        self._guard = after_look(Guard(), replace(self.policies(), at=moment), ())

    def forget_guard(self) -> None:
        """Delete the record of the policies, or write one that the controller does not take for its own."""
        self._guard = Guard()

    def delete_approval(self, namespace: str, name: str) -> None:
        """What admission forbids to everybody but retention."""
        del self._approvals[namespace, name]

    def delete_plan(self, key: RequestKey, number: int) -> None:
        """What admission forbids to everybody but the controller."""
        del self._plans[key.uid, number]

    def damage_plan(self, key: RequestKey, number: int, text: str) -> None:
        """Put another text where a plan was pinned."""
        self._plans[key.uid, number] = replace(self._plans[key.uid, number], text=text)

    def damage_status(self, request: RequestObject, status: Mapping[str, Any]) -> RequestObject:
        """Write what admission lets only the controller write."""
        return self._change(self._same(request), status=status)

    def put_unit(self, name: str, spec: UnitSpec) -> UnitObject:
        """Create or edit a unit."""
        before = self._units.get(name)
        made = UnitObject(name, self._uid(), 1, spec, UnitStatus())
        self._units[name] = replace(before, spec=spec, generation=before.generation + 1) if before else made
        return self._units[name]

    def put_jurisdiction(self, name: str, spec: JurisdictionSpec, status: JurisdictionStatus | None = None) -> None:
        """Create or edit a jurisdiction; `status` is what was said of it already."""
        before = self._jurisdictions.get(name)
        uid, generation = (before.uid, before.generation + 1) if before else (self._uid(), 1)
        status = status or (before.status if before else JurisdictionStatus())
        self._jurisdictions[name] = JurisdictionObject(name, uid, generation, spec, status)

    def put_catalog(self, name: str, spec: CatalogSpec) -> None:
        """Create or edit a catalog."""
        before = self._catalogs.get(name)
        uid, generation = (before.uid, before.generation + 1) if before else (self._uid(), 1)
        self._catalogs[name] = CatalogObject(name, uid, generation, spec, before.status if before else CatalogStatus())

    def pause(self, name: str, spec: PauseSpec) -> None:
        """Order that nothing is done."""
        self._pauses[name] = PauseObject(name, self._clock.now(), spec)

    def resume(self, name: str) -> None:
        """Delete the order."""
        del self._pauses[name]

    def put_namespace(self, name: str, unit: str | None) -> None:
        """Create a namespace, labelled with its unit."""
        self._namespaces[name] = unit

    def delete_unit(self, name: str) -> None:
        """Delete a unit."""
        del self._units[name]

    def delete_catalog(self, name: str) -> None:
        """Delete a catalog."""
        del self._catalogs[name]

    def delete_jurisdiction(self, name: str) -> None:
        """Delete a jurisdiction."""
        del self._jurisdictions[name]
