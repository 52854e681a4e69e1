"""A verification that goes on from the last one finds what is new, and is honest about what it does not look at."""

import json
import shutil
from pathlib import Path

import pytest
from audit.logs import KEY, QuickFiles, Time, event, fill, intent, open_log
from audit.test_rotation import changed_twice
from typer.testing import CliRunner

from govcloud.audit.files import RealFiles
from govcloud.audit.incremental import FORMAT, BadState, verify_from
from govcloud.audit.layout import Layout
from govcloud.audit.notes import newest_note
from govcloud.audit.records import Entry
from govcloud.audit.verify import Report, Result, verify
from govcloud.cli.audit import app

SMALL = {"segment_bytes": 2_000}


class Counting(QuickFiles):
    """Which segments were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def open_for_reading(self, path: Path):  # type: ignore[no-untyped-def]
        if path.suffix == ".log":
            self.read.append(path.name)
        return super().open_for_reading(path)


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    fill(tmp_path / "audit", 20, **SMALL)
    return tmp_path / "audit"


def again(audit: Path, files: RealFiles | None = None) -> Report:
    return verify_from(audit, audit.parent / "state", KEY, files=files)


def segments(audit: Path) -> list[Path]:
    return sorted(Layout(audit).segments.iterdir())


def test_the_first_time_everything_is_read_and_remembered(audit: Path) -> None:
    assert again(audit) == verify(audit, KEY)
    state = json.loads((audit.parent / "state").read_text())
    with Layout(audit).notes.open("rb") as stream:
        note, _ = newest_note(stream)
    assert note and state == {"format": FORMAT, "checkpoint": note.text(), "announced": 0, "openIntents": []}
    text = json.dumps(note.text(), ensure_ascii=False)
    whole = f'{{\n "format": "{FORMAT}",\n "checkpoint": {text},\n "announced": 0,\n "openIntents": []\n}}\n'
    assert (audit.parent / "state").read_text() == whole, "people can read it"


def test_a_kept_checkpoint_is_held_against_the_log_every_time(audit: Path, tmp_path: Path) -> None:
    shutil.copytree(audit, tmp_path / "old")
    grown(audit, event())
    with Layout(audit).notes.open("rb") as stream:
        kept, _ = newest_note(stream)
    for _ in range(2):
        assert verify_from(audit, tmp_path / "state", KEY, kept).result is Result.OK
    for _ in range(2):
        report = verify_from(tmp_path / "old", tmp_path / "other", KEY, kept)
        assert (report.result, report.first_bad) == (Result.INCOMPLETE, 20)


def grown(audit: Path, entry: Entry) -> None:
    """One more record, written an hour later."""
    time = Time()
    time.advance(3_600)
    log = open_log(audit, time=time, **SMALL)
    log.append(entry)
    log.close()


def test_the_next_time_sealed_segments_are_not_read(audit: Path) -> None:
    again(audit)
    grown(audit, intent())
    files = Counting()
    report = again(audit, files)
    whole = verify(audit, KEY)
    assert (report.result, report.records, report.signed, report.root) == (Result.OK, 21, 21, whole.root)
    assert (report.open_intents, report.checkpoints) == (1, whole.checkpoints)
    *sealed, last = segments(audit)
    assert not set(files.read) & {path.name for path in sealed[:-1]}
    first = int(sorted(files.read)[0].split(".")[0])
    assert report.remarks[0] == (
        f"records 0 to {first - 1} were verified an earlier time and not read again; their kept hashes lead to what was signed"
    )
    assert last.name in files.read
    assert again(audit).open_intents == 1, "an intent that stays open is carried on"


def test_a_change_that_came_since_is_found_and_the_state_stays(audit: Path) -> None:
    again(audit)
    before = (audit.parent / "state").read_bytes()
    last = segments(audit)[-1]
    last.write_bytes(last.read_bytes().replace(b"web-9", b"web-0"))
    report = again(audit)
    assert (report.result, report.first_bad) == (Result.TAMPERED, verify(audit, KEY).first_bad)
    assert (audit.parent / "state").read_bytes() == before


def test_a_log_that_was_rewritten_since_is_found_by_its_root(audit: Path, tmp_path: Path) -> None:
    again(audit)
    for path in sorted(audit.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    fill(audit, 24, fence="lease/2", **SMALL)
    assert verify(audit, KEY).result is Result.OK
    assert again(audit).result is Result.TAMPERED


def test_a_rollback_since_is_found(audit: Path, tmp_path: Path) -> None:
    shutil.copytree(audit, tmp_path / "old")
    grown(audit, event())
    again(audit)
    report = again(tmp_path / "old")
    assert (report.result, report.first_bad) == (Result.INCOMPLETE, 20)


def test_kept_hashes_that_were_changed_are_found(audit: Path) -> None:
    again(audit)
    path = Layout(audit).segment_hashes(0)
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    assert again(audit).result is Result.TAMPERED


def test_without_kept_hashes_everything_is_read(audit: Path) -> None:
    again(audit)
    Layout(audit).segment_hashes(0).unlink()
    files = Counting()
    assert again(audit, files).result is Result.OK
    assert {path.name for path in segments(audit)} == set(files.read)


def test_what_is_not_looked_at_is_found_when_everything_is_read(audit: Path) -> None:
    """The price: a sealed segment that was changed after it was verified. The remark says that it was not read."""
    again(audit)
    first = segments(audit)[0]
    first.write_bytes(first.read_bytes().replace(b"web-0", b"web-9"))
    report = again(audit)
    assert report.result is Result.OK
    assert "not read again" in report.remarks[0]
    assert verify(audit, KEY).result is Result.TAMPERED


def test_changes_of_key_before_are_known(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path, segment_bytes=1_500)
    assert again(audit).result is Result.OK
    assert again(audit).result is Result.OK
    assert "not read again" in again(audit).remarks[0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other"}', '{"format": "govcloud-audit-verified/1"}'])
def test_a_state_that_is_none_is_refused(audit: Path, text: str) -> None:
    (audit.parent / "state").write_text(text)
    with pytest.raises(BadState, match=r"was not written by an earlier verification: ."):
        again(audit)


def test_a_state_of_another_kind_says_which_is_wanted(audit: Path) -> None:
    (audit.parent / "state").write_text('{"format": "other"}')
    with pytest.raises(BadState, match=rf"state does not say {FORMAT}$"):
        again(audit)


def test_the_command_goes_on_from_its_state(audit: Path, tmp_path: Path) -> None:
    arguments = ["verify", "--log", str(audit), "--state", str(tmp_path / "state")]
    first, second = (CliRunner().invoke(app, arguments) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "not read again" not in first.output
    assert "not read again" in second.output
    (tmp_path / "state").write_text("?")
    assert CliRunner().invoke(app, arguments).exit_code == 3
