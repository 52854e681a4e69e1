"""What the verifier that an auditor runs alone says, word for word, and with which exit code it ends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, event, fill, intent, open_log
from audit.test_findings import STRANGER, rewrite_notes, signed
from audit.test_rotation import NEXT, THIEF, changed_twice
from audit.test_tampering import changed, lines_of, relinked, rewrite

from govcloud.audit import verify_offline
from govcloud.audit.frames import encode
from govcloud.audit.keyring import announcement
from govcloud.audit.layout import Layout
from govcloud.audit.notes import PublicKey, SignedCheckpoint
from govcloud.audit.proofs import at, export
from govcloud.audit.records import Action, Entry, Target

ID = KEY.key_id.hex()


class Auditor:
    """A machine with one file and a key."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self._capsys = place, capsys
        self.key = place / "audit.pub"
        self.key.write_text(KEY.text() + "\n")

    def check(self, *arguments: str | Path) -> tuple[str, str, int | None]:
        """The result, the sentence and the first bad record; the exit code always says the same as the result."""
        self._capsys.readouterr()
        code = verify_offline.main([*map(str, arguments), "--key", str(self.key)])
        said = json.loads(self._capsys.readouterr().out)
        assert ["ok", "tampered", "incomplete", "usage", "key-unknown"].index(said["result"]) == code
        return said["result"], said["what"], said["first_bad"]

    def log(self) -> tuple[str, str, int | None]:
        return self.check("log", self.place / "audit")


