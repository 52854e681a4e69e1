"""Which office decides a step: one that the jurisdiction names, the unit above, or the unit itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from govcloud.api.jurisdiction import JurisdictionSpec
from govcloud.core.document_numbers import folded
from govcloud.core.facts import Facts
from policies.steps import StepRule


def office_of(facts: Facts, rule: StepRule) -> str:
    """The office's name as its approvals carry it; empty where nobody is named, which the checks refuse."""
    match rule.office:
        case "superiorUnit":
            return facts.superior.spec.title if facts.superior else ""
        case "unit":
            return facts.unit.spec.title if facts.unit else ""
        case "jurisdiction":
            return office_named(facts.jurisdiction.spec, rule.step) if facts.jurisdiction else ""


def office_named(jurisdiction: JurisdictionSpec, step: str) -> str:
    """The office that a jurisdiction names for a step; empty where it names none."""
    return next((office.office for office in jurisdiction.offices if office.step == step), "")


def decided_by_one_office(rules: Collection[StepRule], office: Callable[[StepRule], str]) -> Iterator[tuple[StepRule, str]]:
    """Steps that the pack wants two offices for and one office has, with the other step. Look-alikes are one name."""
    offices = {rule.step: folded(office(rule)) for rule in rules}
    for rule in rules:
        for other in rule.other_office_than:
            if offices[rule.step] and offices[rule.step] == offices.get(other):
                yield rule, other
