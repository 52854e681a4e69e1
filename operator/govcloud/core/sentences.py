"""A plan in sentences that an official reads before deciding: what is made, changed and destroyed, what it costs, who decides by which article."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from govcloud.core.drift import in_words as drift_in_words
from govcloud.core.plan import Plan, PlannedChange, PlannedStep
from govcloud.core.restore_words import restored
from govcloud.core.said import Said
from govcloud.core.waiver_words import not_saved, waived
from govcloud.core.words import REPLICA, RESOURCES, TRANSITIONS_ZH
from stacks.database_replicas import is_replica

LONGEST_LIST = 8
"""So many names are told one by one; the rest is counted."""


def headline(plan: Plan) -> Said:
    """Which plan it is, and whose."""
    where = f"{plan.request.namespace}/{plan.request.name}"
    system = plan.wanted().system.name
    return Said(
        f"第 {plan.number} 号计划:{TRANSITIONS_ZH[plan.transition]}。申请 {where}({system}),使用单位 {plan.unit},申请人 {plan.applicant}",
        f"Plan {plan.number}, {plan.transition}, of {where} ({system}) for the unit {plan.unit}, asked for by {plan.applicant}",
    )


def effects(plan: Plan) -> tuple[Said, ...]:
    """What happens in the cloud; what is destroyed comes last, and of that what has no backup."""
    said = tuple(_effects(plan))
    return said or (Said("云上资源不变", "Nothing in the cloud is made, changed or destroyed"),)


def cost(plan: Plan, before: Plan | None = None) -> Said:
    """What it costs a month at most, and what it cost before."""
    zh, en = f"月费用上限 {plan.monthly_cost} 元", f"It costs at most {plan.monthly_cost} yuan a month"
    if before is not None:
        zh, en = f"{zh}(此前 {before.monthly_cost} 元)", f"{en} ({before.monthly_cost} before)"
    if plan.transition == "Provision" and plan.values.trial_days and plan.stage == "Trial":
        days = plan.trial_length().days
        zh, en = f"{zh};试用 {days} 天不计费", f"{en}; the trial of {days} days is not metered"
    return Said(zh, en)


def division(plan: Plan) -> tuple[Said, ...]:
    """With which other requests the plan's is one project, where steps depend on the budget of all of them."""
    now = plan.circumstances
    if now is None or not now.other_parts:
        return ()
    others = ", ".join(now.other_parts)
    return (
        Said(
            f"与 {others} 为同一项目的组成部分,项目年度预算合计 {now.project_budget} 元,审批环节按合计确定",
            f"Part of one project with {others}: {now.project_budget} yuan a year together, by which its steps are chosen",
        ),
    )


def quota(plan: Plan) -> Said:
    """What it needs of the unit's quota."""
    needed = ", ".join(f"{name} {value}" for name, value in plan.quota.items() if value)
    return Said(f"需要配额:{needed or '无'}", f"It needs of the unit's quota: {needed or 'nothing'}")


def departures(plan: Plan) -> tuple[Said, ...]:
    """Where the plan departs from what a regulation says in principle 原则上: an approval of it gives the reason."""
    return tuple(
        Said(
            f"与原则性规定不一致:{d.zh} [{d.article}];批准时须说明理由",
            f"Departs from a rule in principle: {d.en} [{d.article}]; an approval gives the reason in its comment",
        )
        for d in plan.departures
    )


def decision(step: PlannedStep) -> Said:
    """Who decides a step, on what, by which article, within how many working days."""
    limit_zh = f",{step.working_days} 个工作日内" if step.working_days else ""
    limit_en = f", within {step.working_days} working days" if step.working_days else ""
    return Said(
        f"{step.office}:{step.zh}{limit_zh} [{step.article}]",
        f"{step.office} decides {step.step!r} ({step.en}){limit_en} [{step.article}]",
    )


def in_words(plan: Plan, before: Plan | None = None) -> tuple[Said, ...]:
    """Everything that somebody who decides on the plan should have read."""
    return (headline(plan), *effects(plan), cost(plan, before), *division(plan), quota(plan), *departures(plan))


_VERBS: Mapping[str, Said] = {
    "create": Said("新建", "Makes"),
    "update": Said("就地修改", "Changes in place"),
    "replace": Said("重建(现有的将被销毁)", "Rebuilds, which destroys what is there now"),
    "delete": Said("销毁", "Destroys"),
}


def _effects(plan: Plan) -> Iterator[Said]:
    yield from restored(plan)
    if plan.transition == "Terminate":
        yield _saved_first(plan)
    if plan.repairs:
        zh, en = drift_in_words(plan.repairs)
        yield Said(f"恢复与系统所建不符的资源:{zh}", f"Puts back what differs from what was built: {en}")
    for operation, verb in _VERBS.items():
        changes = [change for change in plan.diff if change.operation == operation]
        words = list(dict.fromkeys(_word(change) for change in changes))
        parts = [_of_one_kind(word, [change for change in changes if _word(change) == word]) for word in words]
        if parts:
            yield Said(
                f"{verb.zh}:{';'.join(part.zh for part in parts)}", f"{verb.en}: {'; '.join(part.en for part in parts)}"
            )
    yield from not_saved(plan)
    yield from waived(plan)


def _saved_first(plan: Plan) -> Said:
    if plan.waivers:
        return Said("除下列豁免项外,销毁前先备份其余全部数据,并逐一恢复验证",
                    "Before anything is destroyed, all data but what is named below is backed up and each backup is proven by restoring it")  # fmt: skip
    return Said("销毁前先备份全部数据,并逐一恢复验证", "Before anything is destroyed, all data is backed up and each backup is proven by restoring it")


def _word(change: PlannedChange) -> tuple[str, str]:
    if is_replica(change.type, change.resource, change.service):
        return REPLICA
    return RESOURCES.get(change.type, (change.type, change.type))


def _of_one_kind(word: tuple[str, str], changes: Sequence[PlannedChange]) -> Said:
    zh, en = word
    names = ", ".join(_named(change) for change in changes[:LONGEST_LIST])
    more = len(changes) - LONGEST_LIST
    more_zh, more_en = (f" 等 {len(changes)} 项", f" and {more} more") if more > 0 else ("", "")
    return Said(f"{len(changes)} 个{zh}({names}{more_zh})", f"{len(changes)} {en}{'s' * (len(changes) > 1)} ({names}{more_en})")


def _named(change: PlannedChange) -> str:
    return f"{change.resource}: {', '.join(change.fields)}" if change.fields else change.resource
