"""Which approval steps a plan needs: those of its transition whose conditions hold."""

from __future__ import annotations

from decimal import Decimal

from govcloud.api.common import Model, Money
from policies.rules import Edition
from policies.steps import StepRule, Transition, UrgentTask, When


class Circumstances(Model):
    """All that the choice of steps depends on, besides transition and edition. Pinned in the plan, so that the choice can be replayed."""

    budget_level: str
    budget: Money | None
    expert_review: bool
    urgent_task: UrgentTask | None = None
    project_budget: Money | None = None
    """Of the whole project; none in plans of before it was added up."""
    other_parts: tuple[str, ...] = ()
    """The other requests that the project is divided into, as `namespace/name`."""


def steps_needed(edition: Edition, transition: Transition, now: Circumstances) -> tuple[StepRule, ...]:
    """The steps of a transition, in order."""
    return tuple(rule for rule in edition.steps[transition] if holds(rule.when, now))


def holds(when: When, now: Circumstances) -> bool:
    """Whether all that a condition says is so. A budget that is not known reaches no amount: the checks ask for it first."""
    return (
        (when.budget_level is None or when.budget_level == now.budget_level)
        and (when.budget_from is None or Decimal(now.project_budget or now.budget or 0) >= when.budget_from)
        and (when.expert_review is None or now.expert_review)
        and (when.urgent_task is None or now.urgent_task in (when.urgent_task, "newlyNamed"))
    )


def depends_on_budget(edition: Edition, transition: Transition) -> StepRule | None:
    """A step of the transition that only some budgets need."""
    return next((rule for rule in edition.steps[transition] if rule.when.budget_from is not None), None)


def has_steps_by_budget(edition: Edition) -> bool:
    """Whether any step is needed from some budget on."""
    return any(depends_on_budget(edition, transition) for transition in edition.steps)


def article_of(edition: Edition, transition: Transition) -> str | None:
    """The article by which a transition is decided: that of its last step that has one."""
    cited = (rule.source for rule in reversed(edition.steps[transition]))
    return next((source.cite() for source in cited if source.kind == "article"), None)


def trial_article(edition: Edition) -> str | None:
    """Where the trial comes from; none where there is no trial."""
    return edition.trial.days.source.cite() if edition.trial else None
