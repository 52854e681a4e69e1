"""Checkpoints and keys against the published example of the format, and against everything that is not one."""

import hashlib
import io
import stat
import threading
from base64 import b64decode, b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

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
    Signature,
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


MANY_LINES = "a checkpoint has three lines and perhaps an SM3 root, an empty line, and its signatures"
NOT_CANONICAL = "the checkpoint is not in its one canonical form"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", MANY_LINES),
        (NOTE.checkpoint.body(), MANY_LINES),
        (NOTE.text()[:-1], MANY_LINES),
        (NOTE.text().split("\n", 1)[1], MANY_LINES),
        (NOTE.text().replace("\n7\n", "\n7\nmore\nand more\n"), MANY_LINES),
        (NOTE.text().replace("\n7\n", "\n7\n\n"), MANY_LINES),
        (NOTE.text().replace("\n7\n", "\n07\n"), NOT_CANONICAL),
        (NOTE.text().replace("\n7\n", "\n-7\n"), NOT_CANONICAL),
        (NOTE.text().replace("— ", "- "), "unreadable checkpoint: a signature line begins with an em dash"),
        (NOTE.text() + "\n", "unreadable checkpoint: not enough values to unpack (expected 3, got 1)"),
    ],
)
def test_what_is_no_checkpoint_says_why(text: str, why: str) -> None:
    with pytest.raises(BadNote) as refused:
        parse(text)
    assert str(refused.value) == why


def test_a_checkpoint_of_nothing_and_one_with_a_second_root_read_back_the_same() -> None:
    for checkpoint in (Checkpoint("o", 0, b"\x00" * 32), Checkpoint("an origin", 9, b"\x01" * 32, b"\x02" * 32)):
        note = sign(checkpoint, SIGNER)
        assert parse(note.text()) == note
        assert parse(note.text()).checkpoint == checkpoint
    roots = [b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
    assert checkpoint.body() == f"an origin\n9\n{roots[0]}\nsm3 {roots[1]}\n"


@pytest.mark.parametrize("line", ["sm3", "sm3 AAAA", "sm4 " + b64encode(bytes(32)).decode(), b64encode(bytes(32)).decode() + "sm3 "])
def test_an_extension_that_is_no_second_root_is_refused(line: str) -> None:
    lines = NOTE.text().split("\n")
    with pytest.raises(BadNote):
        parse("\n".join([*lines[:3], line, *lines[3:]]))


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
    ("junk", "why"),
    [
        (b"a\nb\nc\nd\ne\n", "something else follows the last checkpoint"),
        (b"a\nb\nc\n\n\xe2\x80\x94 x\nmore", "something else follows the last checkpoint"),
        (b"a\nb\nc\n\n\xe2\x80\x94 x y\n", "unreadable checkpoint: invalid literal for int() with base 10: 'b'"),
        (b"a\nb\nc\n\n\xe2\x80\x94 \xff\n", "a checkpoint is UTF-8 text"),
        (b"a\nb\nc\nd\n", "the last checkpoint is unfinished"),
        (b"a\nb\nc\nd\n\n\xe2\x80", "the last checkpoint is unfinished"),
    ],
)
def test_what_follows_the_last_note_is_told_apart(junk: bytes, why: str) -> None:
    with pytest.raises(BadNote) as refused:
        read_notes(io.BytesIO(stream_of(1).getvalue() + junk))
    assert str(refused.value) == why
    assert isinstance(refused.value, UnfinishedNote) == ("unfinished" in why)


def test_the_newest_note_is_looked_for_near_the_end_only() -> None:
    notes = stream_of(1, 2).getvalue()
    assert newest_note(io.BytesIO(notes + b"x" * 60_000))[1] == 60_000
    with pytest.raises(BadNote, match=r"^no whole checkpoint in the last 65536 bytes$"):
        newest_note(io.BytesIO(notes + b"x" * 70_000))
    with pytest.raises(BadNote, match=r"^a checkpoint is UTF-8 text$"):
        newest_note(io.BytesIO(notes.replace(KEY.name.encode(), b"\xff")))
    for size in (65_535, 65_536, 65_537):
        assert newest_note(io.BytesIO(b"x" * (size - len(notes) - 2) + b"\n\n" + notes))[1] == 0


