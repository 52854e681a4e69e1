"""Checkpoints and keys against the published example of the format, and against everything that is not one."""

import io
import stat
import threading
from base64 import b64decode
from pathlib import Path

import pytest
from audit.logs import KEY, SIGNER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from govcloud.audit.errors import AuditUnavailable, KeyUnknown
from govcloud.audit.notes import (
    BadNote,
    Checkpoint,
    Ed25519Signer,
    NoteStream,
    PublicKey,
    SignedCheckpoint,
    UnfinishedNote,
    newest_note,
    parse,
    sign,
)
from govcloud.audit.signing_key import load_or_create_signer

NOTE = sign(Checkpoint(KEY.name, 7, b"\x01" * 32), SIGNER)

# The example in the documentation of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_the_published_example_verifies() -> None:
    key = PublicKey.parse(GO_KEY)
    signature = b64decode(GO_SIGNATURE)
    assert signature[:4] == key.key_id
    Ed25519PublicKey.from_public_bytes(key.raw).verify(signature[4:], GO_TEXT.encode())
    assert key.text() == GO_KEY


def test_a_checkpoint_reads_back_the_same_and_verifies() -> None:
    assert parse(NOTE.text()) == NOTE
    assert KEY.verify(NOTE)


def test_a_changed_checkpoint_does_not_verify() -> None:
    checkpoint = NOTE.checkpoint
    for changed in (
        Checkpoint("other", checkpoint.size, checkpoint.root),
        Checkpoint(checkpoint.origin, 8, checkpoint.root),
        Checkpoint(checkpoint.origin, checkpoint.size, b"\x02" * 32),
    ):
        assert not KEY.verify(SignedCheckpoint(changed, NOTE.signatures))


def test_further_signatures_are_passed_over_but_ours_is_needed() -> None:
    witness = Ed25519Signer("witness", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    theirs = sign(NOTE.checkpoint, witness)
    both = SignedCheckpoint(NOTE.checkpoint, (*theirs.signatures, *NOTE.signatures))
    assert KEY.verify(parse(both.text()))
    assert witness.public_key.verify(both)
    with pytest.raises(KeyUnknown):
        KEY.verify(theirs)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        NOTE.text()[:-1],
        NOTE.text().replace("\n7\n", "\n07\n"),
        NOTE.text().replace("\n7\n", "\n-7\n"),
        NOTE.text().replace("\n7\n", "\n٧\n"),
        NOTE.text().replace("\n7\n", "\n7\nmore\n"),
        NOTE.text().replace("AQE", "AQ=E"),
        NOTE.text().replace("— ", "- "),
        NOTE.text() + "junk\n",
        NOTE.checkpoint.body() + "\n",
        sign(Checkpoint("o", 1, b"short"), SIGNER).text(),
    ],
)
def test_what_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse(text)


def stream_of(*sizes: int) -> io.BytesIO:
    return io.BytesIO(b"".join(_stored(size) for size in sizes))


def read_notes(stream: io.BytesIO) -> list[SignedCheckpoint]:
    notes, found = NoteStream(stream), list[SignedCheckpoint]()
    while note := notes.next():
        found.append(note)
    notes.finish()
    return found


def _stored(size: int) -> bytes:
    return sign(Checkpoint(KEY.name, size, b"\x01" * 32), SIGNER).text().encode() + b"\n"


def test_notes_are_read_in_order_and_the_newest_from_the_end() -> None:
    assert [note.checkpoint.size for note in read_notes(stream_of(1, 2, 3))] == [1, 2, 3]
    newest, rest = newest_note(stream_of(*range(1, 2_000)))
    assert newest is not None
    assert (newest.checkpoint.size, rest) == (1_999, 0)
    assert newest_note(io.BytesIO()) == (None, 0)


def test_an_unfinished_note_at_any_byte_leaves_the_one_before_the_newest() -> None:
    whole = stream_of(1, 2).getvalue()
    first = len(stream_of(1).getvalue())
    for end in range(first + 1, len(whole)):
        newest, rest = newest_note(io.BytesIO(whole[:end]))
        assert newest is not None
        assert (newest.checkpoint.size, rest) == (1, end - first)
        with pytest.raises(UnfinishedNote):
            read_notes(io.BytesIO(whole[:end]))


def test_a_file_that_grows_is_read_on_from_where_it_was() -> None:
    whole, growing, found = stream_of(1, 2, 3).getvalue(), io.BytesIO(), list[int]()
    notes = NoteStream(growing)
    for end in range(len(whole)):
        growing.seek(0, io.SEEK_END)
        growing.write(whole[end : end + 1])
        growing.seek(end)
        if note := notes.next():
            found.append(note.checkpoint.size)
    assert found == [1, 2, 3]
    notes.finish()


def test_an_unfinished_first_note_is_no_note() -> None:
    whole = stream_of(1).getvalue()
    for end in range(1, len(whole)):
        assert newest_note(io.BytesIO(whole[:end])) == (None, end)


@pytest.mark.parametrize("junk", [b"a\nb\nc\n\njunk", b"\n\n\n", b"a\nb\nc\n\n\xe2\x80\x94 x\nmore"])
def test_what_could_never_become_a_note_is_not_called_unfinished(junk: bytes) -> None:
    with pytest.raises(BadNote) as refused:
        read_notes(io.BytesIO(stream_of(1).getvalue() + junk))
    assert not isinstance(refused.value, UnfinishedNote)


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+AAAA", KEY.text().replace("6797245b", "6797245c"), KEY.text()[:-2], "a+b+%%%"]
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(KeyUnknown):
        PublicKey.parse(text)


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.key"
    made = load_or_create_signer(path).public_key
    assert load_or_create_signer(path).public_key == made
    assert made.name.startswith("govcloud.dev/audit/")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_create_signer(tmp_path / "other", "my/log").public_key.name == "my/log"
    assert [p.name for p in path.parent.iterdir()] == ["audit.key"]


def test_two_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path, found = tmp_path / "audit.key", list[PublicKey]()
    threads = [threading.Thread(target=lambda: found.append(load_or_create_signer(path).public_key)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    load_or_create_signer(path)
    path.chmod(0o640)
    with pytest.raises(AuditUnavailable, match="chmod 600"):
        load_or_create_signer(path)


def test_a_damaged_key_is_refused_without_quoting_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    load_or_create_signer(path)
    secret = path.read_text().strip().split("+", 4)[4]  # its Base64 may have more of them
    for text in (path.read_text().replace("PRIVATE", "PUBLIC"), path.read_text()[:-9] + "\n", "nothing\n", ""):
        path.write_text(text)
        with pytest.raises(KeyUnknown) as refused:
            load_or_create_signer(path)
        assert secret[:8] not in str(refused.value)
        assert refused.value.__cause__ is None
