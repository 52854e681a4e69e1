"""What the writer promises of a record while the disk is well."""

from pathlib import Path

import pytest
from audit.logs import KEY, START, Time, event, intent, open_log, outcome
from pydantic import ValidationError

from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.files import RealFiles
from govcloud.audit.layout import Layout
from govcloud.audit.merkle import leaf_hash
from govcloud.audit.own_words import publication_event
from govcloud.audit.query import search
from govcloud.audit.records import Action, Outcome, Phase, Target
from govcloud.audit.state import State
from govcloud.audit.store import CHECKPOINT_SECONDS
from govcloud.audit.verify import verify


def test_a_record_says_what_the_caller_said_and_what_the_log_knows(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    receipt = log.append(intent("web-1", message="create server", attributes={"method": "POST"}))
    log.close()
    (record,) = search(tmp_path)
    assert (record.id, record.sequence) == (receipt.id, receipt.sequence) == (record.id, 0)
    assert (record.phase, record.action, record.message) == (Phase.INTENT, Action.CREATE, "create server")
    assert record.attributes == {"method": "POST"}
    assert record.fence == "lease/1"
    assert record.boot == RealFiles().boot_id()
    assert 0 < (record.time - START).total_seconds() < 1
    assert int(record.monotonic) > 0


def test_every_record_links_to_the_stored_bytes_of_the_one_before(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append_many([intent("a"), intent("b"), intent("c")])
    log.close()
    records = list(search(tmp_path))
    assert records[0].prev == "0" * 64
    assert [r.prev for r in records[1:]] == [leaf_hash(r.stored()).hex() for r in records[:-1]]
    assert [r.commit for r in records] == [0, 0, 0]


def test_a_closed_log_accepts_nothing_and_closing_twice_is_fine(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    log.close()
    log.close()
    with pytest.raises(AuditUnavailable, match="closed"):
        log.append(event())
    with pytest.raises(AuditUnavailable, match="closed"):
        log.append(outcome("x"))
    assert log.health().state is State.CLOSED


@pytest.mark.parametrize(
    "update",
    [
        {"attributes": {"no name": "x"}},
        {"attributes": {"password": "x"}},
        {"unit": "two\nlines"},
        {"target": Target.model_construct(kind="", id="", name="", project="")},
        {"intent": "some"},
    ],
)
def test_an_entry_made_past_its_checks_is_refused_and_stops_no_one_else(
    tmp_path: Path, update: dict[str, object]
) -> None:
    log = open_log(tmp_path)
    with pytest.raises(ValidationError):
        log.append(event().model_copy(update=update))
    assert log.append(event()).sequence == 0
    log.close()


def test_foreign_words_put_in_past_the_checks_are_escaped_all_the_same(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event().model_copy(update={"attributes": {"documentNumber": "2026\u202e\n" + "x" * 999}}))
    log.close()
    (record,) = search(tmp_path)
    assert record.attributes["documentNumber"].startswith("2026\\u202e\\u000axxx")
    assert len(record.attributes["documentNumber"]) == 256


def test_the_leaves_from_any_sequence_on_are_those_of_the_records(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=1_500)
    for _ in range(8):
        log.append(event())
    leaves = [leaf_hash(record.stored()) for record in search(tmp_path)]
    assert 2 < len(list(Layout(tmp_path).segments.iterdir())) < 8
    assert [list(log.leaves(start)) for start in range(9)] == [leaves[start:] for start in range(9)]
    log.close()


def test_that_the_log_is_alive_and_published_adds_no_substance(tmp_path: Path) -> None:
    time = Time()
    log = open_log(tmp_path, time=time)
    log.append(event())
    assert log.substance() == 1
    time.advance(CHECKPOINT_SECONDS)
    log.tick()
    log.append(publication_event("the witness", Outcome.SUCCESS, "it works again"))
    assert (log.health().records, log.substance()) == (3, 1)
    log.append(event())
    assert log.substance() == 4
    log.close()


def test_a_log_that_proves_to_be_another_accepts_nothing_more(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    log.distrust("an older copy was put back")
    for refused in (lambda: log.append(event()), log.sign, log.seal):
        with pytest.raises(AuditUnavailable, match=r"^an older copy was put back$"):
            refused()
    assert (log.health().state, log.health().reason) == (State.BROKEN, "an older copy was put back")
    log.close()
    assert verify(tmp_path, KEY).signed == 0, "what is not to be trusted is not signed"
