"""Looks for drift: whether the cloud still is as completed plans left it. Finds and tells; what follows is decided by people."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass

from govcloud.api.request import RequestKey
from govcloud.core.drift import is_looked_after
from govcloud.failures import Retry, Stop
from govcloud.observe import status_of
from govcloud.ports import Ports

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DriftWatch:
    """Compares unit by unit, so that each project is listed once a round. The next pass over a request tells what was found."""

    ports: Ports

    def look(self) -> None:
        """One round.

        Raises:
            Retry, Stop: the cluster does not answer, or a unit's project could not be looked at; the others were.
        """
        failures = [failure for unit, keys in self._looked_after().items() if (failure := self._look_at(unit, keys))]
        if failures:
            raise failures[0]

    def _looked_after(self) -> dict[str, list[RequestKey]]:
        found: defaultdict[str, list[RequestKey]] = defaultdict(list)
        for request in self.ports.cluster.requests():
            if is_looked_after(status_of(request).progress):
                found[str(request.spec.get("unit", ""))].append(request.key)
        return found

    def _look_at(self, name: str, keys: list[RequestKey]) -> Retry | Stop | None:
        unit = self.ports.cluster.unit(name)
        if unit is None:
            return None  # the requests themselves say that it is missing
        try:
            self.ports.stacks.look_for_drift(unit, keys)
        except (Retry, Stop) as error:
            log.warning("the project of unit %s could not be looked at: %s", name, error)
            return error
        return None
