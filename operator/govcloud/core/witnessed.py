"""What the witnesses beside the audit log tell, as values: acts of the API server, marked objects of OpenStack, and what does not agree. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from govcloud.core.rights import Binding, Role

SLACK = timedelta(seconds=5)
"""How far apart the clocks of two machines may be."""
GRACE = timedelta(minutes=1)
"""How long the controller may take to see a decision."""

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})

_BOOKKEEPING = frozenset({"events", "leases", "namespaces", "cloudservicerequests"})
"""What the controller writes without a record: what it tells people, who leads, and marks. No effects (design, section 3)."""
_NOTES = frozenset({"govcloud-guard", "govcloud-audit-checkpoint"})
"""ConfigMaps of its own in which it remembers or publishes what the log says better."""


class Kind(StrEnum):
    """What is wrong."""

    UNRECORDED = "unrecorded"
    """Written under the controller's identity, without an intent."""
    UNSEEN = "unseen"
    """A decision was made, or the right to one granted, and no record says that the controller saw it."""
    BY_ANOTHER = "by-another"
    """Somebody else wrote or deleted what only the controller writes, or what nobody deletes."""
    UNCONFIRMED = "unconfirmed"
    """Recorded as done, but the API server did not carry it out."""
    UNACCOUNTED = "unaccounted"
    """An object in the cloud carries our mark, and no record knows its operation key."""


@dataclass(frozen=True)
class Act:
    """One request that the API server answered, as its own audit log has it."""

    id: str
    """auditID."""
    began: datetime
    ended: datetime
    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    """HTTP status."""
    made: Role | Binding | None = None
    """The role or binding as it was afterwards, where the act was about one and the API server wrote it down."""

    @property
    def wrote(self) -> bool:
        """Whether something changed. A review (who am I, may I) is a question, although it is created."""
        return self.verb in WRITES and self.code < 400 and not self.resource.endswith("reviews")

    @property
    def tells(self) -> bool:
        """Whether it is what the controller writes about things, and no effect on them."""
        note = self.resource == "configmaps" and self.name in _NOTES
        return bool(self.subresource) or note or self.resource in _BOOKKEEPING

    @property
    def where(self) -> str:
        return "/".join(part for part in (self.resource, self.subresource, self.namespace, self.name) if part)


@dataclass(frozen=True)
class Marked:
    """An object of OpenStack that carries our operation key."""

    type: str
    id: str
    name: str
    project: str
    key: str


@dataclass(frozen=True)
class Difference:
    """One thing that the two sides do not agree on. `source`: the auditID, the number of the record, or the object's id."""

    kind: Kind
    at: datetime | None
    who: str
    what: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """All differences in the order of time, and the span that the API server's log covers; None where it covers nothing."""

    differences: tuple[Difference, ...]
    span: tuple[datetime, datetime] | None
    effects: int
    """How many recorded effects lay in that span and were looked for."""
    writes: int
    """How many of the API server's writes were looked up."""
