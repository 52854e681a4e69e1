"""Choosing an offering of the catalog, and what it costs. Shared by the kinds that have a price. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from stacks.kind import Offering, PriceItem, Problem, Scope

Lack = tuple[str, Callable[[Offering], bool]]
"""What a kind needs an offering to name: the catalog's field, and whether it is there."""


def offering_problems(name: str, kind: str, scope: Scope, *needed: Lack, field: str = "offering") -> Iterator[Problem]:
    """What is wrong with the choice of an offering of this kind. `field` is the parameter that makes it."""
    offering = scope.offerings.get(name)
    if offering is None or offering.kind != kind:
        listed = ", ".join(sorted(known.name for known in scope.offerings.values() if known.kind == kind)) or "-"
        yield Problem(
            field,
            f"the catalog offers no {name} for {kind}; it offers: {listed}",
            f"目录中没有适用于 {kind} 的规格 {name}；现有：{listed}",
        )
        return
    for lacking, present in needed:
        if not present(offering):
            yield Problem(
                field,
                f"the catalog's offering {name} names no {lacking}; the keeper of the catalog has to add it",
                f"目录中的规格 {name} 未写明 {lacking}；请目录维护单位补充",
            )


def volume_offering_problems(field: str, name: str, scope: Scope) -> Iterator[Problem]:
    """What is wrong with the choice of an offering for a volume."""
    has_type = ("volumeType", lambda offering: offering.volume_type is not None)
    yield from offering_problems(name, "blockStorage", scope, has_type, field=field)


def monthly(offering: Offering, quantity: int) -> PriceItem:
    """So many of the offering, by the month."""
    return PriceItem(offering.name, quantity, "month", Decimal(offering.unit_price))


def storage(offering: Offering, gib: int) -> PriceItem:
    """So many GiB of an offering that is storage, by GiB and month."""
    return PriceItem(offering.name, gib, "GiB-month", Decimal(offering.unit_price))


def storage_beside(offering: Offering, gib: int) -> tuple[PriceItem, ...]:
    """Storage that comes with an offering; nothing where the agreement has it in the price."""
    if offering.storage_unit_price is None:
        return ()
    return (PriceItem(storage_item(offering.name), gib, "GiB-month", Decimal(offering.storage_unit_price)),)


def storage_item(offering: str) -> str:
    """What the line of the cost is called that is for the storage beside an offering."""
    return f"{offering} storage"
