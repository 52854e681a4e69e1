"""Looks after what requests depend on: asks the cloud what it offers, and says of every jurisdiction and catalog how it stands.

A pass over a request reads the answer from the jurisdiction's status. So a cloud that is away holds up this one task and no request.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from govcloud.audit.errors import AuditUnavailable
from govcloud.core.next_year import HANDING_IN, NextYear, announcement, entry, is_news, next_year
from govcloud.core.objects import JurisdictionObject
from govcloud.core.surroundings import Fault, Offered, catalog_status, jurisdiction_status
from govcloud.core.tightening import InForce
from govcloud.failures import Retry, Stop
from govcloud.metrics import Whose
from govcloud.observe import rules_in_force
from govcloud.ports import Cloud, Ports
from govcloud.reservations import look_after_accounts
from policies.money import AnnualPlanRule

log = logging.getLogger(__name__)

WHEN_IT_ANSWERS = timedelta(minutes=5)
WHEN_IT_DOES_NOT = timedelta(seconds=30)
BETWEEN_LOOKS = timedelta(seconds=1)
"""At least. Many changes at once make one look."""


@dataclass
class Surroundings:
    """Writes the statuses of jurisdictions, catalogs, annual plans and agreements, now and then and whenever one of them changes."""

    ports: Ports
    monotonic: Callable[[], float] = time.monotonic
    overdue: Counter[Whose] = field(default_factory=Counter)
    """Units that did not hand in in time what they plan for the next year, as last seen."""
    _answer: Offered = field(default_factory=Offered)
    _ask_again_at: float = 0.0
    _changed: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Look at once, then again and again, in a thread that ends with the process."""
        self._thread = Thread(target=self._keep_looking, name="surroundings", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Whether somebody still looks."""
        return self._thread is not None and self._thread.is_alive()

    def changed(self) -> None:
        """A jurisdiction or a catalog changed: look soon."""
        self._changed.set()

    def look(self) -> timedelta:
        """Write what differs, having asked the cloud if it is time to; how long until the next look.

        Raises:
            Retry, Stop: the cluster did not answer, or refused a status.
            AuditUnavailable: nothing can be recorded, so nobody is told and no money is freed.
        """
        offered, now = self._offered(), self.ports.clock.now().replace(microsecond=0)
        catalogs = {catalog.name: catalog for catalog in self.ports.cluster.catalogs()}
        for catalog in catalogs.values():
            self.ports.cluster.write_catalog_status(catalog, catalog_status(catalog, now))
        plans, late = self.ports.cluster.annual_plans(), Counter[Whose]()
        for jurisdiction in self.ports.cluster.jurisdictions():
            its_catalog, rules = catalogs.get(jurisdiction.spec.catalog), rules_in_force(self.ports.packs, jurisdiction, now)
            planned = next_year(jurisdiction.name, _annual_plan_rule(rules), plans, now)
            self._tell_of_the_next_year(jurisdiction, planned)
            status = jurisdiction_status(jurisdiction, its_catalog, rules, offered, planned, now)
            self.ports.cluster.write_jurisdiction_status(jurisdiction, status)
            late.update((jurisdiction.name, HANDING_IN, unit) for unit in (planned.late if planned else ()))
        self.overdue = late
        look_after_accounts(self.ports)
        return timedelta(seconds=max(0.0, self._ask_again_at - self.monotonic()))

    def _tell_of_the_next_year(self, jurisdiction: JurisdictionObject, planned: NextYear | None) -> None:
        """Before the status notes it: after a crash it is told again, in the same words."""
        if planned is not None and is_news(planned, jurisdiction.status.conditions):
            self.ports.audit.append(entry(jurisdiction, planned))
            self.ports.cluster.emit_event(jurisdiction, planned.reason, announcement(planned)[:900], warning=bool(planned.owing))

    def _offered(self) -> Offered:
        """What the cloud said last; asked again when that is old. Many changes at once are no reason to ask many times."""
        if self.monotonic() >= self._ask_again_at:
            self._answer = _ask(self.ports.cloud)
            pause = WHEN_IT_DOES_NOT if self._answer.fault else WHEN_IT_ANSWERS
            self._ask_again_at = self.monotonic() + pause.total_seconds()
        return self._answer

    def _keep_looking(self) -> None:
        while True:
            # Cleared before the look: what changes during it makes another one.
            self._changed.clear()
            pause = self._look_or_say_why_not()
            time.sleep(BETWEEN_LOOKS.total_seconds())
            self._changed.wait(pause.total_seconds())

    def _look_or_say_why_not(self) -> timedelta:
        try:
            return self.look()
        except (Retry, Stop, AuditUnavailable) as error:
            log.warning("what requests depend on could not be looked after: %s", error)
            return WHEN_IT_DOES_NOT


def _annual_plan_rule(rules: InForce | Fault) -> AnnualPlanRule | None:
    return rules.edition.annual_plan if isinstance(rules, InForce) else None


def _ask(cloud: Cloud) -> Offered:
    """What the cloud says. The status tells which kind of failure it was; the details, different each time, are for the log."""
    try:
        return Offered(services=tuple(cloud.services()))
    except (Retry, Stop) as error:
        log.warning("the cloud does not say what it offers: %s", error)
        return Offered(fault=error.reason)
