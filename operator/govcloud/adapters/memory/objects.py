"""The objects of the Kubernetes API that the twins keep, with their versions and conflicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

from govcloud.adapters.memory.wire import Wire
from govcloud.core.guard import UNENFORCED, Guard, PolicyLook
from govcloud.core.objects import (
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)
from govcloud.failures import Retry
from govcloud.ports import Clock
from govcloud.reasons import Reason


class Objects:
    """What the API server stores: uids, generations, resource versions, and the fault of the admission policies.

    Attributes:
        secrets: (namespace, name) -> values, as last written.
        events: (request, reason, message) in the order in which they were told.
        fault: what is wrong with the admission policies, if anything; each change of it is a change of a policy.
        enforced: whether the policies that are there refuse anything.
    """

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire, self._clock = wire, clock
        self._requests: dict[tuple[str, str], RequestObject] = {}
        self._approvals: dict[tuple[str, str], ApprovalObject] = {}
        self._units: dict[str, UnitObject] = {}
        self._jurisdictions: dict[str, JurisdictionObject] = {}
        self._catalogs: dict[str, CatalogObject] = {}
        self._namespaces: dict[str, str | None] = {}
        self._plans: dict[tuple[str, int], PinnedPlan] = {}
        self._backups: dict[str, BackupObject] = {}
        self._pauses: dict[str, PauseObject] = {}
        self._versions, self._uids = count(1), count(1)
        self.secrets: dict[tuple[str, str], Mapping[str, str]] = {}
        self.events: list[tuple[str, str, str]] = []
        self._fault: str | None = None
        self._policy_changes = 1
        self.enforced = True
        self._guard = Guard()

    @property
    def fault(self) -> str | None:
        """What is wrong with the admission policies."""
        return self._fault

    @fault.setter
    def fault(self, fault: str | None) -> None:
        self._fault = fault
        self._policy_changes += 1

    def policies(self, *, tried: bool = False) -> PolicyLook:
        """What was set as `fault`, and how often it was; where it is tried, also whether they are `enforced`."""
        self._wire.read()
        fault = self._fault or (UNENFORCED if tried and not self.enforced else None)
        return PolicyLook(self._clock.now(), fault, {"a policy": f"its-uid/{self._policy_changes}"})

    def _same(self, request: RequestObject) -> RequestObject:
        stored = self._requests.get((request.key.namespace, request.key.name))
        if stored is None or stored.key.uid != request.key.uid:
            raise Retry(Reason.CONFLICT, f"request {request.key.name} is gone")
        return stored

    def _unchanged(self, request: RequestObject) -> RequestObject:
        stored = self._same(request)
        if stored.resource_version != request.resource_version:
            raise Retry(Reason.CONFLICT, f"request {request.key.name} was changed meanwhile")
        return stored

    def _change(self, request: RequestObject, **changes: Any) -> RequestObject:
        changed = replace(request, resource_version=self._version(), **changes)
        self._requests[changed.key.namespace, changed.key.name] = changed
        return changed

    def _version(self) -> str:
        return str(next(self._versions))

    def _uid(self) -> str:
        return str(UUID(int=next(self._uids)))
