"""What receivers of notifications are told: the states that a request goes through, as CloudEvents. Pure.

Notices are kept in the status together with the state that they tell of, so that they are written in one piece and no crash loses one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from govcloud.api.common import API_VERSION, Condition, as_written
from govcloud.api.notification import MOST_NOTICES, Notice, Notifications
from govcloud.api.request import RequestKey
from govcloud.api.request_status import RequestStatus
from govcloud.core.canonical import canonical
from govcloud.core.facts import Facts

TYPE = "dev.govcloud.request.changed"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


@dataclass(frozen=True)
class Outbox:
    """The newest notices of one request, oldest first, and who wants them, if anybody. Some or all may have been told already."""

    jurisdiction: str
    receiver: Notifications | None
    request: RequestKey
    unit: str
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class Event:
    """A CloudEvent as it is sent: its id, and the exact bytes."""

    id: str
    body: bytes


def with_notice(status: RequestStatus, facts: Facts) -> RequestStatus:
    """The status with a notice of the state that it shows, if that is another than the last. Without notices where nobody wants them."""
    before, jurisdiction = facts.progress.notices, facts.jurisdiction
    if jurisdiction is None:
        return status
    notices = (*before, *_new_notice(before, status, facts)) if jurisdiction.spec.notifications else ()
    return status.model_copy(update={"progress": status.progress.model_copy(update={"notices": notices[-MOST_NOTICES:]})})


def outbox(facts: Facts, status: RequestStatus) -> Outbox | None:
    """What is to be told of a request whose status was written; None where it is not known who would want to know."""
    jurisdiction = facts.jurisdiction
    if jurisdiction is None:
        return None
    unit = facts.unit.name if facts.unit else ""
    return Outbox(jurisdiction.name, jurisdiction.spec.notifications, facts.request.key, unit, status.progress.notices)


def untold(box: Outbox, last_told: str | None) -> tuple[Event, ...]:
    """The events that come after the one that was told last. All of them, where that one is not known: better twice than not at all."""
    events = tuple(cloud_event(box, notice) for notice in box.notices)
    place = next((place for place, event in enumerate(events) if event.id == last_told), -1)
    return events[place + 1 :]


def cloud_event(box: Outbox, notice: Notice) -> Event:
    """A notice as a CloudEvent 1.0 in structured JSON. The same notice is always the same bytes under the same id."""
    key, said = box.request, as_written(notice)
    data = {"namespace": key.namespace, "name": key.name, "uid": key.uid, "unit": box.unit, "jurisdiction": box.jurisdiction, **said}
    digest = hashlib.sha256(canonical(data).encode()).hexdigest()[:12]
    event = {
        "specversion": "1.0",
        "id": f"{key.uid}-{notice.number}-{digest}",
        "source": f"/apis/{API_VERSION}/namespaces/{key.namespace}/cloudservicerequests/{key.name}",
        "type": TYPE,
        "subject": f"{key.namespace}/{key.name}",
        "time": said["at"],
        "datacontenttype": "application/json",
        "sequence": f"{notice.number:010d}",
        "data": data,
    }
    return Event(event["id"], json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())


def _new_notice(before: Sequence[Notice], status: RequestStatus, facts: Facts) -> tuple[Notice, ...]:
    last = before[-1] if before else None
    action, plan = status.next_action, status.plan
    stalled, overdue = _condition(status, "Stalled"), _condition(status, "Overdue")
    ready = _condition(status, "Ready")
    notice = Notice(
        number=last.number if last else 1,
        at=last.at if last else facts.now,
        phase=status.phase,
        ready=ready.reason if ready else "",
        stalled=stalled.reason if stalled and stalled.status == "True" else None,
        plan=plan.number if plan else None,
        transition=plan.transition if plan else None,
        waiting_for=action.waiting_for if action else None,
        office=action.office if action else None,
        deadline=action.deadline if action else None,
        overdue=overdue is not None and overdue.status == "True",
    )
    if notice == last:
        return ()
    return (notice.model_copy(update={"number": last.number + 1, "at": facts.now}),) if last else (notice,)


def _condition(status: RequestStatus, kind: str) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)
