"""The audit log against what others wrote down: the API server's own audit log, and the marks that OpenStack's objects carry. Pure.

Two questions. What happened and has no record: a write under the controller's identity without an intent, a decision that it never saw,
somebody else's hand on what it guards, an object in the cloud that nobody recorded. And what has a record but did not happen: a success
that the API server knows nothing of. Clocks differ, and logs begin and end somewhere: nothing is said about the edges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from govcloud.api.request import RequestKey
from govcloud.audit.records import Outcome, Phase, Record
from govcloud.core.evidence import CONTROLLER
from govcloud.core.plan import revision_name
from govcloud.core.report import credentials_secret
from govcloud.core.witnessed import GRACE, SLACK, WRITES, Act, Difference, Kind, Marked, Verdict
from govcloud.core.witnessed_rights import WitnessedRights

_EXISTS_ALREADY = 409


@dataclass
class _Effect:
    """A recorded effect on the Kubernetes API. `name` is empty where the record does not say it."""

    intent: Record
    verb: str
    resource: str
    namespace: str
    name: str
    outcome: Record | None = None

    @property
    def succeeded(self) -> bool:
        return self.outcome is not None and self.outcome.outcome is Outcome.SUCCESS

    def covers(self, act: Act) -> bool:
        """Whether an act of this name can be this effect: by place, and by time with some slack."""
        place = (act.verb, act.resource, act.subresource) == (self.verb, self.resource, "")
        until = self.outcome.time + SLACK if self.outcome else None
        in_time = act.ended >= self.intent.time - SLACK and (until is None or act.began <= until)
        return place and self.namespace in ("", act.namespace) and in_time


def _request(record: Record) -> RequestKey:
    namespace, _, name = record.target.name.partition("/")
    return RequestKey(namespace=namespace, name=name, uid=record.target.id)


_EFFECTS: Mapping[str, tuple[str, str, Callable[[Record], str]]] = {
    "Freeze": ("create", "controllerrevisions", lambda r: revision_name(_request(r), r.reason.plan_number or 0)),
    "WriteCredentials": ("patch", "secrets", lambda r: credentials_secret(_request(r).name)),
    "AddFinalizer": ("patch", "cloudservicerequests", lambda r: _request(r).name),
    "RemoveFinalizer": ("patch", "cloudservicerequests", lambda r: _request(r).name),
    "OpenBackup": ("create", "servicebackups", lambda _: ""),
    "ForgetBackup": ("delete", "servicebackups", lambda r: r.attributes.get("backup", "")),
}
"""By the effect that a record names: how the API server sees it, and the object's name."""

_OF_THE_CLUSTER = frozenset({"servicebackups"})
_GUARDED = frozenset({"controllerrevisions", "servicebackups"})
_TOLD_BY_US = frozenset({"cloudservicerequests", "cloudserviceapprovals", "servicebackups", "annualplans", "serviceagreements", "usingunits"})
"""Kinds whose statuses decisions rest on."""
_NEVER_DELETED = frozenset({"cloudserviceapprovals"})
_CONTROL_PLANE = ("system:serviceaccount:kube-system:", "system:kube-controller-manager", "system:apiserver")
"""Kubernetes itself: its garbage collector deletes what belonged to a request that is gone."""


@dataclass
class _Recorded:
    """What is needed of the log."""

    began: datetime | None = None
    effects: dict[tuple[str, str], list[_Effect]] = field(default_factory=lambda: defaultdict(list))
    """By resource and name."""
    by_intent: dict[str, _Effect] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    """Namespace and name of every decision that was seen."""
    keys: set[str] = field(default_factory=set)
    """Operation keys of everything that was ever about to be written to OpenStack."""
    namespaces: set[str] = field(default_factory=set)
    rights: WitnessedRights = field(default_factory=WitnessedRights)
    secrets: set[tuple[str, str]] = field(default_factory=set)

    def take(self, record: Record) -> None:
        self.began = self.began or record.time
        if record.phase is Phase.OUTCOME and record.intent in self.by_intent and record.settles:
            self.by_intent[record.intent].outcome = record
        self.rights.take(record)
        if key := record.attributes.get("operationKey"):
            self.keys.add(key)
        if record.target.kind != "CloudServiceRequest":
            return
        namespace = _request(record).namespace
        self.namespaces.add(namespace)
        if approval := record.attributes.get("approval"):
            self.seen.add((namespace, approval))
        if record.phase is Phase.INTENT and (seen_as := _EFFECTS.get(record.attributes.get("effect", ""))):
            self._add(record, namespace, *seen_as)

    def _add(self, record: Record, namespace: str, verb: str, resource: str, name: Callable[[Record], str]) -> None:
        place = "" if resource in _OF_THE_CLUSTER else namespace
        effect = _Effect(record, verb, resource, place, name(record))
        self.effects[resource, effect.name].append(effect)
        self.by_intent[record.id] = effect
        if resource == "secrets":
            self.secrets.add((namespace, effect.name))


