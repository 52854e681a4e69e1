"""The evaluation that a unit owes after the acceptance (XH-B 19): since when, whether it was handed in. Pure.

It is handed in with an edit that adds the report to the request's materials. A paper that the accepted application carried is none: it was written
before there was anything to evaluate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from govcloud.api.deadline import Deadline
from govcloud.api.progress import Progress
from govcloud.api.request_status import NextAction
from govcloud.core.calendar import official_day
from govcloud.core.facts import Facts
from policies.duties import EvaluationRule

EVALUATION = "post-evaluation"
"""In place of a step's name: the limit of the using unit."""


def evaluation_clock(facts: Facts, progress: Progress, known: Iterable[Deadline]) -> Iterator[Deadline]:
    """The one clock of a request for its evaluation, once it is live."""
    rule, live = _rule(facts), progress.production_since
    if rule is None or live is None or progress.terminated_at is not None or any(each.step == EVALUATION for each in known):
        return
    unit = facts.unit.spec.title if facts.unit else ""
    accepted = max((number for number, plan in facts.plans.items() if plan.transition == "Promote"), default=progress.completed_plan or 0)
    yield Deadline(plan=accepted, step=EVALUATION, office=unit, article=rule.within.source.cite(), working_days=0, months=rule.within.value,
                   started_at=live)  # fmt: skip


def is_handed_in(facts: Facts, clock: Deadline) -> bool:
    """Whether the request carries a report that the accepted application did not."""
    rule, accepted = _rule(facts), facts.plans.get(clock.plan)
    if rule is None or facts.spec is None:
        return False
    before = accepted.wanted().application if accepted else ()
    return any(material.kind == rule.kind and material not in before for material in facts.spec.application)


def evaluation_owed(facts: Facts, clock: Deadline | None) -> NextAction | None:
    """What the applicant still has to hand in, and until when."""
    rule = _rule(facts)
    if rule is None or clock is None or clock.step != EVALUATION or clock.due is None:
        return None
    last = official_day(clock.due - clock.due.resolution)
    return NextAction(
        zh=f"使用单位应于 {last} 前提交{rule.zh}(kind: {rule.kind})[{clock.article}]",
        en=f"The unit hands in the {rule.en} by {last}: the applicant adds it to spec.application (kind {rule.kind}) [{clock.article}]",
        waiting_for="applicant",
        office=clock.office,
        deadline=clock.due,
        article=clock.article,
    )


def _rule(facts: Facts) -> EvaluationRule | None:
    acceptance = facts.edition.acceptance if facts.edition else None
    return acceptance.evaluation if acceptance else None
