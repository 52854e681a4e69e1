"""How the things around requests stand: jurisdictions and catalogs. Pure: what was seen in, a status out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from govcloud.api.catalog import CatalogStatus
from govcloud.api.common import Condition
from govcloud.api.jurisdiction import JurisdictionStatus
from govcloud.core.calendar import official_day
from govcloud.core.next_year import CONDITION, NextYear
from govcloud.core.objects import CatalogObject, JurisdictionObject
from govcloud.core.offices import decided_by_one_office, office_named
from govcloud.core.tightening import InForce
from govcloud.reasons import Reason
from policies.rules import Edition

Fault = tuple[Reason, str]
"""A reason from the closed list, and a sentence that says what to do."""


@dataclass(frozen=True)
class Offered:
    """What the cloud answered when it was asked what it offers: service types, or why it did not say."""

    services: tuple[str, ...] = ()
    fault: Reason | None = None


def jurisdiction_status(
    jurisdiction: JurisdictionObject,
    catalog: CatalogObject | None,
    rules: InForce | Fault,
    offered: Offered,
    planned: NextYear | None,
    now: datetime,
) -> JurisdictionStatus:
    """The jurisdiction's status. While the cloud does not answer, what it offered before stands: nobody said that it is gone.

    Args:
        planned: whether its units have handed in what they plan for the next year; None where they need not.
    """
    before, silent = jurisdiction.status, _silence(offered)
    faults = (*_configuration_faults(jurisdiction, catalog, rules, now), *silent)
    return JurisdictionStatus(
        observed_generation=jurisdiction.generation,
        cloud_services=before.cloud_services if offered.fault else offered.services,
        conditions=(
            judged("Ready", Reason.SERVING, faults, before.conditions, jurisdiction.generation, now),
            judged("CloudReachable", Reason.SERVING, silent, before.conditions, jurisdiction.generation, now),
            *_next_year_planned(jurisdiction, planned, now),
        ),
    )


def _next_year_planned(jurisdiction: JurisdictionObject, planned: NextYear | None, now: datetime) -> Iterator[Condition]:
    if planned is not None:
        status: Literal["True", "False"] = "False" if planned.owing else "True"
        before, generation = jurisdiction.status.conditions, jurisdiction.generation
        yield stamped(CONDITION, status, planned.reason, planned.message, before, generation, now)


def catalog_status(catalog: CatalogObject, now: datetime) -> CatalogStatus:
    """The catalog's status: whether its agreement is in force today."""
    faults = tuple(_validity_fault(catalog, now))
    ready = judged("Ready", Reason.SERVING, faults, catalog.status.conditions, catalog.generation, now)
    return CatalogStatus(observed_generation=catalog.generation, conditions=(ready,))


def _silence(offered: Offered) -> tuple[Fault, ...]:
    if offered.fault is None:
        return ()
    mend = "correct the controller's clouds.yaml" if offered.fault is Reason.CLOUD_UNAUTHORIZED else "see that Keystone answers"
    return ((offered.fault, f"OpenStack does not say what it offers; {mend} (details: the controller's log)"),)


def _configuration_faults(
    jurisdiction: JurisdictionObject, catalog: CatalogObject | None, rules: InForce | Fault, now: datetime
) -> Iterator[Fault]:
    """Everything that a platform engineer has to put right, at once."""
    if catalog is None:
        name = jurisdiction.spec.catalog
        yield Reason.CATALOG_MISSING, f"there is no CloudServiceCatalog {name!r}; apply it, or correct spec.catalog"
    else:
        yield from _validity_fault(catalog, now)
    if isinstance(rules, InForce):
        yield from _faults_under_the_pack(jurisdiction, rules)
    else:
        yield rules


def _faults_under_the_pack(jurisdiction: JurisdictionObject, rules: InForce) -> Iterator[Fault]:
    spec = jurisdiction.spec
    if lacking := _steps_without_an_office(jurisdiction, rules.edition):
        yield Reason.OFFICE_MISSING, f"spec.offices names no office for {', '.join(lacking)}; the pack {spec.pack} needs one for each"
    everything = {rule.step: rule for steps in rules.edition.steps.values() for rule in steps}
    for rule, other in decided_by_one_office(everything.values(), lambda rule: office_named(spec, rule.step)):
        office = office_named(spec, rule.step)
        yield Reason.OFFICE_MISSING, f"spec.offices names {office} for {other} and for {rule.step}, which are two offices' [{rule.source.cite()}]"
    for violation in rules.loosened:
        yield Reason.RULE_VIOLATED, violation.sentence()


def _validity_fault(catalog: CatalogObject, now: datetime) -> Iterator[Fault]:
    spec, today = catalog.spec, official_day(now)
    if not spec.valid_from <= today <= spec.valid_until:
        yield (
            Reason.CATALOG_MISSING,
            f"the catalog {catalog.name} is in force from {spec.valid_from} to {spec.valid_until}, not on {today}; apply the new agreement's",
        )


def _steps_without_an_office(jurisdiction: JurisdictionObject, edition: Edition) -> Sequence[str]:
    """Steps that only wishes of a request make necessary are not missed before one has them."""
    rules = (rule for steps in edition.steps.values() for rule in steps if not (rule.when.expert_review or rule.when.urgent_task))
    needed = {rule.step for rule in rules if rule.office == "jurisdiction"}
    return sorted(needed - {office.step for office in jurisdiction.spec.offices})


def judged(
    type_: str, good: Reason, faults: Sequence[Fault], before: Sequence[Condition], generation: int, now: datetime
) -> Condition:
    """True for the good reason, or False for the first fault with the sentences of all; its moment changes with its status only."""
    message = "; ".join(sentence for _, sentence in faults)
    return stamped(type_, "False" if faults else "True", faults[0][0] if faults else good, message, before, generation, now)


def stamped(
    type_: str,
    status: Literal["True", "False"],
    reason: Reason,
    message: str,
    before: Sequence[Condition],
    generation: int,
    now: datetime,
) -> Condition:
    """A condition whose moment is that of the one before while its status stays the same."""
    old = next((each for each in before if each.type == type_ and each.status == status), None)
    return Condition(
        type=type_,
        status=status,
        reason=reason,
        message=message[:4096],
        observed_generation=generation,
        last_transition_time=old.last_transition_time if old else now,
    )
