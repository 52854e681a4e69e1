"""What the rules judge, and the shape of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from govcloud.api.request import RequestSpec
from govcloud.core.facts import Facts
from govcloud.core.funding import urgent_task_of
from govcloud.core.steps import Circumstances, circumstances_of, steps_needed
from govcloud.core.violations import Violation
from policies.rules import Edition
from policies.steps import StepRule, Transition
from stacks.kind import Problem
from stacks.program import Program

LAID_OUT: tuple[Transition, ...] = ("Provision", "Change", "MajorChange")
"""The transitions that lay services out anew."""


@dataclass(frozen=True)
class Case:
    """A wanted spec, as a transition, under the edition in force.

    `monthly_cost`: yuan, of what the plan would lead to; None where that cannot be laid out. `program`: what would be laid out; None where
    nothing is, or where it cannot be.
    """

    facts: Facts
    spec: RequestSpec
    transition: Transition
    edition: Edition
    problems: tuple[Problem, ...] = ()
    monthly_cost: Decimal | None = None
    program: Program | None = None

    @property
    def circumstances(self) -> Circumstances:
        level = self.facts.unit.spec.budget_level if self.facts.unit else "Primary"
        return circumstances_of(self.spec, level, urgent_task_of(self.facts, self.spec))

    @property
    def steps(self) -> tuple[StepRule, ...]:
        """The approval steps that it needs."""
        return steps_needed(self.edition, self.transition, self.circumstances)


Check = Callable[[Case], Iterator[Violation]]
