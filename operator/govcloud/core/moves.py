"""What an edit of the spec asks for: one transition, nothing, or something that cannot be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from govcloud.api.common import Stage
from govcloud.api.request import RequestSpec
from govcloud.core.case import LAID_OUT
from govcloud.core.ending_steps import is_withdrawn
from govcloud.core.facts import Facts
from govcloud.core.plan import yuan
from govcloud.core.steps import article_of, trial_article
from govcloud.core.target import problems_in, target_of
from govcloud.core.violations import Violation
from govcloud.reasons import Reason
from policies.steps import Transition

Moves = tuple[Violation, ...]


def transition_of(facts: Facts, spec: RequestSpec) -> Transition | Moves | None:
    """What the edit asks for: a transition, nothing (the spec is what the completed plan says), or why it cannot be asked for."""
    if facts.completed is None:
        return _first_transition(facts, spec)
    before = facts.completed.wanted()
    moves = _moves(before, spec)
    if not moves:
        return _way_back(facts, before, spec)
    if _gives_up(facts, spec):
        return "Terminate"
    if is_withdrawn(facts) and not _STARTS_AGAIN.issuperset(moves):
        return (Violation("withdrawal", ", ".join(f"spec.{move}" for move in moves),
                          "the termination is taken back first, by an edit that sets spec.stage back and changes nothing else",
                          "请先撤回终止(仅将 spec.stage 改回),再申请其他事项", reason=Reason.MIXED_EDIT),)  # fmt: skip
    if len(moves) > 1:
        return (
            Violation("one-transition", ", ".join(f"spec.{move}" for move in moves),
                      f"one edit asks for {len(moves)} things at once ({', '.join(moves)}); ask for one, let it finish, then ask for the next",
                      "一次修改只能申请一个事项,请分别提出", reason=Reason.MIXED_EDIT),
        )  # fmt: skip
    match moves[0]:
        case "stage":
            return _stage_move(facts, before.stage, spec)
        case "suspended":
            return _suspension_move(facts, spec)
        case "trial":
            return _extension_move(facts, before, spec)
        case "repairs" if spec.repairs < before.repairs:
            return (Violation("repairs", "spec.repairs", f"what was put back stays so: set it to {before.repairs}, or one more to ask again",
                              f"已完成的修复不能撤销;请填 {before.repairs},再次申请修复则加一"),)  # fmt: skip
        case "restoreFrom":
            return _restore_move(facts)
        case _:
            return _change_move(facts, before, spec)


_STARTS_AGAIN = frozenset({"stage", "suspended", "trial"})
"""What may be asked for in place of a termination: it starts the servers again, or says that they stay off."""


def _way_back(facts: Facts, before: RequestSpec, spec: RequestSpec) -> Transition | Moves | None:
    """An edit that was taken back. What a change that cannot finish did meanwhile is undone by another change; a restore or a termination has
    only stopped servers until then."""
    stuck = facts.started.transition if facts.started else None
    if stuck == "Restore" or is_withdrawn(facts):
        return _suspension_move(facts, spec)
    return _change_move(facts, before, spec) if stuck in LAID_OUT else None


def _gives_up(facts: Facts, spec: RequestSpec) -> bool:
    """Termination in place of a change that cannot finish: that the change still stands in the spec is no second wish."""
    return facts.started is not None and _moves(facts.started.wanted(), spec) == ("stage",) and spec.stage == "Terminated"


def _first_transition(facts: Facts, spec: RequestSpec) -> Transition | Moves:
    if spec.stage == "Terminated":
        if facts.progress.operation is not None:
            return "Terminate"  # a provisioning that cannot finish is given up
        return (Violation("stage", "spec.stage", "nothing was provisioned, so there is nothing to terminate; delete the request instead",
                          "尚未开通任何资源,无需终止;请直接删除申请"),)  # fmt: skip
    has_trial = facts.edition is not None and facts.edition.trial is not None
    if spec.stage == "Production" and has_trial:
        return (Violation("trial-first", "spec.stage", "services start in a trial; set stage: Trial, and Production once the trial was assessed",
                          "须先试用,测试评估同意后方可转为正式环境", _trial_article(facts)),)  # fmt: skip
    if spec.stage == "Trial" and facts.edition is not None and not has_trial:
        return (Violation("no-trial", "spec.stage", "this regulation has no trial; set stage: Production", "本办法没有试用环节,请申请正式环境"),)
    if spec.suspended:
        return (Violation("suspended", "spec.suspended", "a request cannot start suspended", "新申请不能处于暂停状态"),)
    if spec.restore_from is not None:
        return (Violation("restore", "spec.restoreFrom", "there is nothing yet to restore data into; leave it out, and ask for it once the services are there",
                          "资源尚未开通,无法恢复数据;请先开通,再另行申请恢复"),)  # fmt: skip
    return "Provision"


def _trial_article(facts: Facts) -> str | None:
    return trial_article(facts.edition) if facts.edition else None


def _moves(before: RequestSpec, after: RequestSpec) -> tuple[str, ...]:
    """Names of what differs; services, system and who pays count as one thing, materials go along with anything.

    The agreement and the item of the annual plan may come with the promotion: from then on the services cost money.
    """
    found = [name for name in ("stage", "suspended", "trial", "repairs") if getattr(before, name) != getattr(after, name)]
    found += ["restoreFrom"] if after.restore_from not in (None, before.restore_from) else []
    content = [name for name in ("system", "purpose") if getattr(before, name) != getattr(after, name)]
    if _by_name(before) != _by_name(after):
        content.insert(0, "services")
    content += [] if (before.stage, after.stage) == _GOING_LIVE else _paid_otherwise(before, after)
    return (*found, *content[:1])


_GOING_LIVE = ("Trial", "Production")


def _paid_otherwise(before: RequestSpec, after: RequestSpec) -> list[str]:
    """Another agreement, or another item of an annual plan."""
    found = {
        "agreementRef": before.agreement_ref != after.agreement_ref,
        "annualPlanItemRef": before.annual_plan_item_ref != after.annual_plan_item_ref,
    }
    return [name for name, differs in found.items() if differs]


def _by_name(spec: RequestSpec) -> Mapping[str, Any]:
    """Services in any order, as the API shows them: one is itself by its name, not by its place."""
    return {service.name: service.model_dump(mode="json", by_alias=True) for service in spec.services}


def _stage_move(facts: Facts, before: Stage, spec: RequestSpec) -> Transition | Moves:
    if (before, spec.stage) == ("Trial", "Production"):
        return "Promote"
    if spec.stage == "Terminated":
        return "Terminate"
    return (
        Violation(
            "stage",
            "spec.stage",
            f"a service does not go from {before} back to {spec.stage}",
            f"不能由 {before} 退回 {spec.stage}",
            article_of(facts.edition, "Promote") if facts.edition else None,
        ),
    )


def _suspension_move(facts: Facts, spec: RequestSpec) -> Transition | Moves:
    trial = facts.progress.trial
    if not spec.suspended and trial and trial.expired_at and facts.progress.production_since is None:
        return (Violation("resume", "spec.suspended", "the trial is over: extend it (spec.trial.extensionDays) or go live (spec.stage: Production)",
                          "试用已到期,请申请延长试用或转为正式环境", _trial_article(facts)),)  # fmt: skip
    return "Suspend" if spec.suspended else "Resume"


def _restore_move(facts: Facts) -> Transition | Moves:
    trial = facts.progress.trial
    if trial and trial.expired_at and facts.progress.production_since is None:
        return (Violation("restore", "spec.restoreFrom", "the trial is over: extend it (spec.trial.extensionDays) or go live (spec.stage: Production) first",
                          "试用已到期,请先申请延长试用或转为正式环境,再申请恢复数据", _trial_article(facts)),)  # fmt: skip
    return "Restore"


def _extension_move(facts: Facts, before: RequestSpec, spec: RequestSpec) -> Transition | Moves:
    if facts.progress.production_since is not None:
        return (
            Violation(
                "extension",
                "spec.trial.extensionDays",
                "the trial ended with the promotion to production",
                "已转为正式环境,试用已结束",
                article_of(facts.edition, "Promote") if facts.edition else None,
            ),
        )
    if spec.trial.extension_days <= before.trial.extension_days:
        return (Violation("extension", "spec.trial.extensionDays",
                          f"an extension only grows: {before.trial.extension_days} days are approved already", "延长天数只能增加", _trial_article(facts)),)  # fmt: skip
    return "ExtendTrial"


def _change_move(facts: Facts, before: RequestSpec, spec: RequestSpec) -> Transition:
    edition, completed = facts.edition, facts.completed
    assert edition is not None and completed is not None  # noqa: S101  a change has something to change, under a pack
    rule = edition.major_change
    if rule.service_added_or_removed and {s.name for s in before.services} != {s.name for s in spec.services}:
        return "MajorChange"
    if before.system != spec.system or before.purpose != spec.purpose:
        return "MajorChange"
    if problems_in(facts, spec, "Change"):
        return "Change"  # whatever it is, the checks will say what is wrong with it
    cost = Decimal(yuan(target_of(facts, spec, "Change").prices))
    grown = cost * 100 > Decimal(completed.monthly_cost) * (100 + rule.cost_increase_percent)
    return "MajorChange" if grown else "Change"
