"""After the end of a trial: stopped and complete for as long as the pack says; then its termination is proposed, and never done unasked."""

from __future__ import annotations

from datetime import datetime, timedelta

from govcloud.api.progress import Progress
from govcloud.api.request_status import NextAction
from govcloud.core.facts import Facts
from govcloud.core.steps import trial_article


def grace_ends_at(facts: Facts, progress: Progress) -> datetime | None:
    """When the grace after an ended trial is over; None where no trial has ended, or where it became production."""
    trial, rule = progress.trial, facts.edition.trial if facts.edition else None
    if trial is None or rule is None or trial.expired_at is None or progress.production_since or progress.terminated_at:
        return None
    return trial.expired_at + timedelta(days=rule.grace.value)


def after_the_trial(facts: Facts, progress: Progress) -> NextAction:
    """What the applicant is told once a trial has ended."""
    end, article = grace_ends_at(facts, progress), trial_article(facts.edition) if facts.edition else None
    cited = f" [{article}]" if article else ""
    if end is not None and end <= facts.now:
        return NextAction(
            zh=f"试用到期后的保留期已满,建议申请终止(spec.stage: Terminated);未经申请和批准不会销毁任何数据{cited}", waiting_for="applicant", article=article,
            en=f"The grace after the trial is over: termination is proposed (spec.stage: Terminated); nothing is destroyed unless it is asked for and approved{cited}",
        )  # fmt: skip
    until_zh, until_en = (f"(保留至 {end:%Y-%m-%d})", f" until {end:%Y-%m-%d}") if end else ("", "")
    return NextAction(
        zh=f"试用已到期,服务器已停止,数据未丢失{until_zh};请申请延长、转正式或终止{cited}", waiting_for="applicant", deadline=end, article=article,
        en=f"The trial has ended and the servers are stopped; nothing is lost: extend it, go live, or terminate{until_en}{cited}",
    )  # fmt: skip