def test_a_key_whose_base64_has_every_character_reads_back_the_same() -> None:
    for seed in range(80):
        signer = Ed25519Signer("a/name", Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), b"\x04")
        text = signer.public_key.text()
        assert PublicKey.parse(f" {text}\n", b"\x04") == signer.public_key
        with pytest.raises(KeyUnknown) as refused:
            PublicKey.parse(text)
        assert str(refused.value) == "The verifier key a/name is damaged, or not Ed25519 of the signature type 01"


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+%%%%", KEY.text()[:-4] + "!" + KEY.text()[-4:]])
def test_what_is_no_key_at_all_says_what_one_is(text: str) -> None:
    with pytest.raises(KeyUnknown) as refused:
        PublicKey.parse(text)
    assert str(refused.value) == "This is not a verifier key; expected name+8 hexadecimal digits+base64"


def test_a_key_of_another_length_is_damaged() -> None:
    short = PublicKey(KEY.name, KEY.raw[:31])
    with pytest.raises(KeyUnknown, match="is damaged"):
        PublicKey.parse(short.text())


def test_only_what_names_the_key_and_its_id_claims_to_be_by_it() -> None:
    signature = NOTE.signatures[0]
    others = (Signature("other", KEY.key_id, signature.signature), Signature(KEY.name, b"\0\0\0\0", signature.signature))
    assert KEY.claimed(SignedCheckpoint(NOTE.checkpoint, (*others, signature))) == [signature]
    with pytest.raises(KeyUnknown) as refused:
        KEY.verify(SignedCheckpoint(NOTE.checkpoint, others))
    assert str(refused.value) == f"The checkpoint at 7 is not signed by the key {KEY.name}+{KEY.key_id.hex()}"


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


def test_a_key_is_made_where_it_is_to_lie_and_never_passes_through_another_disk(tmp_path: Path) -> None:
    with TemporaryDirectory(dir="/dev/shm") as other_disk:
        for directory in (Path(other_disk), tmp_path):  # one of them is not the disk that temporary files lie on
            load_or_create_signer(directory / "audit.key")
            assert (directory / "audit.key").exists()


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
    whole = path.read_text()
    for text in (whole.replace("PRIVATE", "PUBLIC"), whole[:-9] + "\n", whole[:-9] + " " + whole[-9:], "nothing\n", ""):
        path.write_text(text)
        with pytest.raises(KeyUnknown) as refused:
            load_or_create_signer(path)
        assert secret[:8] not in str(refused.value)
        assert refused.value.__cause__ is None


def test_a_new_key_lies_in_a_folder_of_its_own_under_a_name_made_of_it(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "audit.key"
    key = load_or_create_signer(path).public_key
    assert key.name == f"govcloud.dev/audit/{hashlib.sha256(key.raw).hexdigest()[:8]}"
    assert [one.name for one in path.parent.iterdir()] == ["audit.key"]


def test_a_key_of_another_type_is_another_key(tmp_path: Path) -> None:
    witness = load_or_create_signer(tmp_path / "witness.key", "w", b"\x04")
    assert (witness.public_key.type, load_or_create_signer(tmp_path / "witness.key", "", b"\x04").public_key) == (b"\x04", witness.public_key)
    with pytest.raises(KeyUnknown, match=rf"^{tmp_path}/witness.key holds a damaged signing key$"):
        load_or_create_signer(tmp_path / "witness.key")
    (tmp_path / "witness.key").write_text("nothing\n")
    with pytest.raises(KeyUnknown, match=rf"^{tmp_path}/witness.key does not hold a signing key of this log$"):
        load_or_create_signer(tmp_path / "witness.key")
