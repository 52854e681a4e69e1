"""What requests may spend from: an item of an annual plan, or a service agreement. Who holds how much, and what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from govcloud.api.agreement import AgreementStatus
from govcloud.api.annual_plan import AnnualPlanStatus, Item, ItemAccount
from govcloud.api.request import RequestKey
from govcloud.api.reservation import ItemReservation, Reservation
from govcloud.core.objects import AgreementObject, AnnualPlanObject

Holder = AnnualPlanObject | AgreementObject
"""The object in whose status reservations are written."""
NOTHING = Decimal(0)


@dataclass(frozen=True, order=True)
class AccountRef:
    """Which account. `item` is empty for an agreement, which is one account as a whole."""

    kind: Literal["AnnualPlan", "ServiceAgreement"]
    name: str
    item: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}, item {self.item}" if self.item else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Account:
    """A ceiling in yuan a year, and what is reserved under it, by the request's uid."""

    ceiling: Decimal
    held: Mapping[str, Decimal]

    @property
    def reserved(self) -> Decimal:
        return sum(self.held.values(), start=NOTHING)

    def held_by(self, uid: str) -> Decimal:
        return self.held.get(uid, NOTHING)

    def left_for(self, uid: str) -> Decimal:
        """What a request may hold at most; less than nothing where the others hold too much already."""
        return self.ceiling - self.reserved + self.held_by(uid)

    def admits(self, uid: str, yearly: Decimal) -> bool:
        """Whether a request may hold so much. What it holds already it may always keep, or have less."""
        return yearly <= max(self.held_by(uid), self.left_for(uid))


def accounts_named(spec: Mapping[str, Any]) -> tuple[AccountRef, ...]:
    """The accounts that a request's spec names, as written in JSON."""
    item, agreement = spec.get("annualPlanItemRef"), spec.get("agreementRef")
    return (
        *((AccountRef("AnnualPlan", str(item.get("plan")), str(item.get("item"))),) if isinstance(item, Mapping) else ()),
        *((AccountRef("ServiceAgreement", str(agreement.get("name"))),) if isinstance(agreement, Mapping) else ()),
    )


def items_of(plan: AnnualPlanObject) -> dict[str, Item]:
    """Everything in a plan that can have a budget, by name."""
    return {item.name: item for item in (*plan.spec.items, *plan.spec.urgent)}


def ref_to(holder: Holder, item: str = "") -> AccountRef:
    """Which account it is that lies in an object."""
    return AccountRef("ServiceAgreement" if isinstance(holder, AgreementObject) else "AnnualPlan", holder.name, item)


def account_of(holder: Holder, item: str = "") -> Account:
    """An account as its object shows it. An item that has no budget, or is not there, has a ceiling of nothing."""
    if isinstance(holder, AgreementObject):
        return Account(Decimal(holder.spec.amount), _held(holder.status.reservations))
    return Account(_budget(items_of(holder).get(item)), _held(r for r in holder.status.reservations if r.item == item))


def _held(reservations: Iterable[Reservation]) -> dict[str, Decimal]:
    return {reservation.uid: Decimal(reservation.yearly) for reservation in reservations}


def _budget(item: Item | None) -> Decimal:
    return Decimal(item.budget.yearly) if item and item.budget else NOTHING


def reservation_of(request: RequestKey, plan: int, yearly: Decimal, now: datetime) -> Reservation:
    """What a request sets aside for one of its plans."""
    return Reservation(
        uid=request.uid, namespace=request.namespace, name=request.name, plan=plan, yearly=as_money(yearly), since=now
    )


# The status of an account's object


def agreement_with(agreement: AgreementObject, reservation: Reservation) -> AgreementStatus:
    """The status in which a request holds exactly this under the agreement; a reservation of nothing is left out."""
    others = [r for r in agreement.status.reservations if r.uid != reservation.uid]
    return agreement_status(agreement, [*others, *_if_any(reservation)])


def plan_with(plan: AnnualPlanObject, item: str, reservation: Reservation) -> AnnualPlanStatus:
    """The same for an item of an annual plan."""
    others = [r for r in plan.status.reservations if (r.item, r.uid) != (item, reservation.uid)]
    return plan_status(plan, [*others, *(ItemReservation(item=item, **dict(mine)) for mine in _if_any(reservation))])


def _if_any(reservation: Reservation) -> list[Reservation]:
    return [reservation] if Decimal(reservation.yearly) else []


def agreement_status(holder: AgreementObject, reservations: Sequence[Reservation]) -> AgreementStatus:
    """The sums for these reservations; what else the status says stays."""
    reserved = sum(_held(reservations).values(), start=NOTHING)
    left = max(NOTHING, Decimal(holder.spec.amount) - reserved)
    kept = tuple(sorted(reservations, key=lambda r: r.uid))
    return holder.status.model_copy(update={"reservations": kept, "reserved": as_money(reserved), "left": as_money(left)})


def plan_status(holder: AnnualPlanObject, reservations: Sequence[ItemReservation]) -> AnnualPlanStatus:
    """The sums for these reservations, of each item and of all; what else the status says stays."""
    kept = tuple(sorted(reservations, key=lambda r: (r.item, r.uid)))
    accounts = tuple(_item_account(name, _budget(item), kept) for name, item in items_of(holder).items())
    sums = {
        "budget": as_money(sum((Decimal(a.budget) for a in accounts), start=NOTHING)),
        "reserved": as_money(sum((Decimal(r.yearly) for r in kept), start=NOTHING)),
    }
    return holder.status.model_copy(update={"reservations": kept, "accounts": accounts, **sums})


def _item_account(name: str, budget: Decimal, reservations: Sequence[ItemReservation]) -> ItemAccount:
    reserved = sum((Decimal(r.yearly) for r in reservations if r.item == name), start=NOTHING)
    return ItemAccount(item=name, budget=as_money(budget), reserved=as_money(reserved), left=as_money(max(NOTHING, budget - reserved)))


def as_money(amount: Decimal) -> str:
    """Yuan, with two decimals, or the four that a price may have."""
    return f"{amount:.2f}" if amount == amount.quantize(Decimal("0.01")) else f"{amount:f}"
