"""A request's story in sentences, chapter by chapter, in both languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from govcloud.api.deadline import Deadline
from govcloud.api.request_status import RequestStatus
from govcloud.core.calendar import SHANGHAI
from govcloud.core.said import Said
from govcloud.core.sentences import cost, decision, departures, effects, headline
from govcloud.core.story import Decision, PlanStory, StepStory, Story, failures
from govcloud.core.waiver_words import given_up
from govcloud.core.words import RESOURCES


@dataclass(frozen=True)
class Chapter:
    """A heading and its sentences."""

    title: Said
    lines: tuple[Said, ...]


def chapters(story: Story) -> tuple[Chapter, ...]:
    """The story as it is read; chapters without a sentence are left out."""
    told = (
        Chapter(Said("申请", "What was asked"), tuple(_asked(story))),
        *(Chapter(_plan_title(plan), tuple(_plan_lines(plan, story))) for plan in story.plans),
        Chapter(Said("与现有计划无关的决定", "Decisions that are about no plan there is"), tuple(_told_decision(d) for d in story.strays)),
        Chapter(Said("损坏的计划", "Damaged plans"), tuple(_damaged(number) for number in story.damaged)),
        Chapter(Said("运行情况", "What runs"), tuple(_runs(story))),
        Chapter(Said("下一步", "What is next"), tuple(_next(story))),
        Chapter(Said("办理时限", "Legal limits"), tuple(_told_deadline(deadline) for deadline in story.seen.status.progress.deadlines)),
        Chapter(Said("最近的问题", "What went wrong last"), tuple(Said(line, line) for line in failures(story))),
        Chapter(Said("您无权查看的内容", "What you have no right to see"), tuple(Said(line, line) for line in story.seen.hidden)),
    )
    return tuple(chapter for chapter in told if chapter.lines)


def _asked(story: Story) -> Iterator[Said]:
    key, spec = story.seen.request.key, story.seen.spec
    yield Said(f"{key.namespace}/{key.name},提交于 {_when(story.seen.request.created_at)}", f"{key.namespace}/{key.name}, made {_when(story.seen.request.created_at)}")
    if spec is None:
        yield Said("申请内容不符合规定格式", "its spec does not fit the model")
        return
    services = ", ".join(f"{service.name} ({service.kind.name})" for service in spec.services)
    yield Said(
        f"使用单位 {spec.unit} 的 {spec.applicant} 为“{spec.system.name}”(等保 {spec.system.protection_level} 级)申请:{services}",
        f"{spec.applicant} of {spec.unit} asks for {services}, for the system {spec.system.name} (protection level {spec.system.protection_level})",
    )
    yield Said(f"希望所处阶段:{spec.stage}{',暂停' if spec.suspended else ''}", f"Wanted stage: {spec.stage}{', suspended' if spec.suspended else ''}")


_STATES = {
    "waits": Said("等待审批", "waits for its approvals"),
    "underway": Said("正在执行", "is being carried out"),
    "inForce": Said("已执行,现行有效", "was carried out and is in force"),
    "carriedOut": Said("已执行", "was carried out"),
    "rejected": Said("未获批准", "was rejected"),
    "superseded": Said("已被取代", "was superseded"),
}


def _plan_title(told: PlanStory) -> Said:
    state = _STATES[told.state]
    return Said(
        f"第 {told.plan.number} 号计划({_when(told.made_at)} 编制):{state.zh}", f"Plan {told.plan.number}, made {_when(told.made_at)}, {state.en}"
    )


def _plan_lines(told: PlanStory, story: Story) -> Iterator[Said]:
    plan = told.plan
    yield headline(plan)
    yield from effects(plan)
    yield cost(plan, story.before.get(plan.number))
    yield from departures(plan)
    edition = f"{plan.values.pack} {plan.values.edition}"
    yield Said(
        f"依据 {edition} 版规则与目录 {plan.values.catalog};摘要 {plan.digest}",
        f"Under the rules {edition} and the catalog {plan.values.catalog}; digest {plan.digest}",
    )
    for step in told.steps:
        yield _told_step(step)
    counted = [step.by for step in told.steps]
    yield from (_told_decision(d) for d in told.decisions if d not in counted)


def _told_step(told: StepStory) -> Said:
    asked = decision(told.step)
    if told.by is None:
        return Said(f"□ {asked.zh}", f"□ {asked.en}")
    by = told.by
    return Said(
        f"☑ {asked.zh}:{by.approver} 于 {_when(by.at)} 批准,文号 {by.document_number}",
        f"☑ {asked.en}: {by.approver} approved {_when(by.at)}, document number {by.document_number}",
    )


_DECIDED = {"Approved": "批准", "Rejected": "不予批准", "Revoked": "撤销"}


def _told_decision(told: Decision) -> Said:
    """A decision that does not stand for a step: a rejection, a revocation, or one that does not count, with the reason."""
    zh = {True: "有效", False: f"不生效({told.reason}:{told.message})", None: "系统尚未答复"}[told.counts]
    en = {True: "it counts", False: f"it does not count ({told.reason}: {told.message})", None: "the controller has not said yet"}[told.counts]
    comment = f" “{told.comment}”" if told.comment else ""
    return Said(
        f"{told.office} {told.approver} 于 {_when(told.at)} 对 {told.step} {_DECIDED[told.decision]},文号 {told.document_number}{comment}:{zh}",
        f"{told.approver} of {told.office}: {told.decision} on {told.step!r} {_when(told.at)}, document number {told.document_number}{comment}: {en}",
    )


def _damaged(number: int) -> Said:
    return Said(f"第 {number} 号计划无法读取", f"Plan {number} cannot be read; its ControllerRevision has to be restored")


def _runs(story: Story) -> Iterator[Said]:
    status = story.seen.status
    progress = status.progress
    yield Said(f"状态:{status.phase}", f"Phase: {status.phase}")
    counts = Counter(resource.type for resource in status.resources)
    named = [(RESOURCES.get(kind, (kind, kind)), count) for kind, count in counts.items()]
    if named:
        yield Said(
            f"云上资源:{'、'.join(f'{zh} {count}' for (zh, _), count in named)}", f"In the cloud: {', '.join(f'{count} {en}{_s(count)}' for (_, en), count in named)}"
        )
    for endpoint in status.endpoints:
        address = f"{endpoint.address}:{endpoint.port}" if endpoint.port else endpoint.address
        yield Said(f"访问地址 {endpoint.service}/{endpoint.name}:{address}", f"{endpoint.service}/{endpoint.name} is reached at {address}")
    if status.monthly_cost is not None:
        yield Said(f"目前每月费用 {status.monthly_cost} 元", f"It costs {status.monthly_cost} yuan a month now")
    yield from _backed_up(status)
    if progress.trial and progress.production_since is None:
        ended = progress.trial.expired_at
        end = _when(ended or progress.trial.ends_at)
        yield Said(f"试用已于 {end} 到期", f"The trial ended {end}") if ended else Said(f"试用至 {end}", f"The trial ends {end}")
    if progress.production_since:
        yield Said(f"自 {_when(progress.production_since)} 起为正式环境", f"In production since {_when(progress.production_since)}")
    if progress.terminated_at:
        yield Said(f"已于 {_when(progress.terminated_at)} 终止", f"Terminated {_when(progress.terminated_at)}")
    if lost := given_up(progress.termination):
        yield lost


def _backed_up(status: RequestStatus) -> Iterator[Said]:
    backups = status.regular_backups
    if backups is None:
        return
    yield Said(f"每 {backups.every_days} 天定期备份,下次 {_when(backups.next_at)}", f"Backed up every {backups.every_days} days, next {_when(backups.next_at)}")
    if names := ", ".join(backups.not_covered):
        yield Said(f"不在备份之内:{names}", f"In no backup: {names}")
    newest, verified = backups.newest, backups.newest_verified
    if newest is not None:
        state = _BACKUPS.get(newest.state, Said(newest.state, newest.state))
        why = f":{newest.message}" if newest.message else ""
        yield Said(f"最近一次备份 {newest.name}({_when(newest.begun_at)}){state.zh}{why}", f"The newest, {newest.name} of {_when(newest.begun_at)}, {state.en}{why}")
    if verified is not None and verified != newest:
        yield Said(f"最近一次经核验的备份为 {verified.name}({_when(verified.begun_at)})", f"The newest verified one is {verified.name} of {_when(verified.begun_at)}")


_BACKUPS = {
    "Running": Said("正在进行", "is being made"),
    "Verified": Said("已恢复核验,与源一致", "was restored and equals what was backed up"),
    "Failed": Said("失败", "failed"),
    "Mismatch": Said("与源不一致", "differs from what was backed up"),
}


def _next(story: Story) -> Iterator[Said]:
    action = story.seen.status.next_action
    if action is None:
        yield Said("系统尚未处理该申请", "the controller has not looked at the request yet")
        return
    yield Said(action.zh, action.en)
    if action.deadline:
        yield Said(f"期限:{_when(action.deadline)}", f"Deadline: {_when(action.deadline)}")


_RESULTS = {"OnTime": Said("按时办结", "ended on time"), "Late": Said("逾期办结", "ended late"), "Withdrawn": Said("已撤回", "was withdrawn")}


def _told_deadline(deadline: Deadline) -> Said:
    days, who = deadline.working_days, f"{deadline.office or deadline.step}"
    if deadline.result:
        stands = _RESULTS[deadline.result]
    elif deadline.due is None:
        stands = Said("暂停计时", "stands still while others must act")
    else:
        stands = Said(f"截止 {_when(deadline.due)}", f"until {_when(deadline.due)}")
    return Said(
        f"第 {deadline.plan} 号计划,{who}:{days} 个工作日,自 {_when(deadline.started_at)} 起,{stands.zh} [{deadline.article}]",
        f"Plan {deadline.plan}, {who}: {days} working days from {_when(deadline.started_at)}, {stands.en} [{deadline.article}]",
    )


def _when(moment: datetime) -> str:
    """In the time of China, to the minute."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _s(count: int) -> str:
    return "s" * (count > 1)
