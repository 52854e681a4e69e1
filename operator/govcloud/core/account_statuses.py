"""What is said of annual plans and agreements beside the reservations: whether they cover them, whether an agreement is in force. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from govcloud.api.agreement import AgreementStatus
from govcloud.api.annual_plan import AnnualPlanStatus
from govcloud.api.common import Condition
from govcloud.api.reservation import Reservation
from govcloud.core.accounts import Holder, agreement_status, plan_status
from govcloud.core.agreements import faults_of, warned_from
from govcloud.core.calendar import official_day
from govcloud.core.objects import AgreementObject, AnnualPlanObject
from govcloud.core.surroundings import Fault, judged, stamped
from govcloud.reasons import Reason
from policies.money import AgreementRule

_MOST_NAMED = 20


def orphans(holder: Holder, live: frozenset[str]) -> tuple[Reservation, ...]:
    """Reservations of requests that do not exist any more, as after a finalizer was taken off by force.

    Args:
        live: uids of all requests there are, read after the holder was: a uid never comes back.
    """
    return tuple(reservation for reservation in holder.status.reservations if reservation.uid not in live)


def annual_plan_seen(plan: AnnualPlanObject, live: frozenset[str], now: datetime) -> AnnualPlanStatus:
    """The status of a plan that was looked at: without orphans, with the sums of today's budgets."""
    summed = plan_status(plan, [each for each in plan.status.reservations if each.uid in live])
    faults = tuple(_overdrawn_items(summed))
    within = judged("WithinBudget", Reason.COVERED, faults, plan.status.conditions, plan.generation, now)
    ended = _year_ended(replace(plan, status=summed), now)
    return summed.model_copy(update={"observed_generation": plan.generation, "conditions": (within, ended)})


def _year_ended(plan: AnnualPlanObject, now: datetime) -> Condition:
    """Whether the year is over, and which services still rest on it."""
    before, year = plan.status.conditions, plan.spec.year
    if official_day(now).year <= year:
        return stamped("YearEnded", "False", Reason.NOTHING_TO_DO, "", before, plan.generation, now)
    resting = [f"{each.namespace}/{each.name}" for each in plan.status.reservations]
    shown = ", ".join(resting[:_MOST_NAMED]) + (f" and {len(resting) - _MOST_NAMED} more" if len(resting) > _MOST_NAMED else "")
    message = f"{len(resting)} services go on without an item of a later plan: {shown} / {len(resting)} 项服务尚未列入后续年度计划" if resting else ""
    return stamped("YearEnded", "True", Reason.YEAR_ENDED, message, before, plan.generation, now)


def _overdrawn_items(status: AnnualPlanStatus) -> Iterator[Fault]:
    for account in status.accounts:
        if Decimal(account.reserved) > Decimal(account.budget):
            yield Reason.OVERDRAWN, f"item {account.item}: {account.reserved} yuan are reserved, and the budget is {account.budget}"


def agreement_seen(
    agreement: AgreementObject, rule: AgreementRule | None, live: frozenset[str], now: datetime
) -> AgreementStatus:
    """The status of an agreement that was looked at. `rule`: that of the unit's regulation, if it has one."""
    summed = agreement_status(agreement, [each for each in agreement.status.reservations if each.uid in live])
    before, generation = agreement.status.conditions, agreement.generation
    conditions = (
        judged("InForce", Reason.IN_FORCE, _faults(agreement, rule, now), before, generation, now),
        _expiring(agreement, rule, now),
        judged("WithinAmount", Reason.COVERED, tuple(_overdrawn(replace(agreement, status=summed))), before, generation, now),
    )
    return summed.model_copy(update={"observed_generation": generation, "conditions": conditions})


def _faults(agreement: AgreementObject, rule: AgreementRule | None, now: datetime) -> tuple[Fault, ...]:
    """What a rule in principle departs from is for the offices to judge, and no fault here."""
    found = faults_of(agreement.spec, rule, official_day(now))
    return tuple((fault.reason, f"{fault.en} / {fault.zh}") for fault in found if fault.strength == "hard")


def _expiring(agreement: AgreementObject, rule: AgreementRule | None, now: datetime) -> Condition:
    end, today = agreement.spec.valid_until, official_day(now)
    soon = warned_from(agreement.spec, rule) <= today <= end
    reason = Reason.TERM_ENDS_SOON if soon else Reason.EXPIRED if today > end else Reason.NOTHING_TO_DO
    message = f"the term ends on {end}; sign the next agreement, file it, and name it in the requests / 服务协议将于 {end} 到期,请及时续签" if soon else ""
    return stamped("Expiring", "True" if soon else "False", reason, message, agreement.status.conditions, agreement.generation, now)


def _overdrawn(agreement: AgreementObject) -> Iterator[Fault]:
    if Decimal(agreement.status.reserved) > Decimal(agreement.spec.amount):
        yield Reason.OVERDRAWN, f"{agreement.status.reserved} yuan are reserved, and the amount is {agreement.spec.amount}"