def compare(
    records: Iterable[Record], acts: Iterable[Act], marked: Iterable[Marked] = (), grace: timedelta = GRACE
) -> Verdict:
    """What the log and its witnesses do not agree on. `records` are all that there are; `acts` may begin later and end earlier."""
    recorded = _Recorded()
    for record in records:
        recorded.take(record)
    watch = _Watch(recorded)
    found = [difference for act in acts for difference in watch.look_at(act)]
    found += [*watch.unconfirmed(), *recorded.rights.unseen(), *_unaccounted(recorded, marked)]
    found = [each for each in found if not watch.too_late_to_say(each, grace)]
    return Verdict(tuple(sorted(found, key=_order)), watch.span, watch.looked_for, watch.writes)


def _order(difference: Difference) -> tuple[bool, str, str]:
    at = difference.at
    return at is None, at.isoformat() if at else "", difference.source


class _Watch:
    """One pass over the API server's log."""

    def __init__(self, recorded: _Recorded) -> None:
        self._recorded = recorded
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._confirmed: set[str] = set()
        self.writes = self.looked_for = 0

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        return (self._first, self._last) if self._first and self._last else None

    def look_at(self, act: Act) -> Iterator[Difference]:
        """What is wrong with one act."""
        self._first = min(self._first or act.ended, act.ended)
        self._last = max(self._last or act.ended, act.ended)
        began = self._recorded.began
        if act.verb not in WRITES or began is None or act.ended < began - SLACK:
            return
        known = self._confirm(act)
        if not act.wrote:
            return
        self.writes += 1
        self._recorded.rights.look_at(act)
        yield from self._judge(act, known)

    def _confirm(self, act: Act) -> bool:
        """Whether a record covers it; what is there already counts as made, by whoever was interrupted after making it."""
        if act.user != CONTROLLER or (act.code >= 400 and act.code != _EXISTS_ALREADY):
            return False
        candidates = (self._recorded.effects.get((act.resource, name), ()) for name in {act.name, ""})
        covering = [effect for effect in chain.from_iterable(candidates) if effect.covers(act)]
        self._confirmed |= {effect.intent.id for effect in covering}
        return bool(covering)

    def _judge(self, act: Act, known: bool) -> Iterator[Difference]:
        if act.user == CONTROLLER:
            if not known and not act.tells:
                yield _said(Kind.UNRECORDED, act, "written by the controller's identity, and no intent was recorded")
        elif act.resource == "cloudserviceapprovals" and act.verb == "create":
            if (act.namespace, act.name) not in self._recorded.seen:
                yield _said(Kind.UNSEEN, act, "this decision was made, and the controller never recorded that it saw it")
        elif self._is_guarded(act) and not act.user.startswith(_CONTROL_PLANE):
            yield _said(Kind.BY_ANOTHER, act, f"{act.verb} by somebody who is not the controller")

    def _is_guarded(self, act: Act) -> bool:
        if act.resource in _TOLD_BY_US and act.subresource == "status":
            return True
        if act.resource in _NEVER_DELETED:
            return act.verb.startswith("delete")
        if act.resource == "secrets":
            named = (act.namespace, act.name) in self._recorded.secrets
            return named or (act.verb == "deletecollection" and act.namespace in self._recorded.namespaces)
        mine = act.resource == "servicebackups" or act.namespace in self._recorded.namespaces
        return act.resource in _GUARDED and mine

    def unconfirmed(self) -> Iterator[Difference]:
        """Successes in the covered span that the API server knows nothing of."""
        if self.span is None:
            return
        first, last = self.span
        for effect in self._recorded.by_intent.values():
            if effect.outcome is None or not effect.succeeded:
                continue
            if first + SLACK <= effect.intent.time and effect.outcome.time <= last - SLACK:
                self.looked_for += 1
                if effect.intent.id not in self._confirmed:
                    yield _unconfirmed(effect)

    def too_late_to_say(self, difference: Difference, grace: timedelta) -> bool:
        """A decision at the very end of the span may be seen yet."""
        last = self._last
        return difference.kind is Kind.UNSEEN and bool(last and difference.at and difference.at > last - grace)


def _said(kind: Kind, act: Act, what: str) -> Difference:
    return Difference(kind, act.ended, act.user, f"{act.verb} {act.where}: {what}", act.id)


def _unconfirmed(effect: _Effect) -> Difference:
    record = effect.intent
    where = "/".join(part for part in (effect.resource, effect.namespace, effect.name) if part)
    what = f"{effect.verb} {where}: recorded as done, and the API server's log has nothing of it"
    return Difference(Kind.UNCONFIRMED, record.time, record.initiator.id, what, str(record.sequence))


def _unaccounted(recorded: _Recorded, marked: Iterable[Marked]) -> Iterator[Difference]:
    for each in marked:
        if each.key not in recorded.keys:
            what = f"{each.type} {each.name or each.id} in project {each.project}: marked as ours, and no record knows its key {each.key}"
            yield Difference(Kind.UNACCOUNTED, None, "", what, each.id)
