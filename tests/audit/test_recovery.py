"""What a crash leaves at the end is repaired and said; anything else stops the start."""

import errno
import re
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER, FaultyFiles, LossyFiles, event, fail_from, fill, intent, open_log, outcome
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit.errors import AuditDamaged, AuditUnavailable, KeyUnknown
from govcloud.audit.frames import decode, encode
from govcloud.audit.layout import Layout
from govcloud.audit.notes import Ed25519Signer
from govcloud.audit.query import search
from govcloud.audit.records import Action, Outcome
from govcloud.audit.verify import Result, verify


def crashed(directory: Path, count: int = 3) -> bytes:
    """A log whose writer died right after its records were durable; the bytes of its one segment."""
    files = LossyFiles(lambda *_: None)
    log = open_log(directory, files)
    for number in range(count):
        log.append(intent(f"web-{number}"))
    log._files.close(log._lock)  # what the death of the process does
    return Layout(directory).segment(0).read_bytes()


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.soak)])
def test_a_tail_torn_at_any_byte_is_cut_off_and_said(tmp_path: Path, step: int) -> None:
    whole = crashed(tmp_path / "whole")
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in sorted({*range(start + 1, len(whole), step), len(whole) - 1}):
        directory = tmp_path / f"{end}"
        crashed(directory, 0)
        Layout(directory).segment(0).write_bytes(whole[:end])
        log = open_log(directory)
        assert [record.target.name for record in log.open_intents()] == ["web-0", "web-1"]
        log.close()
        records = list(search(directory))
        assert [r.action for r in records] == [Action.CREATE, Action.CREATE, Action.REPAIR]
        assert records[-1].message.startswith(f"{end - start} unfinished bytes")
        assert (Layout(directory).torn / f"{0:016d}-{start}").read_bytes() == whole[start:end], "what was cut is kept"
        assert verify(directory, KEY).result is Result.OK


@pytest.mark.parametrize("rest", [b"\0" * 700, b"\0" * 700 + b"\n", b"garbage\n", b"0"])
def test_whatever_an_unfinished_flush_left_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    whole = crashed(tmp_path)
    with Layout(tmp_path).segment(0).open("ab") as stream:
        stream.write(rest)
    open_log(tmp_path).close()
    assert [r.action for r in search(tmp_path)][-1] is Action.REPAIR
    assert Layout(tmp_path).segment(0).read_bytes().startswith(whole)


def test_a_flush_of_several_records_may_lose_its_first_and_keep_its_last(tmp_path: Path) -> None:
    """Pages of one flush reach the disk in any order; none of its records was acknowledged."""
    crashed(tmp_path, 2)
    first = Layout(tmp_path).segment(0).stat().st_size
    log = open_log(tmp_path)
    log.append_many([intent("a"), intent("b"), intent("c")])
    log._files.close(log._lock)
    data = bytearray(Layout(tmp_path).segment(0).read_bytes())
    data[first + 30 : first + 60] = bytes(30)
    Layout(tmp_path).segment(0).write_bytes(data)
    open_log(tmp_path).close()
    assert [r.action for r in search(tmp_path)] == [Action.CREATE, Action.CREATE, Action.REPAIR]


def test_a_bad_record_before_an_acknowledged_one_refuses_to_start(tmp_path: Path) -> None:
    whole = bytearray(crashed(tmp_path, 3))
    whole[whole.index(b"web-1")] ^= 1
    Layout(tmp_path).segment(0).write_bytes(whole)
    with pytest.raises(AuditDamaged, match="verify") as refused:
        open_log(tmp_path)
    assert refused.value.index == 1
    assert Layout(tmp_path).segment(0).read_bytes() == whole, "evidence is not touched"


def test_a_bad_record_that_was_signed_is_never_taken_for_a_torn_tail(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    path = Layout(tmp_path).segment(0)
    shortened = path.read_bytes()[:-1]
    path.write_bytes(shortened)
    with pytest.raises(AuditDamaged):
        open_log(tmp_path)
    assert path.read_bytes() == shortened, "evidence is not touched"


def test_a_whole_but_foreign_frame_at_the_end_refuses_to_start(tmp_path: Path) -> None:
    crashed(tmp_path)
    with Layout(tmp_path).segment(0).open("ab") as stream:
        stream.write(encode(b'{"sequence":3}'))
    with pytest.raises(AuditDamaged, match="does not continue"):
        open_log(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (rb"^.*$", b"{", "its content is not JSON"),
        (rb"^.*$", b"[" * 9_000, "its content is not JSON"),
        (rb"^.*$", b"[]", "its content is not a record"),
        (rb'"sequence":2', b'"sequence":7', "it calls itself record 7"),
        (rb'"prev":"..', b'"prev":"zz', "it does not continue the record before it"),
        (rb'"time":"2', b'"time":"X', "its time cannot be read"),
        (rb'"action":"create"', b'"action":"juggle"', r"\('action',\): Input should be .*"),
    ],
)
def test_a_last_record_that_is_whole_but_wrong_is_named_with_what_is_wrong(tmp_path: Path, old: bytes, new: bytes, what: str) -> None:
    *lines, last = crashed(tmp_path).splitlines(keepends=True)
    Layout(tmp_path).segment(0).write_bytes(b"".join(lines) + encode(re.sub(old, new, decode(last))))
    told = rf"^The audit log was changed: record 2: {what}\. Run: govcloud audit verify$"
    with pytest.raises(AuditDamaged, match=told) as refused:
        open_log(tmp_path)
    assert refused.value.index == 2


