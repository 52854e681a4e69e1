"""What people read of deadlines and of a trial that ends: sentences, in Chinese and English. Words only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from govcloud.api.deadline import Deadline
from govcloud.api.progress import TrialRecord
from govcloud.core.calendar import official_day
from govcloud.core.deadline_news import News, Said
from govcloud.core.deadlines_asked import PROVIDER
from govcloud.reasons import Reason

REASONS: Mapping[Said, Reason] = {"Approaching": Reason.DEADLINE_APPROACHING, "Missed": Reason.DEADLINE_MISSED}
"""What is told as an Event, and under which reason. How a deadline ended stands in the audit log only."""

_ENDS: Mapping[Said, tuple[str, str]] = {
    "Approaching": ("this is the last working day", "今天是最后一个工作日"),
    "Missed": ("the limit has passed", "已超过期限"),
    "OnTime": ("done in time", "已按期办结"),
    "Late": ("done late", "逾期办结"),
    "Withdrawn": ("not wanted any more before its time was over", "期限届满前已撤回或被替代"),
}
_MONTHS_END = ("it ends within a month", "一个月内到期")


def announcement(news: News) -> str:
    """One sentence about a deadline, for an Event and for the audit log."""
    en, zh = _MONTHS_END if news.said == "Approaching" and news.deadline.months is not None else _ENDS[news.said]
    return f"{_limit_en(news.deadline)}: {en} / {_limit_zh(news.deadline)}:{zh} [{news.deadline.article}]"


def overdue(deadline: Deadline) -> str:
    """Why something is late, or until when it is not."""
    return f"{_limit_en(deadline)} / {_limit_zh(deadline)} [{deadline.article}]"


def weekends_only(years: tuple[int, ...], jurisdiction: str) -> str:
    """What it means that nobody knows the holidays of some years, and what to do about it."""
    named = ", ".join(str(year) for year in years)
    return (
        f"the holidays of {named} are not known, so only weekends count as days off; once the State Council has published them, list them in "
        f"spec.calendar of the Jurisdiction {jurisdiction}, or update the controller / {named} 年放假安排未知,暂按周末计算工作日"
    )


def trial_ending(trial: TrialRecord, now: datetime) -> str:
    """The reminder before a trial ends."""
    days = days_left(trial, now)
    return (
        f"the trial ends within {days} days, at {trial.ends_at:%Y-%m-%d %H:%M} UTC; then the servers stop and nothing is lost. Go live (spec.stage: "
        f"Production) or ask for more days (spec.trial.extensionDays) / 试用将在 {days} 日内结束,请申请转为正式环境或延长试用"
    )


def days_left(trial: TrialRecord, now: datetime) -> int:
    """Days until the end, begun ones counted whole."""
    return -((now - trial.ends_at) // timedelta(days=1))


def last_day(deadline: Deadline) -> str:
    """The last day of a deadline, as people write it."""
    return "" if deadline.due is None else f"{official_day(deadline.due - timedelta(microseconds=1)):%Y-%m-%d}"


def _limit_en(deadline: Deadline) -> str:
    who = f"{deadline.office or 'the provider'}"
    if deadline.months is not None:
        return f"{who} has until {last_day(deadline)} ({deadline.months} months) to hand in its {deadline.step}"
    what = f"carry out plan {deadline.plan}" if deadline.step == PROVIDER else f"decide step {deadline.step!r} of plan {deadline.plan}"
    return f"{who} has until {last_day(deadline)} ({deadline.working_days} working days) to {what}"


def _limit_zh(deadline: Deadline) -> str:
    if deadline.months is not None:
        return f"{deadline.office}应于 {last_day(deadline)} 前({deadline.months} 个月)提交 {deadline.step} 报告"
    what = "实施" if deadline.step == PROVIDER else f"办理 {deadline.step}"
    who = deadline.office or "云服务商"
    return f"{who}应于 {last_day(deadline)} 前({deadline.working_days} 个工作日)完成第 {deadline.plan} 号计划的{what}"
