"""When admission was guarded: whether the policies of `deploy/admission/` can have been anything but intact when a decision was made. Pure.

The API server gives an object that is made anew another uid, and one whose spec is changed another generation. So what is seen intact twice
with the same uids and generations was intact all the time between, whoever looked. Otherwise nobody can say who made what appeared in between:
that time is a window, and unsigned decisions made in it never count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from govcloud.api.common import Model, Moment
from govcloud.core.objects import ApprovalObject

SETTLING = timedelta(seconds=3)
"""How long another API server may still decide without the policies when one enforces them: each looks for news once a second."""

CLOCKS_APART = timedelta(seconds=2)
"""How far the clocks of two API servers may be apart: one dates the look, another the decision."""

UNENFORCED = "the API server lets in a decision that nobody may make: it has not taken up the admission policies yet, or it enforces none"

_TICK = timedelta(seconds=1)
"""An API server writes the time of a creation down to the second only."""


@dataclass(frozen=True)
class PolicyLook:
    """One look at the policies and bindings of the cluster.

    Attributes:
        at: the API server's time, which is also what objects get as the time of their creation.
        fault: the first thing that is not as installed or not enforced, in one sentence.
        marks: kind and name of each of ours that is there -> its uid and generation.
    """

    at: datetime
    fault: str | None
    marks: Mapping[str, str]


class Window(Model):
    """A time in which the policies may not have been intact. Both ends belong to it; without an end it goes on.

    `spared` are uids of decisions that had been seen before, though their time is in it.
    """

    since: Moment | None = None
    until: Moment | None = None
    spared: tuple[str, ...] = ()

    def covers(self, approval: ApprovalObject) -> bool:
        """Whether the decision may have been made in it."""
        return self.spans(approval.created_at) and approval.uid not in self.spared

    def spans(self, moment: datetime) -> bool:
        """Whether the API server may have dated something so that was made in it."""
        made = _second(moment)
        return (self.since is None or _second(self.since) <= made) and (self.until is None or made <= self.until)


class Guard(Model):
    """What is remembered of the policies.

    `intact_until`: decisions made before this moment, and those after it that are `seen`, were made under intact policies, but for the
    `windows`. It lies a little before the look, for the clocks' sake. Nothing remembered at all means that nothing is known of the time before the first look.
    """

    marks: Mapping[str, str] = {}
    intact_until: Moment | None = None
    seen: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()

    @property
    def counts_from(self) -> datetime | None:
        """From when on unsigned decisions count; None where nothing is known of the past or they do not count at present."""
        return self.windows[-1].until + _TICK if self.windows and self.windows[-1].until else None

    @property
    def is_open(self) -> bool:
        """Whether the policies were not intact at the last look."""
        return bool(self.windows) and self.windows[-1].until is None

    def covers(self, approval: ApprovalObject) -> bool:
        """Whether the decision is known to have been there at a look, or cannot have appeared since."""
        return self.intact_until is not None and (approval.created_at < self.intact_until or approval.uid in self.seen)


@dataclass(frozen=True)
class Admission:
    """How admission stands: a look at it, with what was remembered before and after, and the decisions that were there then."""

    approvals: tuple[ApprovalObject, ...]
    fault: str | None
    remembered: Guard
    guard: Guard

    def hindrance(self, now: datetime) -> str:
        """Why a decision that is made now without a signature would not count; empty where it would. `now` is the API server's."""
        if self.fault is not None:
            return f"decisions do not count: {self.fault}"
        opens = self.guard.counts_from
        return f"decisions count from {opens:%Y-%m-%dT%H:%M:%SZ} on: the admission policies have just come into force" if opens and now < opens else ""


def after_look(before: Guard, look: PolicyLook, approvals: Iterable[ApprovalObject]) -> Guard:
    """What is remembered after a look at the policies.

    Args:
        approvals: all decisions, read before the look: what is among them was made before it.
    """
    if look.fault is not None:
        return before if before.is_open else _opened(before)
    if before.is_open or before.marks != look.marks:
        return _closed(before if before.is_open else _opened(before), look, approvals)
    if all(before.covers(approval) for approval in approvals):
        return before
    return _seen_intact(before, look, approvals)


def was_unguarded(windows: Iterable[Window], approval: ApprovalObject) -> bool:
    """Whether the decision may have been made while the policies were not intact."""
    return any(window.covers(approval) for window in windows)


def _opened(before: Guard) -> Guard:
    window = Window(since=before.intact_until, spared=before.seen)
    return before.model_copy(update={"windows": (*before.windows, window)})


def _closed(before: Guard, look: PolicyLook, approvals: Iterable[ApprovalObject]) -> Guard:
    *earlier, last = before.windows
    ended = last.model_copy(update={"until": _second(look.at) + SETTLING + CLOCKS_APART})
    return _seen_intact(before, look, approvals).model_copy(update={"windows": (*earlier, ended)})


def _seen_intact(before: Guard, look: PolicyLook, approvals: Iterable[ApprovalObject]) -> Guard:
    until = _second(look.at) - CLOCKS_APART
    seen = tuple(sorted(a.uid for a in approvals if a.created_at >= until))
    return before.model_copy(update={"marks": dict(look.marks), "intact_until": until, "seen": seen})


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
