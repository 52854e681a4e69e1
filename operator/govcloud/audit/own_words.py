"""What the log has to say about itself, and which records are said every minute whether anything happened or not."""

from collections.abc import Mapping

from .records import Action, Entry, Initiator, InitiatorType, Outcome, Phase, Target

TARGET_KIND = "AuditLog"
PUBLICATION = "AuditCheckpoint"
"""What publishing a checkpoint is recorded as: the kind of its target, or the attribute `type` of a write to OpenStack."""


def event(action: Action, message: str) -> Entry:
    """Something happened to the log."""
    return Entry(
        phase=Phase.EVENT,
        action=action,
        outcome=Outcome.SUCCESS,
        initiator=Initiator(id="govcloud-audit", type=InitiatorType.CONTROLLER),
        target=Target(kind=TARGET_KIND),
        message=message,
    )


HEARTBEAT = event(Action.MONITOR, "heartbeat")


def is_routine(kind: str, action: str, attributes: Mapping[str, str]) -> bool:
    """Whether a record says no more than that the log is alive and its checkpoints are published.

    If such records made the next checkpoint worth publishing, a log would go on publishing itself for ever.
    """
    heartbeat = kind == TARGET_KIND and action == Action.MONITOR
    return heartbeat or PUBLICATION in (kind, attributes.get("type"))


def publication_event(place: str, outcome: Outcome, message: str) -> Entry:
    """A place began to fail, or works again."""
    return Entry(
        phase=Phase.EVENT,
        action=Action.NOTIFY,
        outcome=outcome,
        initiator=Initiator(id="govcloud-audit", type=InitiatorType.CONTROLLER),
        target=Target(kind=PUBLICATION, name=place),
        message=message,
    )