def test_what_cannot_be_kept_is_not_cut_off(tmp_path: Path) -> None:
    torn = crashed(tmp_path)[:-5]
    Layout(tmp_path).segment(0).write_bytes(torn)
    stubborn = FaultyFiles(lambda _, name: errno.EIO if name == "rename" else None)
    with pytest.raises(AuditUnavailable, match=r"^The audit log cannot be opened: cannot keep what was cut off: Input/output error$"):
        open_log(tmp_path, stubborn)
    assert Layout(tmp_path).segment(0).read_bytes() == torn


def test_intents_without_an_outcome_are_found_at_the_start(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=900)
    kept, done, pending = (log.append(intent(name)) for name in ("kept", "done", "pending"))
    log.append(outcome(done.id))
    log.append(outcome(pending.id, outcome=Outcome.PENDING))
    log.close()
    again = open_log(tmp_path)
    assert [record.target.name for record in again.open_intents()] == ["kept", "pending"]
    again.append(outcome(kept.id, outcome=Outcome.UNKNOWN))
    assert [record.target.name for record in again.open_intents()] == ["pending"]
    again.close()


def test_an_older_copy_put_back_refuses_to_start(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    path = Layout(tmp_path).segment(0)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    with pytest.raises(AuditDamaged) as refused:
        open_log(tmp_path)
    assert refused.value.index == 4
    assert str(refused.value) == (
        "The audit log holds 4 records, but 6 were signed: an older copy was put back, or its end was removed. Nothing is done "
        "until the missing records are restored"
    )


def test_a_log_that_is_not_the_signed_one_refuses_to_start(tmp_path: Path) -> None:
    fill(tmp_path / "mine", 4)
    fill(tmp_path / "other", 4, fence="lease/2")
    Layout(tmp_path / "mine").segment(0).write_bytes(Layout(tmp_path / "other").segment(0).read_bytes())
    with pytest.raises(AuditDamaged, match=r"^The audit log is not the one that was signed at 4 records\. Run: govcloud audit verify$"):
        open_log(tmp_path / "mine")


def test_a_damaged_newest_checkpoint_refuses_to_start(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    notes = Layout(tmp_path).notes
    good = notes.read_text()
    notes.write_text(good.replace("\n4\n", "\n3\n"))
    with pytest.raises(AuditDamaged, match=rf"^The signature of the newest checkpoint in {notes} is wrong$"):
        open_log(tmp_path)
    notes.write_text(good.replace("\n4\n", "\nfour\n"))
    with pytest.raises(AuditDamaged, match=rf"^The newest checkpoint in {notes} is damaged: "):
        open_log(tmp_path)


def test_a_checkpoint_that_a_crash_left_unfinished_is_cut_off(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    fill(tmp_path, 2)
    notes = Layout(tmp_path).notes
    whole = notes.read_bytes()
    first = whole.index(b"\n\ngovcloud") + 2
    for end in range(first, len(whole)):
        notes.write_bytes(whole[:end])
        assert verify(tmp_path, KEY).result is Result.OK, end
        if end % 20 == 0:
            open_log(tmp_path).close()
            assert verify(tmp_path, KEY).result is Result.OK


def test_another_key_does_not_continue_the_log(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    stranger = Ed25519Signer(SIGNER.public_key.name, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    with pytest.raises(KeyUnknown):
        open_log(tmp_path, signer=stranger)
    open_log(tmp_path).close()


def test_a_failed_start_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable):
        open_log(tmp_path, LossyFiles(fail_from(8)))
    fill(tmp_path, 2)


def test_records_written_after_a_restart_continue_the_same_tree(tmp_path: Path) -> None:
    for size in range(1, 9):
        log = open_log(tmp_path, segment_bytes=1_200)
        assert log.append(event(message=f"life {size}")).sequence == size - 1
        log.close()
    assert verify(tmp_path, KEY).records == 8
    leaf = decode(Layout(tmp_path).segment(0).read_bytes().splitlines(keepends=True)[0])
    assert b'"message":"life 1"' in leaf