@pytest.fixture
def auditor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Auditor:
    return Auditor(tmp_path, capsys)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty records in one segment, signed at 10, 20 and 30."""
    directory = tmp_path_factory.mktemp("whole") / "audit"
    for _ in range(3):
        fill(directory, 10)
    return directory


@pytest.fixture
def audit(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "audit")


def test_a_whole_log(audit: Path, auditor: Auditor) -> None:
    assert auditor.log() == ("ok", "30 records, 30 signed, 3 checkpoints", None)


def test_an_unfinished_end_is_no_damage(audit: Path, auditor: Auditor) -> None:
    log = open_log(audit)
    log.append(event())
    with Layout(audit).segment(0).open("ab") as stream:
        stream.write(b"0000")
    with Layout(audit).notes.open("ab") as stream:
        stream.write(b"govcloud")
    assert auditor.log() == ("ok", "31 records, 30 signed, 3 checkpoints", None)
    log._files.close(log._lock)


def test_a_log_without_records_and_signatures(auditor: Auditor, tmp_path: Path) -> None:
    open_log(tmp_path / "audit").close()
    assert auditor.log() == ("ok", "0 records, 0 signed, 0 checkpoints", None)


def one_changed(index: int, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:index], new, *lines[index + 1 :]]


def with_fields(index: int, **fields: object) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:index], changed(lines[index], **fields), *lines[index + 1 :]]


@pytest.mark.parametrize(
    ("change", "result", "what", "first_bad"),
    [
        (one_changed(7, b"0000\n"), "tampered", "record 7 is damaged", 7),
        (lambda lines: [*lines[:29], lines[29][:-1] + b" "], "tampered", "record 29 is damaged", 29),
        (one_changed(7, encode(b"{")), "tampered", "record 7: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", 7),
        (one_changed(7, encode(b"7")), "tampered", "record 7: 'int' object has no attribute 'get'", 7),
        (with_fields(7, target="x"), "tampered", "record 7: string indices must be integers, not 'str'", 7),
        (with_fields(7, time="yesterday"), "tampered", "record 7: Invalid isoformat string: 'yesterday'", 7),
        (one_changed(7, encode(b'{"sequence":7,"sequence":7}')), "tampered", "record 7: a key stands twice", 7),
        (with_fields(7, sequence=9), "tampered", "record 7 calls itself 9", 7),
        (with_fields(7, message="x"), "tampered", "record 8 or the one before it was changed", 7),
        (with_fields(9, message="x"), "tampered", "record 10 or the one before it was changed", 9),
        (with_fields(10, prev="x"), "tampered", "record 10 or the one before it was changed", 10),
        (with_fields(29, message="x"), "tampered", "one of the records 20 to 29 is not the one that was signed", 20),
        (lambda lines: relinked(with_fields(12, message="x")(lines)), "tampered", "one of the records 10 to 19 is not the one that was signed", 10),
        (lambda lines: lines[:25], "incomplete", "30 records were signed, 25 are there", 25),
    ],
)
def test_what_is_done_to_records(
    audit: Path, auditor: Auditor, change: Callable[[list[bytes]], list[bytes]], result: str, what: str, first_bad: int | None
) -> None:
    rewrite(audit, change(lines_of(audit)))
    assert auditor.log() == (result, what, first_bad)


def test_a_record_nested_deeper_than_can_be_read(audit: Path, auditor: Auditor) -> None:
    rewrite(audit, one_changed(7, encode(b"[" * 9_000))(lines_of(audit)))
    result, _, first_bad = auditor.log()
    assert (result, first_bad) == ("tampered", 7)


def test_what_is_done_to_checkpoints(audit: Path, auditor: Auditor) -> None:
    ten, twenty, thirty = (signed(audit, size) for size in (10, 20, 30))
    forged = SignedCheckpoint(twenty.checkpoint, thirty.signatures)
    malformed = "a checkpoint is malformed or belongs to another log"
    for notes, said in (
        ((ten, thirty), ("incomplete", "the checkpoint at 20 records was removed", None)),
        ((twenty, ten, thirty), ("tampered", "the checkpoints are out of order", None)),
        ((ten, ten, twenty, thirty), ("tampered", "the checkpoints are out of order", None)),
        ((ten, forged, thirty), ("tampered", f"the checkpoint at 20 is not signed by {ID}", None)),
        ((signed(audit, 10, THIEF), twenty, thirty), ("key-unknown", f"the checkpoint at 10 is not signed by {ID}", None)),
        ((signed(audit, 10, STRANGER, "another/log"),), ("tampered", malformed, None)),
    ):
        rewrite_notes(audit, *notes)
        assert auditor.log() == said
    name, encoded = ten.text().rstrip().rsplit(" ", 1)
    Layout(audit).notes.write_text(f"{name} !{encoded}\n\n")
    assert auditor.log() == ("tampered", "unreadable: Only base64 data is allowed", None)
    Layout(audit).notes.write_text(ten.text().replace("\u2014 ", "- ") + "\n")
    assert auditor.log() == ("tampered", "unreadable: a signature is not in its one form", None)
    Layout(audit).notes.write_text(ten.text().replace("\n10\n", "\n010\n") + "\n")
    assert auditor.log() == ("tampered", "a checkpoint is not in its one canonical form", None)
    Layout(audit).notes.write_text(ten.text().replace("\n10\n", "\n") + "\n")
    assert auditor.log() == ("tampered", malformed, None)
    Layout(audit).notes.write_text(ten.text().replace("\n10\n", "\nten\n") + "\n")
    assert auditor.log() == ("tampered", "unreadable: invalid literal for int() with base 10: 'ten'", None)


def test_what_follows_the_last_checkpoint(audit: Path, auditor: Auditor) -> None:
    with Layout(audit).notes.open("a") as stream:
        stream.write("1\n2\n3\n4\n5\n\n")
    assert auditor.log() == ("tampered", "something else follows the last checkpoint", None)


def test_an_end_that_lacks_several_checkpoints_is_told_by_the_newest(audit: Path, auditor: Auditor) -> None:
    rewrite(audit, lines_of(audit)[:15])
    assert auditor.log() == ("incomplete", "30 records were signed, 15 are there", 15)


def test_a_log_of_which_nothing_is_there_yet(auditor: Auditor, tmp_path: Path) -> None:
    open_log(tmp_path / "audit").close()
    Layout(tmp_path / "audit").segment(0).unlink()
    Layout(tmp_path / "audit").keyring.unlink()
    assert auditor.log() == ("ok", "0 records, 0 signed, 0 checkpoints", None)


def test_hashes_that_are_not_those_of_the_records(auditor: Auditor, tmp_path: Path) -> None:
    fill(tmp_path / "audit", 30, segment_bytes=3_000)
    second = sorted(Layout(tmp_path / "audit").segments.iterdir())[1]
    first = int(second.stem)
    path = Layout(tmp_path / "audit").segment_hashes(first)
    right = path.read_bytes()
    for kept, changed_one in ((right[:32] + bytes(32) + right[64:], first + 1), (right[:-32], None), (right + bytes(32), None)):
        path.write_bytes(kept)
        what = f"the hashes kept of the segment that begins at {first} are not those of its records"
        assert auditor.log() == ("tampered", what, changed_one)


def removal(**changes: object) -> Entry:
    """What retention says before the first segment goes."""
    return intent(**{"action": Action.DELETE, "target": Target(kind="AuditSegment", id="0"), "attributes": {"end": "3"}, **changes})


@pytest.mark.parametrize(
    ("said", "announced"),
    [
        ([removal()], 3),
        ([removal(), removal(attributes={"end": "2"})], 3),
        ([removal(attributes={"end": "2"})], 2),
        ([event(action=Action.DELETE, target=Target(kind="AuditSegment", id="0"), attributes={"end": "3"})], 0),
        ([removal(action=Action.CREATE)], 0),
        ([removal(target=Target(kind="AuditLog", id="0"))], 0),
        ([], 0),
    ],
)
def test_a_removal_is_right_as_far_as_it_was_announced(auditor: Auditor, tmp_path: Path, said: list[Entry], announced: int) -> None:
    log = open_log(tmp_path / "audit")
    log.append_many([event()] * 3)
    log.seal()
    log.append_many([*said, event()])
    log.close()
    Layout(tmp_path / "audit").segment(0).unlink()
    missing = ("incomplete", "the records before 3 were removed, and no record says so", announced)
    records = 4 + len(said)
    assert auditor.log() == (missing if announced < 3 else ("ok", f"{records} records, {records} signed, 2 checkpoints", None))


def test_a_kept_checkpoint_is_held_against_the_log(audit: Path, auditor: Auditor, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    twenty, thirty = signed(audit, 20), signed(audit, 30)
    for note, said in (
        (twenty, ("ok", "30 records, 30 signed, 3 checkpoints", None)),
        (SignedCheckpoint(twenty.checkpoint, thirty.signatures), ("tampered", f"the checkpoint at 20 is not signed by {ID}", None)),
        (signed(audit, 20, THIEF), ("key-unknown", f"the checkpoint at 20 is not signed by {ID}", None)),
    ):
        kept.write_text(note.text())
        assert auditor.check("log", audit, "--from-checkpoint", kept) == said
    rewrite(audit, lines_of(audit)[:20])
    rewrite_notes(audit, signed(audit, 10), twenty)
    kept.write_text(thirty.text())
    assert auditor.check("log", audit, "--from-checkpoint", kept) == ("incomplete", "30 records were signed, 20 are there", 20)


def test_segments_that_are_gone(auditor: Auditor, tmp_path: Path) -> None:
    fill(tmp_path / "audit", 30, segment_bytes=3_000)
    first, second, third, *_ = sorted(Layout(tmp_path / "audit").segments.iterdir())
    ends = [int(path.stem) for path in (second, third)]
    second.rename(tmp_path / "second")
    assert auditor.log() == ("incomplete", f"the segment that begins at {ends[0]} is missing", ends[0])
    (tmp_path / "second").rename(second)
    first.unlink()
    assert auditor.log() == ("incomplete", f"the records before {ends[0]} were removed, and no record says so", 0)
    hashes = Layout(tmp_path / "audit").segment_hashes(0)
    hashes.write_bytes(hashes.read_bytes()[:-1])
    assert auditor.log() == ("incomplete", "the segment that begins at 0 is missing", 0)
    hashes.unlink()
    assert auditor.log() == ("incomplete", "the segment that begins at 0 is missing", 0)


def test_changes_of_the_key(auditor: Auditor, tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    assert auditor.log() == ("ok", "17 records, 17 signed, 5 checkpoints", None)
    auditor.key.write_text(THIEF.public_key.text())
    assert auditor.log() == ("key-unknown", f"the checkpoint at 5 is not signed by {THIEF.public_key.key_id.hex()}", None)
    ring = Layout(audit).keyring
    last = ring.read_bytes().splitlines()[-1]
    forged = json.loads(last)
    forged["attributes"]["publicKey"] = THIEF.public_key.text()
    ring.write_bytes(ring.read_bytes() + json.dumps(forged).encode() + b"\n")
    assert auditor.log() == ("key-unknown", "the given key never signed this log", None)


def test_a_key_that_nobody_signed_for(audit: Path, auditor: Auditor) -> None:
    log = open_log(audit)
    log.append_many([announcement(THIEF.public_key, CONTROLLER), event()])
    log.close()
    assert auditor.log() == ("tampered", "record 30 announces a key that the one before did not sign for", 30)


def test_the_key_of_another_log(audit: Path, auditor: Auditor) -> None:
    log = open_log(audit)
    log.append(announcement(PublicKey("another/log", NEXT.public_key.raw), CONTROLLER))
    log.close()
    assert auditor.log() == ("tampered", "record 30 announces the key of another log", 30)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("nothing", "the key file does not hold a verifier key"),
        (KEY.text()[:-8], "the key file does not hold a verifier key"),
        (KEY.text().replace(KEY.name, "another/log"), "the verifier key is damaged"),
        (PublicKey(KEY.name, KEY.raw, b"\x04").text(), "the verifier key is damaged"),
    ],
)
def test_what_is_no_key(audit: Path, auditor: Auditor, key: str, what: str) -> None:
    auditor.key.write_text(key)
    assert auditor.log() == ("key-unknown", what, None)


def test_what_is_not_there(auditor: Auditor, tmp_path: Path) -> None:
    assert auditor.log() == ("usage", f"there is no audit log in {tmp_path / 'audit'}", None)
    auditor.key.unlink()
    assert auditor.log() == ("usage", f"{auditor.key}: No such file or directory", None)


def test_wrong_usage_teaches_and_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_offline.main(["log"]) == verify_offline.main(["log", "audit"]) == 3
    assert "--key" in capsys.readouterr().err
    assert verify_offline.main(["picture", "x", "--key", "y"]) == 3
    assert verify_offline.main(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for help_ in ("Checks an audit log", "verifier key, from a place you trust", "a checkpoint that was kept elsewhere"):
        assert help_ in told


def bundle(audit: Path, auditor: Auditor, change: Callable[[dict[str, object], dict[str, object]], object]) -> tuple[str, str, int | None]:
    """What is said of record 7 and its proof after something was done to them, or to the header."""
    header, item = map(json.loads, export(audit, at(7)))
    change(header, item)
    (auditor.place / "bundle").write_text(f"{json.dumps(header)}\n{json.dumps(item)}\n")
    return auditor.check("bundle", auditor.place / "bundle")


def test_bundles(audit: Path, auditor: Auditor) -> None:
    assert bundle(audit, auditor, lambda *_: None) == ("ok", "1 records are in the signed log of 30", None)
    for change, said in (
        (lambda _, item: item.update(index=6), ("tampered", "record 6 is not in the signed log", 6)),
        (lambda _, item: item.update(index=30), ("tampered", "record 30 is not in the signed log", 30)),
        (lambda _, item: item.update(index=-1), ("tampered", "record -1 is not in the signed log", -1)),
        (lambda _, item: item.update(record=item["record"] + " "), ("tampered", "record 7 is not in the signed log", 7)),
        (lambda _, item: item["proof"].pop(), ("tampered", "record 7: its proof is too short", 7)),
        (lambda _, item: item["proof"].append("AAAA"), ("tampered", "record 7: its proof is too long", 7)),
        (lambda head, _: head.update(records=2), ("incomplete", "2 records are announced, 1 are there", None)),
        (lambda head, _: head.update(format="x/1"), ("usage", "the first line does not say govcloud-audit-export/1", None)),
        (lambda _, item: item.update(record=7), ("tampered", "unreadable: 'int' object has no attribute 'encode'", None)),
        (lambda head, _: head.pop("format"), ("tampered", "unreadable: 'format'", None)),
        (lambda head, _: head.update(checkpoint="x"), ("tampered", "a checkpoint is malformed or belongs to another log", None)),
        (
            lambda head, _: head.update(checkpoint=signed(audit, 30, THIEF).text()),
            ("key-unknown", f"the checkpoint at 30 is not signed by {ID}", None),
        ),
    ):
        assert bundle(audit, auditor, change) == said
