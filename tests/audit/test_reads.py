"""Who reads records is recorded, by the one who may write."""

import json
from pathlib import Path

import pytest
from audit.logs import START, QuickFiles, fill, open_log
from typer.testing import CliRunner

from govcloud.audit.layout import Layout
from govcloud.audit.query import search
from govcloud.audit.reads import Read, leave_note, record_reads
from govcloud.audit.records import Action, Outcome, Phase, Record
from govcloud.cli import app as everything
from govcloud.cli.audit import app


def recorded(directory: Path) -> list[Record]:
    """What the writer records of the notes that lie there."""
    log = open_log(directory)
    count = record_reads(log, directory, QuickFiles())
    assert record_reads(log, directory, QuickFiles()) == 0, "once"
    log.close()
    found = [record for record in search(directory) if record.action is Action.READ]
    assert len(found) == count
    return found


def test_a_note_becomes_a_record_and_goes(tmp_path: Path) -> None:
    leave_note(tmp_path, Read("wang.wei", "query", unit="jj-health", request="5b1c"), START, QuickFiles())
    (record,) = recorded(tmp_path)
    assert (record.initiator.id, record.initiator.type, record.target.name) == ("wang.wei", "person", "query")
    assert (record.unit, record.request, record.attributes["at"]) == ("jj-health", "5b1c", START.isoformat())
    assert (record.phase, record.outcome, record.target.kind) == (Phase.EVENT, Outcome.SUCCESS, "AuditRecords")
    assert record.message == "records were read"
    assert list(Layout(tmp_path).reads.iterdir()) == []


def test_reading_the_ledger_or_comparing_it_leaves_a_note_too(tmp_path: Path) -> None:
    fill(tmp_path / "audit", 4)
    (tmp_path / "empty.log").touch()
    whole = ["--log", str(tmp_path / "audit")]
    assert CliRunner().invoke(everything, ["usage", "--unit", "jj-health", *whole]).exit_code == 0
    CliRunner().invoke(app, ["reconcile", "--kubernetes-log", str(tmp_path / "empty.log"), *whole])
    found = {(record.target.name, record.unit) for record in recorded(tmp_path / "audit")}
    assert found == {("usage", "jj-health"), ("reconcile", "")}


@pytest.mark.parametrize(
    ("command", "unit"),
    [
        (["query", "--unit", "jj-health"], "jj-health"),
        (["tail"], ""),
        (["export", "--unit", "jj-health"], "jj-health"),
        (["prove", "1"], ""),
    ],
)
def test_every_command_that_shows_records_leaves_a_note(tmp_path: Path, command: list[str], unit: str) -> None:
    fill(tmp_path, 4)
    assert CliRunner().invoke(app, [*command, "--log", str(tmp_path)]).exit_code == 0
    (record,) = recorded(tmp_path)
    assert (record.target.name, record.unit) == (command[0], unit)
    assert record.initiator.id


def test_a_note_may_say_less_and_is_then_recorded_as_it_is(tmp_path: Path) -> None:
    Layout(tmp_path).reads.mkdir(parents=True)
    for name, text in (("a", '{"who": "wang.wei"}'), ("b", '{"command": "tail"}'), ("c", "nonsense"), ("d", '{"who": ""}')):
        (Layout(tmp_path).reads / f"{name}.json").write_text(text)
    found = [(r.attributes["note"], r.initiator.id, r.target.name, r.unit, r.request, r.attributes["at"]) for r in recorded(tmp_path)]
    assert found == [
        ("a", "wang.wei", "", "", "", ""),
        ("b", "unknown", "tail", "", "", ""),
        ("c", "unknown", "unreadable note", "", "", ""),
        ("d", "unknown", "", "", "", ""),
    ]


def test_many_notes_are_recorded_in_parts(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(501):
        (Layout(tmp_path).reads / f"{number:03}.json").write_text('{"who": "wang.wei"}')
    (Layout(tmp_path).reads / ".unfinished.json.new").write_text("")
    assert [record_reads(log, tmp_path, QuickFiles()) for _ in range(3)] == [500, 1, 0]
    log.close()
    assert [path.name for path in Layout(tmp_path).reads.iterdir()] == [".unfinished.json.new"]


def test_verifying_shows_no_record_and_leaves_none(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    assert CliRunner().invoke(app, ["verify", "--log", str(tmp_path)]).exit_code == 0
    assert recorded(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", "[" * 8_000, "{", '{"unit": "a\\nb", "who": "‮evil"}', json.dumps({"who": "x" * 9_000})])
def test_a_note_that_is_none_is_recorded_all_the_same(tmp_path: Path, text: str) -> None:
    Layout(tmp_path).reads.mkdir(parents=True)
    (Layout(tmp_path).reads / "forged\n.json").write_text(text)
    (record,) = recorded(tmp_path)
    assert "\n" not in record.attributes["note"] + record.unit + record.initiator.id


def test_a_copy_that_cannot_be_written_can_still_be_read(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    Layout(tmp_path).reads.rmdir()
    Layout(tmp_path).reads.write_text("in the way")
    shown = CliRunner().invoke(app, ["tail", "--log", str(tmp_path)])
    assert (shown.exit_code, "could not be noted" in shown.output) == (0, True)


def test_an_unfinished_note_waits(tmp_path: Path) -> None:
    Layout(tmp_path).reads.mkdir(parents=True)
    (Layout(tmp_path).reads / ".half.json.new").write_text("{")
    assert recorded(tmp_path) == []
