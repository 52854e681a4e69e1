"""Finding records, and reading while the writer writes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from audit.logs import START, Time, event, fill, intent, open_log, outcome

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.frames import HEADER_BYTES, encode
from govcloud.audit.layout import Layout
from govcloud.audit.query import Filter, effects, following, parse_time, recent, search
from govcloud.audit.records import Action, Initiator, InitiatorType, Outcome

LIU = Initiator(id="liu.fang", type=InitiatorType.PERSON)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    time = Time()
    writer = open_log(tmp_path, time=time, segment_bytes=1_500)
    writer.append(event(message="0", request="r-1", unit='odd "name"'))
    writer.append(event(message="1", request="r-2", action=Action.ALLOW, initiator=LIU))
    time.advance(3_600)
    begun = writer.append(intent(message="2", request="r-2"))
    writer.append(outcome(begun.id, message="3", request="r-2", action=Action.DELETE))
    time.advance(3_600)
    writer.append(event(message="4", unit="jj-schools"))
    writer.close()
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), "01234"),
        (Filter(request="r-2"), "123"),
        (Filter(unit="jj-schools"), "4"),
        (Filter(unit='odd "name"'), "0"),
        (Filter(unit="jj"), ""),
        (Filter(person="liu.fang"), "1"),
        (Filter(person="wang.wei"), "0234"),
        (Filter(actions=frozenset({Action.ALLOW, Action.DELETE})), "13"),
        (Filter(since=START + timedelta(hours=1)), "234"),
        (Filter(until=START + timedelta(hours=1)), "01"),
        (Filter(request="r-2", since=START + timedelta(hours=1), actions=frozenset({Action.CREATE})), "2"),
    ],
)
def test_a_query_finds_what_matches_and_nothing_else(log: Path, wanted: Filter, found: str) -> None:
    assert "".join(record.message for record in search(log, wanted)) == found


def test_limits_of_time_are_included_at_the_start_and_excluded_at_the_end(log: Path) -> None:
    moment = next(search(log)).time
    assert [r.message for r in search(log, Filter(since=moment, until=moment + timedelta(microseconds=1)))] == ["0"]
    assert list(search(log, Filter(since=moment, until=moment))) == []


def test_the_last_records_and_the_ones_after(log: Path) -> None:
    assert [r.sequence for r in recent(log, 2)] == [3, 4]
    assert [r.sequence for r in recent(log, 99)] == [0, 1, 2, 3, 4]
    for start in range(6):
        assert [r.sequence for r in following(log, start)] == list(range(start, 5))


def test_effects_pair_intents_with_their_outcomes(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    one, two = log.append(intent("one")), log.append(intent("two"))
    log.append(outcome(two.id, outcome=Outcome.PENDING))
    log.append(outcome(one.id, outcome=Outcome.UNKNOWN))
    log.append(outcome(one.id))
    log.append(event())
    log.close()
    found = effects(search(tmp_path))
    assert [(e.intent.target.name, len(e.outcomes), e.settled) for e in found] == [("one", 2, True), ("two", 1, False)]


def test_reading_while_the_writer_is_in_the_middle_of_a_record(log: Path) -> None:
    last = sorted(Layout(log).segments.iterdir())[-1]
    whole = last.read_bytes()
    last.write_bytes(whole + whole[:25])
    assert [r.sequence for r in search(log)] == [0, 1, 2, 3, 4]
    assert [r.sequence for r in recent(log, 1)] == [4]


def test_a_damaged_record_ends_the_query_with_a_clear_word(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    path = Layout(tmp_path).segment(0)
    path.write_bytes(path.read_bytes().replace(b"web-1", b"web-9"))
    found = search(tmp_path)
    assert next(found).sequence == 0
    with pytest.raises(AuditDamaged, match=r"^The audit log is damaged: record 1 .*\. Run: govcloud audit verify$") as damaged:
        next(found)
    assert damaged.value.index == 1


def test_a_field_that_cannot_be_read_is_named_with_its_place(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    path = Layout(tmp_path).segment(0)
    path.write_bytes(encode(path.read_bytes()[HEADER_BYTES:-1].replace(b'"type":"controller"', b'"type":"oracle"')))
    why = r"^Record 0 cannot be read \(initiator\.type: Input should be .*\): a newer program wrote it, or it was changed\. Run: govcloud audit verify$"
    with pytest.raises(AuditDamaged, match=why):
        list(search(tmp_path))


def test_no_log_is_said(tmp_path: Path) -> None:
    for read in (lambda: list(search(tmp_path)), lambda: recent(tmp_path, 1)):
        with pytest.raises(FileNotFoundError, match=rf"^There is no audit log in {tmp_path}$"):
            read()


NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("5m", NOW - timedelta(minutes=5)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T08:00:00+08:00", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T08:00:00Z", datetime(2026, 5, 1, 8, tzinfo=UTC)),
    ],
)
def test_moments_as_people_write_them(text: str, moment: datetime) -> None:
    assert parse_time(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "1y", "-1d", "2026-13-01", "", "999999w"])
def test_what_is_no_moment_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{text} is no time; write 2026-05-01, 2026-05-01T08:00:00\+08:00, or 24h, 7d, 2w$"):
        parse_time(text, NOW)


def test_a_record_of_a_newer_program_is_said_and_not_guessed_at(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    log.close()
    path = Layout(tmp_path).segment(0)
    payload = path.read_bytes()[HEADER_BYTES:-1].replace(b'"action":"evaluate"', b'"action":"levitate"')
    path.write_bytes(encode(payload))
    for read in (lambda: list(search(tmp_path)), lambda: recent(tmp_path, 1), lambda: following(tmp_path, 0)):
        with pytest.raises(AuditDamaged, match=r"Record 0 cannot be read .*newer program") as damaged:
            read()
        assert damaged.value.index == 0
