"""What the verifier says, word for word: the verdict, the sentence, the record that is to blame."""

import shutil
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, Time, event, fill, open_log
from audit.test_rotation import NEXT, THIEF
from audit.test_tampering import changed, lines_of, notes_of, relinked, rewrite
from audit.verdicts import agreed, said_offline
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit.frames import decode
from govcloud.audit.keyring import announcement
from govcloud.audit.layout import Layout
from govcloud.audit.merkle import GrowingTree, leaf_hash
from govcloud.audit.notes import Checkpoint, Ed25519Signer, PublicKey, SignedCheckpoint, sign
from govcloud.audit.verdict import Remarks
from govcloud.audit.verify import Report, Result, verify

STRANGER = Ed25519Signer("another/log", Ed25519PrivateKey.from_private_bytes(b"\x0b" * 32))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty records, signed at 10, 20 and 30, in one segment."""
    directory, time = tmp_path_factory.mktemp("whole") / "audit", Time()
    for _ in range(3):
        fill(directory, 10, time=time)
    return directory


@pytest.fixture
def audit(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "audit")
    return tmp_path / "audit"


def said(report: Report) -> tuple[Result, str, int | None]:
    return report.result, report.what, report.first_bad


def rewrite_notes(audit: Path, *notes: SignedCheckpoint) -> None:
    Layout(audit).notes.write_text("".join(note.text() + "\n" for note in notes))


def signed(audit: Path, size: int, signer: Ed25519Signer = SIGNER, name: str = KEY.name) -> SignedCheckpoint:
    """What is right at this size, by any key."""
    tree = GrowingTree()
    for line in lines_of(audit)[:size]:
        tree.append(leaf_hash(decode(line)))
    return sign(Checkpoint(name, size, tree.root()), signer)


def test_a_whole_log(audit: Path) -> None:
    report = verify(audit, KEY)
    assert said(report) == (Result.OK, "The audit log is whole", None)
    assert (report.records, report.signed, report.checkpoints, report.open_intents) == (30, 30, 3, 0)
    assert (report.root, report.key, report.remarks) == (signed(audit, 30).checkpoint.root.hex(), KEY.text(), ())


def test_a_report_of_what_is_bad_tells_how_far_it_came(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:15], *lines[16:]])
    report = verify(audit, KEY)
    assert said(report) == (Result.TAMPERED, "At 15 lies a record that calls itself 16: removed, added or moved", 15)
    assert (report.records, report.signed, report.checkpoints, report.open_intents) == (15, 10, 2, 1)
    assert report.root == signed(audit, 15).checkpoint.root.hex()


def test_an_inserted_record_is_blamed_itself(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:15], changed(lines[15], message="x"), *lines[15:]])
    assert said(verify(audit, KEY)) == (Result.TAMPERED, "At 16 lies a record that calls itself 15: removed, added or moved", 15)


def test_a_changed_record(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:15], changed(lines[15], message="x"), *lines[16:]])
    assert said(verify(audit, KEY)) == (Result.TAMPERED, "Record 15 was changed: the records do not continue each other", 15)


def test_a_changed_record_at_the_end(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:29], changed(lines[29], message="x")])
    assert said(verify(audit, KEY)) == (Result.TAMPERED, "One of the records 20 to 29 is not the one that was signed", 20)


def test_a_changed_record_before_a_signature_with_its_follower_as_it_was(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:9], changed(lines[9], message="x"), *lines[10:]])
    assert said(verify(audit, KEY)) == (Result.TAMPERED, "Record 9 is not the one that was signed", 9)


def test_a_changed_record_with_all_links_mended(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, relinked([*lines[:15], changed(lines[15], message="x"), *lines[16:]]))
    assert said(verify(audit, KEY)) == (Result.TAMPERED, "One of the records 10 to 19 is not the one that was signed", 10)


def test_a_record_that_contradicts_its_form(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:3], changed(lines[3], initiator={"id": "", "type": "person"}), *lines[4:]])
    what = "Record 3: initiator.id: String should have at least 1 character"
    assert said(verify(audit, KEY)) == (Result.TAMPERED, what, 3)


def test_a_damaged_record(audit: Path) -> None:
    lines = lines_of(audit)
    rewrite(audit, [*lines[:3], lines[3][:-2] + b"x\n", *lines[4:]])
    offset = sum(map(len, lines[:3]))
    what = f"Damaged: record 3 (0000000000000000.log, byte {offset}): its checksum does not fit its bytes"
    assert said(verify(audit, KEY)) == (Result.TAMPERED, what, 3)


def test_a_segment_that_is_missing(audit: Path) -> None:
    log = open_log(audit)
    log.seal()
    log.append(event())
    log.close()
    Layout(audit).segment(0).unlink()
    Layout(audit).segment_hashes(0).unlink()
    what = "Damaged: record 0 (0000000000000030.log, byte 0): the segment that begins at 0 is missing; the next begins at 30"
    assert said(verify(audit, KEY)) == (Result.INCOMPLETE, what, 0)


def test_unfinished_bytes_are_remarked(audit: Path) -> None:
    with Layout(audit).segment(0).open("ab") as stream:
        stream.write(b"000002")
    report = verify(audit, KEY)
    assert said(report)[0] is Result.OK
    assert report.remarks == ("unfinished bytes follow record 29, as after a crash or during a write",)


def test_a_removed_end(audit: Path) -> None:
    rewrite(audit, lines_of(audit)[:27])
    what = "30 records were signed, 27 are there: the end was removed, or an older copy put back"
    assert said(verify(audit, KEY)) == (Result.INCOMPLETE, what, 27)
    newer = sign(Checkpoint(KEY.name, 99, bytes(32)), SIGNER)
    what = "99 records were signed, 27 are there: the end was removed, or an older copy put back"
    assert said(verify(audit, KEY, newer)) == (Result.INCOMPLETE, what, 27)


def test_a_removed_segment_that_no_record_announces(audit: Path) -> None:
    log = open_log(audit)
    log.seal()
    log.append(event())
    log.close()
    Layout(audit).segment(0).unlink()
    assert said(verify(audit, KEY)) == (Result.INCOMPLETE, "Records 0 to 29 were removed, and no signed record says so", 0)


def test_checkpoints_that_were_removed_or_added(audit: Path) -> None:
    rewrite_notes(audit, signed(audit, 10), signed(audit, 30))
    what = "The checkpoint at 20 records is missing; record 20 has seen it"
    assert said(verify(audit, KEY)) == (Result.INCOMPLETE, what, None)
    rewrite_notes(audit, *(signed(audit, size) for size in (10, 15, 20, 30)))
    what = "Record 15 does not know the checkpoint at 15 that was signed before it"
    assert said(verify(audit, KEY)) == (Result.TAMPERED, what, 15)


@pytest.mark.parametrize(
    ("sizes", "result", "what"),
    [
        ((20, 10, 30), Result.INCOMPLETE, "The checkpoint at 10 records is missing; record 10 has seen it"),
        ((10, 10, 20, 30), Result.TAMPERED, "The checkpoint at 10 records is out of order"),
        ((10, 20, 30, 30), Result.TAMPERED, "The checkpoint at 30 records is out of order"),
        ((10, 20, 30, 20), Result.TAMPERED, "The checkpoint at 20 records is out of order"),
    ],
)
def test_checkpoints_out_of_order(audit: Path, sizes: tuple[int, ...], result: Result, what: str) -> None:
    rewrite_notes(audit, *(signed(audit, size) for size in sizes))
    assert said(verify(audit, KEY)) == (result, what, None)


def test_a_checkpoint_that_is_none(audit: Path) -> None:
    pieces = notes_of(audit)
    Layout(audit).notes.write_text("\n\n".join([*pieces[:2], "nonsense", *pieces[2:]]) + "\n\n")
    result, what, first_bad = said(verify(audit, KEY))
    assert (result, first_bad) == (Result.TAMPERED, None)
    assert what == "Checkpoint number 2 is bad: a checkpoint has three lines and perhaps an SM3 root, an empty line, and its signatures"


def test_something_behind_the_last_checkpoint(audit: Path) -> None:
    with Layout(audit).notes.open("a") as stream:
        stream.write("more\nand\nmore\nand\nmore\nand more\n")
    assert said(verify(audit, KEY)) == (
        Result.TAMPERED,
        "Checkpoint number 4 is bad: something else follows the last checkpoint",
        None,
    )


def test_an_unfinished_checkpoint_is_remarked(audit: Path) -> None:
    with Layout(audit).notes.open("a") as stream:
        stream.write(f"{KEY.name}\n31")
    report = verify(audit, KEY)
    assert said(report)[0] is Result.OK
    assert report.remarks == ("the last checkpoint is unfinished, as after a crash or during a write",)


def test_a_signature_that_is_wrong(audit: Path) -> None:
    right = signed(audit, 20)
    wrong = SignedCheckpoint(right.checkpoint, signed(audit, 30).signatures)
    rewrite_notes(audit, signed(audit, 10), wrong, signed(audit, 30))
    what = "The signature of the checkpoint at 20 records is wrong"
    assert said(verify(audit, KEY)) == (Result.TAMPERED, what, None)


def test_a_kept_checkpoint_that_is_forged(audit: Path) -> None:
    right = signed(audit, 20)
    for size, forged in ((20, SignedCheckpoint(right.checkpoint, signed(audit, 30).signatures)), (99, forgery(99))):
        what = f"The signature of the checkpoint at {size} records is wrong"
        assert said(verify(audit, KEY, forged)) == (Result.TAMPERED, what, None)


def test_a_kept_checkpoint_of_another_branch_blames_what_came_after_the_last_that_fits(audit: Path) -> None:
    for size, first in ((10, 0), (20, 10), (30, 20), (15, 10)):
        other = sign(Checkpoint(KEY.name, size, bytes(32)), SIGNER)
        what = f"One of the records {first} to {size - 1} is not the one that was signed"
        assert said(agreed(audit, KEY, other)) == (Result.TAMPERED, what, first)
        offline = said_offline(audit, KEY, other)
        assert (offline.what, offline.first_bad) == (what[0].lower() + what[1:], first)


def forgery(size: int) -> SignedCheckpoint:
    other = sign(Checkpoint(KEY.name, size, bytes(32)), SIGNER)
    return SignedCheckpoint(Checkpoint(KEY.name, size, b"x" * 32), other.signatures)


def test_a_checkpoint_of_another_log(audit: Path) -> None:
    rewrite_notes(audit, signed(audit, 10, STRANGER, STRANGER.public_key.name))
    what = f"A checkpoint is of the log another/log, the key of {KEY.name}"
    assert said(verify(audit, KEY)) == (Result.KEY_UNKNOWN, what, None)
    assert said(verify(audit, KEY, signed(audit, 10, STRANGER, "another/log")))[0] is Result.KEY_UNKNOWN


def test_a_first_checkpoint_by_another_key(audit: Path) -> None:
    rewrite_notes(audit, signed(audit, 10, THIEF))
    what = f"The first checkpoint is not signed by the key {KEY.text()}"
    assert said(verify(audit, KEY)) == (Result.KEY_UNKNOWN, what, None)


def test_a_key_that_has_nothing_to_do_with_the_log(tmp_path: Path) -> None:
    log = open_log(tmp_path / "audit")
    log.append(event())  # and nothing is signed
    other = PublicKey(KEY.name, NEXT.public_key.raw)
    report = verify(tmp_path / "audit", other)
    log.close()
    assert report.result is Result.OK, "while nothing is signed, every key could be the one"
    assert said(verify(tmp_path / "audit", other)) == (
        Result.KEY_UNKNOWN,
        f"The first checkpoint is not signed by the key {other.text()}",
        None,
    )


def test_a_kept_checkpoint_by_an_unknown_key_proves_nothing_of_a_log_that_was_never_signed(tmp_path: Path) -> None:
    log = open_log(tmp_path / "audit")
    log.append(event())
    what = f"The checkpoint at 99 is not signed by the key {KEY.name}+{KEY.key_id.hex()}"
    kept = sign(Checkpoint(KEY.name, 99, bytes(32)), THIEF)
    assert said(verify(tmp_path / "audit", KEY, kept)) == (Result.KEY_UNKNOWN, what, None)
    log.close()


def test_a_change_of_key_that_the_old_key_did_not_sign(audit: Path) -> None:
    log = open_log(audit)
    log.append(announcement(THIEF.public_key, event().initiator))
    log.append(event())
    log.close()
    what = "Record 30 announces a key, and no checkpoint by the key before it says so"
    assert said(verify(audit, KEY)) == (Result.TAMPERED, what, 30)


def test_without_a_key(audit: Path) -> None:
    beside = "the key was read from beside the log; compare it with a copy that was kept elsewhere"
    assert verify(audit).remarks == (beside,)
    Layout(audit).public_key.unlink()
    report = verify(audit)
    what = f"No key was given, and there is none at {Layout(audit).public_key}"
    assert said(report) == (Result.KEY_UNKNOWN, what, None)
    assert (report.records, report.key, report.signed, report.checkpoints) == (0, "", 0, 0)


def test_a_damaged_keyring_is_passed_over_where_nothing_depends_on_it(audit: Path) -> None:
    Layout(audit).keyring.write_bytes(b"nonsense\n")
    report = verify(audit, KEY)
    assert report.result is Result.OK
    assert report.remarks == (
        "the keyring beside the log is damaged: This is not a verifier key; expected name+8 hexadecimal digits+base64",
    )


def test_what_is_odd_is_remarked(tmp_path: Path) -> None:
    time = Time()
    for fence, back in (("lease/1", 0.0), ("lease/2", 1.0), ("lease/1", 0.0), ("lease/1", 0.0)):
        time.back(back)
        log = open_log(tmp_path / "audit", time=time, fence=fence)
        log.append(event())
        log.close()
    assert verify(tmp_path / "audit", KEY).remarks == (
        "the wall clock went back before record 1",
        "record 2 was written under an older leadership than the one before",
    )


@pytest.mark.parametrize(("count", "kept"), [(20, ()), (21, ("1 more remarks about single records",)), (19, ())])
def test_only_the_first_remarks_about_records_are_kept(count: int, kept: tuple[str, ...]) -> None:
    remarks = Remarks()
    remarks.add("about the log")
    for number in range(count):
        remarks.about_record(f"about record {number}")
    assert remarks.all() == ("about the log", *(f"about record {number}" for number in range(min(count, 20))), *kept)
