"""Choosing an offering of the catalog, and what it costs. Shared by the kinds that have a price. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from stacks.kind import Offering, PriceItem, Problem, Scope

Lack = tuple[str, Callable[[Offering], bool]]
"""What a kind needs an offering to name: the catalog's field, and whether it is there."""


def offering_problems(name: str, kind: str, scope: Scope, *needed: Lack) -> Iterator[Problem]:
    """What is wrong with the choice of an offering for a service of this kind."""
    offering = scope.offerings.get(name)
    if offering is None or offering.kind != kind:
        listed = ", ".join(sorted(known.name for known in scope.offerings.values() if known.kind == kind)) or "-"
        yield Problem(
            "offering",
            f"the catalog offers no {name} for {kind}; it offers: {listed}",
            f"目录中没有适用于 {kind} 的规格 {name}；现有：{listed}",
        )
        return
    for field, present in needed:
        if not present(offering):
            yield Problem(
                "offering",
                f"the catalog's offering {name} names no {field}; the keeper of the catalog has to add it",
                f"目录中的规格 {name} 未写明 {field}；请目录维护单位补充",
            )


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
    return (PriceItem(f"{offering.name} storage", gib, "GiB-month", Decimal(offering.storage_unit_price)),)
