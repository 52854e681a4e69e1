"""A pack as it holds in one jurisdiction: with the values that it sets stricter. What would loosen the pack changes nothing and is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, Literal

from govcloud.api.jurisdiction import StepLimit, Tightened
from govcloud.core.violations import Violation
from policies.rules import Edition
from policies.sources import Days, Months, PackModel, Source, WorkingDays
from policies.steps import StepRule, Transition, When

Direction = Literal["less", "more"]


@dataclass(frozen=True)
class InForce:
    """An edition, as a jurisdiction tightened it; and every setting of the jurisdiction that would loosen it."""

    edition: Edition
    loosened: tuple[Violation, ...] = ()


def tighten(edition: Edition, wishes: Tightened) -> InForce:
    """The edition as it holds where these values are set."""
    return reduce(lambda so_far, setting: setting(so_far, wishes), _SETTINGS, InForce(edition))


_Setting = Callable[[InForce, Tightened], InForce]


# One value at one place


@dataclass(frozen=True)
class _Value:
    """A number of days or months that may go one way only."""

    field: str
    path: tuple[str, ...]
    stricter: Direction

    def __call__(self, so_far: InForce, wishes: Tightened) -> InForce:
        wish = getattr(wishes, self.field)
        if wish is None:
            return so_far
        found = _at(so_far.edition, self.path)
        if not isinstance(found, Days | Months):
            return _refused(so_far, self._name, "the pack sets no such value, so there is nothing to tighten", "规则包没有此项,无可收紧", None)
        if _is_looser(wish, found.value, self.stricter):
            return _refused(so_far, self._name, *_would_loosen(wish, found.value, self.stricter), found.source)
        set_here = found.model_copy(update={"value": wish, "strength": "hard", "source": found.source.tightened()})
        return InForce(_with_at(so_far.edition, self.path, set_here), so_far.loosened)

    @cached_property
    def _name(self) -> str:
        first, *rest = self.field.split("_")
        return first + "".join(word.title() for word in rest)


def _is_looser(wish: int, pack: int, stricter: Direction) -> bool:
    return wish > pack if stricter == "less" else wish < pack


def _would_loosen(wish: int, pack: int, stricter: Direction) -> tuple[str, str]:
    most_en, most_zh = ("at most", "不得高于") if stricter == "less" else ("at least", "不得低于")
    return f"{wish} would loosen the pack's {pack}; set {most_en} {pack}, or leave it out", f"{wish} 放宽了规则包的 {pack},{most_zh} {pack}"


def _refused(so_far: InForce, name: str, en: str, zh: str, source: Source | None) -> InForce:
    article = source.cite() if source else None
    violation = Violation("tightened", f"Jurisdiction.spec.tightened.{name}", en, zh, article)
    return InForce(so_far.edition, (*so_far.loosened, violation))


def _at(model: Any, path: tuple[str, ...]) -> Any:
    """What stands at a place; None where something on the way there is not set."""
    head, *rest = path
    inner = getattr(model, head, None)
    return _at(inner, tuple(rest)) if rest else inner


def _with_at(model: PackModel, path: tuple[str, ...], value: PackModel) -> Any:
    head, *rest = path
    inner = _with_at(getattr(model, head), tuple(rest), value) if rest else value
    return model.model_copy(update={head: inner})


# Steps


def _step_limits(so_far: InForce, wishes: Tightened) -> InForce:
    return reduce(_step_limit, wishes.step_limits, so_far)


def _step_limit(so_far: InForce, wish: StepLimit) -> InForce:
    same = [rule for rule in _rules(so_far.edition) if rule.step == wish.step]
    name = f"stepLimits[{wish.step}]"
    if not same:
        return _refused(so_far, name, "the pack has no such step", "规则包没有此环节", None)
    limits = (rule.working_days for rule in same if rule.working_days)
    if broken := next((limit for limit in limits if wish.working_days > limit.value), None):
        return _refused(so_far, name, *_would_loosen(wish.working_days, broken.value, "less"), broken.source)
    return InForce(_with_rules(so_far.edition, lambda rule: _limited(rule, wish) if rule.step == wish.step else rule), so_far.loosened)


def _limited(rule: StepRule, wish: StepLimit) -> StepRule:
    source = (rule.working_days.source if rule.working_days else rule.source).tightened()
    return rule.model_copy(update={"working_days": WorkingDays(value=wish.working_days, runs_from="asked", source=source)})


def _expert_review(so_far: InForce, wishes: Tightened) -> InForce:
    if wishes.expert_review is None:
        return so_far
    if not any(rule.step == "expert-review" for rule in _rules(so_far.edition)):
        return _refused(so_far, "expertReview", "the pack has no step expert-review", "规则包没有专家评审环节", None)
    return InForce(_with_rules(so_far.edition, lambda rule: _when(rule, expert_review=None) if rule.when.expert_review else rule), so_far.loosened)


def _budget_review(so_far: InForce, wishes: Tightened) -> InForce:
    wish = wishes.budget_review_from
    if wish is None:
        return so_far
    found = next((rule for rule in _rules(so_far.edition) if rule.when.budget_from is not None), None)
    if found is None or found.when.budget_from is None:
        return _refused(so_far, "budgetReviewFrom", "no step of the pack depends on the budget", "规则包没有与预算有关的环节", None)
    if wish > found.when.budget_from:
        return _refused(so_far, "budgetReviewFrom", *_would_loosen(wish, found.when.budget_from, "less"), found.source)
    return InForce(
        _with_rules(so_far.edition, lambda rule: _when(rule, budget_from=wish) if rule.when.budget_from is not None else rule), so_far.loosened
    )


def _when(rule: StepRule, **changes: Any) -> StepRule:
    when: When = rule.when.model_copy(update=changes)
    return rule.model_copy(update={"when": when, "source": rule.source.tightened()})


def _rules(edition: Edition) -> Iterator[StepRule]:
    return (rule for rules in edition.steps.values() for rule in rules)


def _with_rules(edition: Edition, change: Callable[[StepRule], StepRule]) -> Edition:
    steps: Mapping[Transition, tuple[StepRule, ...]] = {
        transition: tuple(change(rule) for rule in rules) for transition, rules in edition.steps.items()
    }
    return edition.model_copy(update={"steps": steps})


# Numbers whose source is that of the rule around them


def _major_change(so_far: InForce, wishes: Tightened) -> InForce:
    wish, rule = wishes.major_change_cost_percent, so_far.edition.major_change
    if wish is None:
        return so_far
    if wish > rule.cost_increase_percent:
        return _refused(so_far, "majorChangeCostPercent", *_would_loosen(wish, rule.cost_increase_percent, "less"), rule.source)
    here = rule.model_copy(update={"cost_increase_percent": wish, "source": rule.source.tightened()})
    return InForce(so_far.edition.model_copy(update={"major_change": here}), so_far.loosened)


def _report_day(so_far: InForce, wishes: Tightened) -> InForce:
    wish, reports = wishes.report_day, so_far.edition.reports
    if wish is None:
        return so_far
    if not reports:
        return _refused(so_far, "reportDay", "the pack asks for no reports", "规则包没有报告要求", None)
    if earlier := next((report for report in reports if report.day_of_month is not None and wish > report.day_of_month), None):
        return _refused(so_far, "reportDay", *_would_loosen(wish, earlier.day_of_month or 0, "less"), earlier.source)
    here = tuple(report.model_copy(update={"day_of_month": wish, "source": report.source.tightened()}) for report in reports)
    return InForce(so_far.edition.model_copy(update={"reports": here}), so_far.loosened)


_SETTINGS: tuple[_Setting, ...] = (
    _Value("trial_days", ("trial", "days"), "less"),
    _Value("max_trial_extension_days", ("trial", "max_extension_days"), "less"),
    _Value("grace_days", ("trial", "grace"), "less"),
    _Value("provisioning_days", ("provisioning",), "less"),
    _Value("change_days", ("change",), "less"),
    _Value("stable_running_months", ("acceptance", "stable_running"), "more"),
    _Value("backup_retention_days", ("backup_retention",), "more"),
    _Value("cooling_off_days", ("cooling_off",), "more"),
    _Value("settlement_months", ("settlement", "cycle"), "less"),
    _step_limits,
    _expert_review,
    _budget_review,
    _major_change,
    _report_day,
)
