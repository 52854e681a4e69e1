"""A project that is divided into several requests counts as one where a step depends on its budget (LY 7.3). Pure.

Neither the regulation nor its reading says how a project is told from another one. As in government procurement, where what one unit buys in one
year under one item of its budget is added up (Regulation on the Implementation of the Government Procurement Law, article 28), the requests of one
unit are one project in a year if one item of the annual plan pays for them. Where one of them names no item, the same system or the same paper in
both applications makes them one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from govcloud.api.request import RequestSpec
from govcloud.core.accounts import as_money
from govcloud.core.calendar import official_day
from govcloud.core.document_numbers import folded
from govcloud.core.facts import Facts, OtherRequest


@dataclass(frozen=True)
class Project:
    """What a project may cost in a service year, in yuan, and the other requests (`namespace/name`) that are parts of it."""

    budget: str
    others: tuple[str, ...] = ()


def project_of(facts: Facts, spec: RequestSpec) -> Project | None:
    """The project that a wish is part of; None where it says no budget."""
    if spec.budget is None:
        return None
    parts = [other for other in facts.others_of_the_unit if _spends_this_year(facts, other) and _is_of_one_project(spec, other.spec)]
    total = sum((Decimal(part.spec.budget or 0) for part in parts), start=Decimal(spec.budget))
    return Project(as_money(total), tuple(sorted(f"{part.key.namespace}/{part.key.name}" for part in parts)))


def _spends_this_year(facts: Facts, other: OtherRequest) -> bool:
    """Not what was only asked for and refused, and not asked for anew, nor what ended before this year."""
    progress = other.progress
    if progress.terminated_at is not None:
        return official_day(progress.terminated_at).year == official_day(facts.now).year
    is_refused = other.is_current and progress.rejected_plan is not None and progress.rejected_plan == progress.last_plan
    return progress.completed_plan is not None or progress.operation is not None or not is_refused


def _is_of_one_project(one: RequestSpec, other: RequestSpec) -> bool:
    if one.annual_plan_item_ref and other.annual_plan_item_ref:
        return one.annual_plan_item_ref == other.annual_plan_item_ref
    return folded(one.system.name) == folded(other.system.name) or not set(_papers(one)).isdisjoint(_papers(other))


def _papers(spec: RequestSpec) -> Iterator[tuple[str, str]]:
    """The papers of an application, each by its number and by its content."""
    for material in spec.application:
        yield material.kind, folded(material.number)
        yield material.kind, material.sha256
