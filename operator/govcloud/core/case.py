"""What the rules judge, and the shape of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from govcloud.api.request import RequestSpec
from govcloud.core.facts import Facts
from govcloud.core.funding import urgent_task_of
from govcloud.core.split_projects import project_of
from govcloud.core.steps import Circumstances, steps_needed
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
        project = project_of(self.facts, self.spec)
        return Circumstances(
            budget_level=level,
            budget=self.spec.budget,
            expert_review=self.spec.expert_review,
            urgent_task=urgent_task_of(self.facts, self.spec),
            project_budget=project.budget if project else None,
            other_parts=project.others if project else (),
        )

    @property
    def steps(self) -> tuple[StepRule, ...]:
        """The approval steps that it needs."""
        return steps_needed(self.edition, self.transition, self.circumstances)


Check = Callable[[Case], Iterator[Violation]]
