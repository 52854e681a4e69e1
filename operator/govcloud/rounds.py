"""What is done again and again for each unit: looking for drift, and giving its service user a new credential before the old one is old."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from govcloud.api.progress import MOST_DRIFT
from govcloud.api.request import RequestKey
from govcloud.core.drift import is_looked_after
from govcloud.core.objects import RequestObject, UnitObject
from govcloud.failures import Retry, Stop
from govcloud.observe import status_of
from govcloud.ports import Ports

log = logging.getLogger(__name__)

Visit = Callable[[UnitObject, Sequence[RequestKey]], None]


@dataclass(frozen=True)
class Rounds:
    """Visits units one after the other; one that cannot be visited keeps no other one waiting.

    Both rounds raise `Retry` or `Stop` where the cluster does not answer, or some unit could not be visited, when all others were.

    Attributes:
        found: told of each request that differs otherwise than its status says: a pass over it tells what was found.
    """

    ports: Ports
    found: Callable[[RequestKey], None] = lambda _: None

    def look_for_drift(self) -> None:
        """Compare the cloud with what completed plans left there."""
        try:
            self._visit(is_looked_after_now, self.ports.stacks.look_for_drift)
        finally:
            for request in filter(self._differs_otherwise, self.ports.cluster.requests()):
                self.found(request.key)

    def _differs_otherwise(self, request: RequestObject) -> bool:
        drift, told = self.ports.stacks.drift(request.key), status_of(request).progress.drift
        return drift is not None and drift[:MOST_DRIFT] != (told or ())

    def rotate_credentials(self) -> None:
        """One step for each unit: a new credential is made in one round, and what it replaces is withdrawn in a later one.

        A unit one of whose requests is paused is left as it is.
        """
        self._visit(lambda _: True, self._rotate_unless_paused)

    def _rotate_unless_paused(self, unit: UnitObject, keys: Sequence[RequestKey]) -> None:
        pauses = self.ports.cluster.pauses()
        if not any(pause.covers(key) for pause in pauses for key in keys):
            self.ports.stacks.rotate_credential(unit)

    def _visit(self, counts: Callable[[RequestObject], bool], visit: Visit) -> None:
        failures = [failure for name, keys in self._units(counts).items() if (failure := self._visited(name, keys, visit))]
        if failures:
            raise failures[0]

    def _units(self, counts: Callable[[RequestObject], bool]) -> Mapping[str, list[RequestKey]]:
        """Names of units, each with those of its requests that count; none without such a request."""
        found: defaultdict[str, list[RequestKey]] = defaultdict(list)
        for request in self.ports.cluster.requests():
            if counts(request):
                found[str(request.spec.get("unit", ""))].append(request.key)
        return found

    def _visited(self, name: str, keys: Sequence[RequestKey], visit: Visit) -> Retry | Stop | None:
        unit = self.ports.cluster.unit(name)
        if unit is None or unit.status.project_id is None:
            return None
        try:
            visit(unit, keys)
        except (Retry, Stop) as error:
            log.warning("unit %s: %s", name, error)
            return error
        return None


def is_looked_after_now(request: RequestObject) -> bool:
    """Whether the request's resources should be as the controller left them."""
    return is_looked_after(status_of(request).progress)
