"""What the system's level of classified protection 等级保护 asks of its services (S3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from govcloud.core.case import Case
from govcloud.core.violations import Violation
from policies.protection import Demand
from stacks import protection
from stacks.kind import Problem
from stacks.program import Program


def volumes_are_not_encrypted(case: Case) -> Iterator[Violation]:
    """Data at rest."""
    demand = case.edition.protection.encrypted_volumes
    if case.program is not None and _asked(case, demand) and case.facts.catalog is not None:
        offerings = {offering.name: offering for offering in case.facts.catalog.spec.offerings}
        yield from _violations(demand, protection.unencrypted(case.program, _approved(case), offerings))


def network_is_shared(case: Case) -> Iterator[Violation]:
    """Another system's machines are not neighbours."""
    demand = case.edition.protection.own_network
    if case.program is not None and _asked(case, demand):
        yield from _violations(demand, protection.on_a_shared_network(case.program, _approved(case)))


def everybody_may_connect(case: Case) -> Iterator[Violation]:
    """Who may connect, to which ports."""
    demand = case.edition.protection.open_ports
    if case.program is not None and _asked(case, demand):
        found = protection.open_to_everybody(case.program, _approved(case), demand.everybody, demand.never)
        yield from _violations(demand, found)


def data_is_not_backed_up(case: Case) -> Iterator[Violation]:
    """What the platform cannot back up, where the level asks for backups."""
    demands = [demand for demand in case.edition.protection.proven_backups if _asked(case, demand)]
    if case.program is not None and demands:
        yield from _violations(demands[-1], protection.not_backed_up(case.program, _approved(case)))


def _asked(case: Case, demand: Demand) -> bool:
    return case.spec.system.protection_level >= demand.from_level


def _approved(case: Case) -> Program:
    """What was approved before is not judged again, unless the level itself is another now."""
    completed = case.facts.completed
    if completed is None or completed.wanted().system.protection_level < case.spec.system.protection_level:
        return Program()
    return completed.resources()


def _violations(demand: Demand, problems: Iterable[Problem]) -> Iterator[Violation]:
    """A project default cites the clause that it reads."""
    article = demand.source.cite() if demand.source.document else f"S3; {demand.source.why}"
    for problem in problems:
        yield Violation(
            "protection-level", f"spec.{problem.field}", problem.en, problem.zh, article, strength=demand.strength
        )
