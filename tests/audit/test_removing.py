"""What goes is announced first, leaves its hashes and a record, and the rest is a log like any other."""

import errno
import hashlib
import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, SIGNER, FaultyFiles, QuickFiles, Time, event, open_log
from audit.test_retention import LONG_AGO, allowed, log_of_days

from govcloud.audit import verify_offline
from govcloud.audit.durable import DiskBroken
from govcloud.audit.layout import Layout
from govcloud.audit.proofs import at, check, export, newest_checkpoint
from govcloud.audit.query import search
from govcloud.audit.records import Action, Outcome, Phase, Target
from govcloud.audit.retention import Segment, remove
from govcloud.audit.rotation import rotate
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.verify import Result, verify


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """A log that was written for 385 days, and the moment at its end."""
    directory, time = tmp_path_factory.mktemp("old") / "audit", Time()
    log_of_days(directory, 385, time)
    return directory, time.now


def offline(directory: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, int | None]:
    capsys.readouterr()
    code = verify_offline.main(["log", str(directory), "--key", str(Layout(directory).public_key)])
    return code, json.loads(capsys.readouterr().out)["first_bad"]


def test_after_removal_the_rest_is_whole_continued_and_provable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    time = Time()
    log_of_days(tmp_path, 385, time)
    segments = allowed(tmp_path, time.now)
    end = segments[-1].end
    first_left = next(record for record in search(tmp_path) if record.sequence == end)
    log = open_log(tmp_path, time=time)
    remove(log, tmp_path, segments, CONTROLLER)
    log.close()
    assert not Layout(tmp_path).segment(0).exists()

    report = verify(tmp_path, KEY)
    assert report.result is Result.OK, report.what
    assert any(f"records 0 to {end - 1} were removed" in remark for remark in report.remarks)
    assert offline(tmp_path, capsys) == (0, None)
    assert next(search(tmp_path)) == first_left
    assert check(export(tmp_path, at(end)), KEY).records == (first_left.stored(),)
    fences = [(r.action, r.phase) for r in search(tmp_path) if r.action is Action.DELETE]
    assert len(fences) == 2 * len(segments)

    log = open_log(tmp_path, time=time)
    assert log.open_intents() == ()
    log.append(event())
    log.close()
    assert verify(tmp_path, KEY).result is Result.OK


def test_what_removal_is_recorded_as(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    (segment, *_), data = allowed(directory, now), Layout(directory).segment(0).read_bytes()
    log = open_log(tmp_path / "audit")
    remove(log, tmp_path / "audit", [segment], CONTROLLER)
    log.close()
    *_, intended, done = search(tmp_path / "audit")
    assert [(r.phase, r.outcome) for r in (intended, done)] == [(Phase.INTENT, Outcome.PENDING), (Phase.OUTCOME, Outcome.SUCCESS)]
    assert done.intent == intended.id
    for record in (intended, done):
        assert (record.action, record.initiator) == (Action.DELETE, CONTROLLER)
        assert record.target == Target(kind="AuditSegment", id="0")
        assert record.message == f"retention: records 0 to {segment.end - 1} expired and are archived"
        assert record.attributes == {"first": "0", "end": str(segment.end), "digest": hashlib.sha256(data).hexdigest()}


def test_a_disk_that_does_not_let_go_is_said(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    log = open_log(tmp_path / "audit")
    stubborn = FaultyFiles(lambda _, name: errno.EIO if name == "remove" else None)
    with pytest.raises(DiskBroken, match=r"^cannot remove an expired segment: Input/output error$"):
        remove(log, tmp_path / "audit", allowed(directory, now), CONTROLLER, stubborn)
    assert [intent.action for intent in log.open_intents()] == [Action.DELETE]
    log.close()
    assert verify(tmp_path / "audit", KEY).result is Result.OK


def test_a_log_whose_key_was_changed_in_what_is_gone_goes_on(tmp_path: Path) -> None:
    time, audit, key_file = Time(), tmp_path / "audit", tmp_path / "signing.key"
    key_file.write_text(SIGNER.text() + "\n")
    key_file.chmod(0o600)
    log_of_days(audit, 10, time)
    rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    signer = load_or_create_signer(key_file)
    log_of_days(audit, 10, time, signer=signer)
    time.advance(LONG_AGO.total_seconds())
    log_of_days(audit, 1, time, signer=signer)
    log = open_log(audit, time=time, signer=signer)
    remove(log, audit, allowed(audit, time.now), CONTROLLER)
    log.close()
    assert next(search(audit)).sequence > 10
    log_of_days(audit, 2, time, signer=signer)
    assert verify(audit, KEY).result is verify(audit, signer.public_key).result is Result.OK


def test_segments_that_vanish_without_a_record_are_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_of_days(tmp_path, 10, Time())
    Layout(tmp_path).segment(0).unlink()
    assert (verify(tmp_path, KEY).result, verify(tmp_path, KEY).first_bad) == (Result.INCOMPLETE, 0)
    assert offline(tmp_path, capsys) == (2, 0)


def test_kept_hashes_that_are_changed_do_not_fit_the_signatures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    time = Time()
    log_of_days(tmp_path, 385, time)
    log = open_log(tmp_path, time=time)
    remove(log, tmp_path, allowed(tmp_path, time.now)[:1], CONTROLLER)
    log.close()
    hashes = Layout(tmp_path).segment_hashes(0)
    data = bytearray(hashes.read_bytes())
    data[10] ^= 1
    hashes.write_bytes(data)
    assert verify(tmp_path, KEY).result is Result.TAMPERED
    assert offline(tmp_path, capsys)[0] == 1
    hashes.unlink()
    assert verify(tmp_path, KEY).result is Result.INCOMPLETE
    assert offline(tmp_path, capsys)[0] == 2


def test_a_removal_is_announced_and_signed_before_the_file_goes(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    shutil.copytree(directory, tmp_path / "audit")
    seen: list[int] = []

    class Watching(QuickFiles):
        def remove(self, path: Path) -> None:
            if path.suffix == ".log":
                assert verify(tmp_path / "audit", KEY).open_intents == 1
                seen.append(newest_checkpoint(tmp_path / "audit").checkpoint.size)
            super().remove(path)

    log = open_log(tmp_path / "audit")
    before = log.health().records
    remove(log, tmp_path / "audit", allowed(tmp_path / "audit", now)[:1], CONTROLLER, Watching())
    log.close()
    assert seen == [before + 1]


def test_only_the_oldest_can_be_removed(old: tuple[Path, datetime], tmp_path: Path) -> None:
    directory, now = old
    end = allowed(directory, now)[-1].end
    log = open_log(directory)
    with pytest.raises(ValueError, match=rf"^Only the oldest segment can be removed, not the one that begins at {end}$"):
        remove(log, directory, [Segment(end, end + 1, now)], CONTROLLER)
    log.close()
