"""Only the intent of a removal announces one."""

import pytest
from audit.logs import event, intent, outcome, record

from govcloud.audit.records import Action, Entry, Target
from govcloud.audit.removal import TARGET_KIND, removed_end

SEGMENT = {"action": Action.DELETE, "target": Target(kind=TARGET_KIND, id="0")}


def about(entry: Entry) -> int | None:
    return removed_end(record(entry))


def test_the_intent_says_up_to_where() -> None:
    assert about(intent(**SEGMENT, attributes={"first": "0", "end": "17"})) == 17


@pytest.mark.parametrize(
    "entry",
    [
        outcome("id-0", **SEGMENT, attributes={"end": "17"}),
        event(**SEGMENT, attributes={"end": "17"}),
        intent(action=Action.BACKUP, target=SEGMENT["target"], attributes={"end": "17"}),
        intent(action=Action.DELETE, attributes={"end": "17"}),
        intent(**SEGMENT),
        intent(**SEGMENT, attributes={"end": "-1"}),
        intent(**SEGMENT, attributes={"end": "many"}),
    ],
    ids=lambda entry: f"{entry.phase} of {entry.action} of {entry.target.kind} {dict(entry.attributes)}",
)
def test_nothing_else_does(entry: Entry) -> None:
    assert about(entry) is None
