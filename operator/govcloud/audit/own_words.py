"""What the log has to say about itself, and which records are said every minute whether anything happened or not."""

from .records import Action, Entry, Initiator, InitiatorType, Outcome, Phase, Target

TARGET_KIND = "AuditLog"


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
