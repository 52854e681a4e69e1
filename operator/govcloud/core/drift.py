"""When the cloud is not as the controller left it: an incident that is told, never a reason to write to the cloud. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from govcloud.api.progress import MOST_DRIFT, Drift, Progress
from govcloud.core.facts import Facts
from stacks.machines import ATTACHMENT, INSTANCE
from stacks.order import needs
from stacks.program import Resource

NAMED_AT_ONCE = 8
"""Resources that a sentence names; of the others it says how many there are."""


def is_looked_after(progress: Progress) -> bool:
    """Whether the cloud should be as the stack's last run left it: after the first plan and before the end, while nothing is being done."""
    rests = progress.operation is None or progress.failure is not None
    return progress.completed_plan is not None and rests and progress.terminated_at is None


def drift_after(facts: Facts, progress: Progress) -> tuple[Drift, ...] | None:
    """What is known after a pass: the last look, if there was one since; what was known before, if not."""
    if progress.terminated_at is not None:
        return None
    if facts.drift is None or not is_looked_after(facts.progress) or not is_looked_after(progress):
        return progress.drift
    return facts.drift[:MOST_DRIFT]


def known_drift(facts: Facts) -> tuple[Drift, ...]:
    """What differs, by the newest look that anybody knows of."""
    return (facts.drift if facts.drift is not None else facts.progress.drift) or ()


def new_drift(before: Progress, after: Progress) -> tuple[Drift, ...] | None:
    """What there is to tell: all that differs now, none where nothing differs any more, None where all was told."""
    if after.drift is None or after.drift == (before.drift or ()):
        return None
    return after.drift


def gone_without_loss(facts: Facts, there: Iterable[Resource]) -> frozenset[str]:
    """Machines that somebody deleted behind our back, with their attachments. A machine's data lies on volumes, so nothing is lost with it.

    A termination need not wait for them: nobody could bring one back under its id. Anything else that is gone is for a person to look into.

    Args:
        there: what the state remembers, as the plans describe it.
    """
    lost = gone(facts)
    resources = tuple(there)
    machines = {each.name for each in resources if each.name in lost and each.type == INSTANCE and not each.holds_data}
    hanging = {each.name for each in resources if needs(each) & machines}
    relations = {each.name for each in resources if each.type == ATTACHMENT}
    return frozenset(machines | hanging) if hanging <= relations else frozenset()


def gone(facts: Facts) -> frozenset[str]:
    """Names of the resources that somebody deleted behind our back, as far as the last look found out."""
    found = known_drift(facts)
    known = {(resource.name, resource.type, resource.id) for resource in facts.resources}
    # By id: what was made anew under the name is not gone.
    return frozenset(each.resource for each in found if not each.fields and (each.resource, each.type, each.id) in known)


def in_words(drift: tuple[Drift, ...]) -> tuple[str, str]:
    """What differs, in Chinese and in English."""
    more = len(drift) - NAMED_AT_ONCE
    zh = "、".join(_zh(each) for each in drift[:NAMED_AT_ONCE]) + (f"，另有 {more} 项" if more > 0 else "")
    en = ", ".join(_en(each) for each in drift[:NAMED_AT_ONCE]) + (f", and {more} more" if more > 0 else "")
    return zh, en


def as_told(drift: tuple[Drift, ...]) -> str:
    """The sentence of Events and of the audit log."""
    if not drift:
        return "the cloud is as the controller left it again"
    return f"the cloud is not as the controller left it: {in_words(drift)[1]}. Nothing is corrected unasked"


def _zh(drift: Drift) -> str:
    return f"{drift.resource}（{'、'.join(drift.fields)} 已变）" if drift.fields else f"{drift.resource}（已不存在）"


def _en(drift: Drift) -> str:
    return f"{drift.resource} ({', '.join(drift.fields)} changed)" if drift.fields else f"{drift.resource} (gone)"
