"""The provider's journal, kept in the audit log: one intent and one outcome for every write to OpenStack."""

from __future__ import annotations

from collections.abc import Callable

from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.log import AuditLog
from govcloud.audit.records import Action, Entry, Outcome, Phase, Reason, RequestIds, Target
from govcloud.core.evidence import BY_CONTROLLER
from stacks.provider.journal import EffectContext, JournalUnavailable, Operation, System, Write, WriteOutcome

_ACTIONS: dict[Operation, Action] = {
    "create": Action.CREATE,
    "update": Action.UPDATE,
    "delete": Action.DELETE,
    "backup": Action.BACKUP,
    "restore": Action.RESTORE,
    "verify": Action.VERIFY,
    "purge": Action.SANITISE,
}
_RESULTS = {"success": Outcome.SUCCESS, "failure": Outcome.FAILURE, "unknown": Outcome.UNKNOWN}


class AuditJournal:
    """A `stacks.provider.journal.Journal` on an `AuditLog`.

    Args:
        unit_of: name of the using unit that an owner (uid of a request or unit) belongs to; empty where nobody knows.
    """

    def __init__(self, log: AuditLog, unit_of: Callable[[str], str]) -> None:
        self._log = log
        self._unit_of = unit_of
        self._open: dict[str, tuple[System, Entry]] = {}

    def intent(self, context: EffectContext, write: Write) -> str:
        """Record what is about to be written.

        Raises:
            JournalUnavailable: the log cannot record; the write must not be sent.
        """
        entry = Entry(
            phase=Phase.INTENT,
            action=_ACTIONS[context.operation],
            outcome=Outcome.PENDING,
            initiator=BY_CONTROLLER,
            target=Target(kind=f"{write.system}:{write.service}", id=write.path[-256:], name=context.urn[-256:], project=write.project or ""),
            request=context.owner,
            unit=self._unit_of(context.owner),
            reason=Reason(plan_number=context.plan or None),  # no plan allows what the controller does for itself
            request_ids=_request_ids(write.system, (write.request_id,)),
            message=f"{write.method} {write.path}"[:1000],
            attributes={"stack": context.stack[:256], "type": context.type[:256], "operationKey": context.key, "method": write.method},
        )
        intent = self._append(entry)
        self._open[intent] = write.system, entry
        return intent

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        """Record what came of it.

        Raises:
            JournalUnavailable: the log cannot record; nothing more must be written.
        """
        system, begun = self._open.pop(intent)
        ids = (*getattr(begun.request_ids, system), *outcome.service_request_ids)
        status = {"status": str(outcome.status)} if outcome.status is not None else {}
        self._append(
            Entry(
                phase=Phase.OUTCOME,
                action=begun.action,
                outcome=_RESULTS[outcome.result],
                intent=intent,
                initiator=begun.initiator,
                target=begun.target,
                request=begun.request,
                unit=begun.unit,
                reason=begun.reason,
                request_ids=_request_ids(system, ids),
                message=(outcome.error or begun.message)[:1000],
                attributes={**begun.attributes, **status},
                duration_ms=int(outcome.seconds * 1000),
            )
        )

    def _append(self, entry: Entry) -> str:
        try:
            return self._log.append(entry).id
        except AuditUnavailable as error:
            raise JournalUnavailable(str(error)) from error


def _request_ids(system: System, ids: tuple[str, ...]) -> RequestIds:
    return RequestIds.model_validate({system: tuple(filter(None, ids))[:16]})


def settle_interrupted(log: AuditLog) -> int:
    """Close every intent that an ended process left open: what came of it is not known; whoever resumes looks before acting.

    Returns:
        How many there were.
    """
    entries = tuple(
        Entry(
            phase=Phase.OUTCOME,
            action=record.action,
            outcome=Outcome.UNKNOWN,
            intent=record.id,
            initiator=BY_CONTROLLER,
            target=record.target,
            request=record.request,
            unit=record.unit,
            reason=record.reason,
            request_ids=record.request_ids,
            message="the controller ended before the outcome was known; it is looked up before anything is repeated",
        )
        for record in log.open_intents()
    )
    if entries:
        log.append_many(entries)
    return len(entries)
