"""What the log says about itself, and which of it is no news."""

import pytest

from govcloud.audit.own_words import HEARTBEAT, PUBLICATION, event, is_routine, publication_event
from govcloud.audit.records import Action, Initiator, InitiatorType, Outcome, Phase, Target

ITSELF = Initiator(id="govcloud-audit", type=InitiatorType.CONTROLLER)


def test_the_log_speaks_for_itself() -> None:
    said = event(Action.REPAIR, "7 unfinished bytes were cut off")
    assert (said.phase, said.action, said.outcome) == (Phase.EVENT, Action.REPAIR, Outcome.SUCCESS)
    assert (said.initiator, said.target, said.message) == (ITSELF, Target(kind="AuditLog"), "7 unfinished bytes were cut off")
    assert (HEARTBEAT.action, HEARTBEAT.message) == (Action.MONITOR, "heartbeat")


def test_a_place_that_fails_is_told_by_name() -> None:
    said = publication_event("the witness", Outcome.FAILURE, "it does not answer")
    assert (said.phase, said.action, said.outcome) == (Phase.EVENT, Action.NOTIFY, Outcome.FAILURE)
    assert (said.initiator, said.message) == (ITSELF, "it does not answer")
    assert said.target == Target(kind="AuditCheckpoint", name="the witness")


@pytest.mark.parametrize(
    ("kind", "action", "attributes", "routine"),
    [
        ("AuditLog", Action.MONITOR, {}, True),
        ("AuditLog", Action.REPAIR, {}, False),
        ("CloudServiceRequest", Action.MONITOR, {}, False),
        (PUBLICATION, Action.NOTIFY, {}, True),
        ("openstack:objectstorage", Action.CREATE, {"type": PUBLICATION}, True),
        ("openstack:objectstorage", Action.CREATE, {"type": "something else"}, False),
        ("openstack:objectstorage", Action.CREATE, {"other": PUBLICATION}, False),
    ],
)
def test_heartbeats_and_publications_are_no_news(kind: str, action: Action, attributes: dict[str, str], routine: bool) -> None:
    assert is_routine(kind, action, attributes) is routine
