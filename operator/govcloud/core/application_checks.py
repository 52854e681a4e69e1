"""The rules about what an application brings: its materials, its answers, its reasons, its budget. Each a small function named after what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from govcloud.api.request import Declaration
from govcloud.core.case import LAID_OUT, Case
from govcloud.core.steps import depends_on_budget
from govcloud.core.violations import Violation
from policies.applications import DeclarationRule

MONTHS_OF_A_SERVICE_YEAR = 12


def materials_are_missing(case: Case) -> Iterator[Violation]:
    """L1, L3, A7: what an application, or the acceptance of what was built, must carry."""
    given = {material.kind for material in case.spec.application}
    for rule in case.edition.materials[case.spec.purpose]:
        if case.transition in rule.transitions and rule.kind not in given:
            yield Violation(
                "materials", "spec.application",
                f"the {rule.en} is missing; add an entry of kind {rule.kind!r} with number, sha256 and location",
                f"缺少{rule.zh}(kind: {rule.kind})", rule.source.cite(),
            )  # fmt: skip


def declarations_do_not_hold(case: Case) -> Iterator[Violation]:
    """A4, L13: every question of the pack is answered, and none with no."""
    given = {declaration.kind: declaration for declaration in case.spec.declarations}
    for rule in case.edition.declarations:
        if case.transition in rule.transitions and case.spec.purpose in rule.purposes:
            yield from _unanswered_or_denied(rule, given.get(rule.kind))


def _unanswered_or_denied(rule: DeclarationRule, answer: Declaration | None) -> Iterator[Violation]:
    found = answer.answer if answer else None
    if found == "Met" or (found == "NotRequired" and rule.where_required):
        return
    allowed = "Met or NotRequired" if rule.where_required else "Met"
    yield Violation(
        "declarations", f"spec.declarations[{rule.kind}]",
        f"the answer to {rule.en!r} is {found or 'missing'}; it has to be {allowed}, with its evidence",
        f"“{rule.zh}”的回答为 {found or '(缺)'},应为 {allowed} 并附依据", rule.source.cite(),
        # An answer that is missing is asked for; one that departs from a rule in principle is for the offices to judge.
        strength=rule.strength if found else "hard",
    )  # fmt: skip


def adjustment_has_no_reason(case: Case) -> Iterator[Violation]:
    """A5: what was reviewed is changed for one of the reasons that the pack names, and each time for one of its own."""
    rule, given = case.edition.adjustment, case.spec.adjustment
    if rule is None or case.transition not in ("Change", "MajorChange"):
        return
    kinds = {reason.kind: reason for reason in rule.reasons}
    allowed_en = "; ".join(f"{kind} ({reason.en})" for kind, reason in kinds.items())
    allowed_zh = ";".join(f"{kind}({reason.zh})" for kind, reason in kinds.items())
    if given is None or given.reason not in kinds:
        yield Violation(
            "adjustment", "spec.adjustment.reason", f"{given.reason if given else 'no reason'!r} was given; it is one of: {allowed_en}",
            f"调整事由为“{given.reason if given else '(缺)'}”,只能是:{allowed_zh}", rule.source.cite(),
        )  # fmt: skip
    elif case.facts.completed and case.facts.completed.wanted().adjustment == given:
        yield Violation(
            "adjustment", "spec.adjustment.explanation", "this is the reason of the last adjustment, word for word; say what happened this time",
            "与上次调整的事由完全相同,请说明本次调整的原因", rule.source.cite(),
        )  # fmt: skip


def budget_is_missing(case: Case) -> Iterator[Violation]:
    """L5: where steps depend on the budget, it is said."""
    rule = depends_on_budget(case.edition, case.transition)
    if rule is not None and case.spec.budget is None:
        yield Violation(
            "budget", "spec.budget",
            f"the budget is missing: from {rule.when.budget_from} yuan a year on, step {rule.step!r} ({rule.en}) is needed; say it in yuan for a service year",
            f"缺少年度预算(元);达到 {rule.when.budget_from} 元须经:{rule.zh}", rule.source.cite(),
        )  # fmt: skip


def budget_is_below_the_cost(case: Case) -> Iterator[Violation]:
    """L5: nobody stays under a threshold by a budget that cannot pay what is asked for."""
    if case.spec.budget is None or case.monthly_cost is None or case.transition not in LAID_OUT:
        return
    yearly = case.monthly_cost * MONTHS_OF_A_SERVICE_YEAR
    if Decimal(case.spec.budget) < yearly:
        rule = depends_on_budget(case.edition, case.transition)
        yield Violation(
            "budget", "spec.budget",
            f"a budget of {case.spec.budget} yuan does not pay for a year: {case.monthly_cost} yuan a month are {yearly}; say at least that, or ask for less",
            f"年度预算 {case.spec.budget} 元不足:月费上限 {case.monthly_cost} 元,全年 {yearly} 元", rule.source.cite() if rule else None,
        )  # fmt: skip
