"""Looks after annual plans and agreements: says how they stand, and frees what was reserved for requests that are gone."""

from __future__ import annotations

import logging
from datetime import datetime

from govcloud.audit.records import Outcome
from govcloud.core import evidence
from govcloud.core.account_statuses import agreement_seen, annual_plan_seen, orphans
from govcloud.core.accounts import Holder
from govcloud.core.objects import AgreementObject
from govcloud.core.tightening import InForce
from govcloud.failures import Retry
from govcloud.observe import rules_in_force
from govcloud.ports import Ports
from govcloud.reasons import Reason
from policies.money import AgreementRule

log = logging.getLogger(__name__)


def look_after_accounts(ports: Ports) -> None:
    """Write every status that differs.

    Raises:
        Retry, Stop: the cluster did not answer, or refused a status.
        AuditUnavailable: nothing can be recorded, so nothing is freed.
    """
    accounts: tuple[Holder, ...] = (*ports.cluster.annual_plans(), *ports.cluster.agreements())
    # After the accounts: a request that reserved something was there before it did.
    live = frozenset(request.key.uid for request in ports.cluster.requests())
    now = ports.clock.now().replace(microsecond=0)
    for holder in accounts:
        try:
            _free_orphans_and_tell(ports, holder, live, now)
        except Retry as error:
            if error.reason is not Reason.CONFLICT:
                raise
            log.debug("%s was written meanwhile; it is looked at again", holder.name)


def _free_orphans_and_tell(ports: Ports, holder: Holder, live: frozenset[str], now: datetime) -> None:
    intents = [(each, ports.audit.append(evidence.freed(holder, each)).id) for each in orphans(holder, live)]
    result = Outcome.FAILURE
    try:
        _tell(ports, holder, live, now)
        result = Outcome.SUCCESS
    finally:
        for each, intent in intents:
            ports.audit.append(evidence.freed(holder, each, result, intent))


def _tell(ports: Ports, holder: Holder, live: frozenset[str], now: datetime) -> None:
    if isinstance(holder, AgreementObject):
        rule = _rule_for(ports, holder, now)
        ports.cluster.write_agreement_status(holder, agreement_seen(holder, rule, live, now))
    else:
        ports.cluster.write_annual_plan_status(holder, annual_plan_seen(holder, live, now))


def _rule_for(ports: Ports, agreement: AgreementObject, now: datetime) -> AgreementRule | None:
    """What the regulation of the unit's jurisdiction asks of an agreement."""
    unit = ports.cluster.unit(agreement.spec.parties.unit)
    jurisdiction = ports.cluster.jurisdiction(unit.spec.jurisdiction) if unit else None
    rules = rules_in_force(ports.packs, jurisdiction, now) if jurisdiction else None
    return rules.edition.agreement if isinstance(rules, InForce) else None
