"""The signing key can be changed; nothing that an old key signs afterwards is believed."""

import errno
import itertools
import shutil
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, SIGNER, FaultyFiles, QuickFiles, Time, event, fill, open_log
from audit.verdicts import agreed, said_offline
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from govcloud.audit.errors import AuditUnavailable, KeyUnknown
from govcloud.audit.keyring import Keyring, announcement
from govcloud.audit.keyring_file import read_keyring
from govcloud.audit.layout import Layout
from govcloud.audit.notes import Checkpoint, Ed25519Signer, PublicKey, SignedCheckpoint, newest_note, sign
from govcloud.audit.query import search
from govcloud.audit.rotation import rotate
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.verify import Result
from govcloud.cli import app

NEXT = Ed25519Signer(KEY.name, Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
THIEF = Ed25519Signer(KEY.name, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))


def keyed(directory: Path) -> Path:
    """The key of the test logs, as a file."""
    path = directory / "signing.key"
    path.write_text(SIGNER.text() + "\n")
    path.chmod(0o600)
    return path


def changed_twice(directory: Path, **settings: object) -> Path:
    """A log of three keys."""
    audit, key_file, time = directory / "audit", keyed(directory), Time()
    for _ in range(2):
        fill(audit, 5, time=time, signer=load_or_create_signer(key_file), **settings)
        rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    fill(audit, 5, time=time, signer=load_or_create_signer(key_file), **settings)
    return audit


def newest(audit: Path) -> SignedCheckpoint:
    with Layout(audit).notes.open("rb") as stream:
        note, _ = newest_note(stream)
    assert note
    return note


def test_whoever_holds_the_first_key_can_check_everything(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    report = agreed(audit, KEY)
    assert (report.result, report.records, report.signed, report.what) == (Result.OK, 17, 17, "The audit log is whole")


def test_every_checkpoint_is_good_only_under_the_key_of_its_size(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    ring = read_keyring(QuickFiles(), Layout(audit))
    assert ring and [change.sequence for change in ring.changes] == [5, 11]
    assert [ring.at(size) for size in (1, 6)] == [KEY, KEY]
    assert [ring.at(size) for size in (7, 12)] == [ring.changes[0].key] * 2
    assert ring.at(13) == ring.at(99) == ring.newest
    late = sign(newest(audit).checkpoint, SIGNER)  # the first key, stolen long after its time
    replace_newest(audit, late)
    assert agreed(audit, KEY).result is Result.KEY_UNKNOWN


def replace_newest(audit: Path, note: SignedCheckpoint) -> None:
    text = Layout(audit).notes.read_text()
    Layout(audit).notes.write_text(text.replace(newest(audit).text(), note.text()))


def test_the_newest_key_vouches_for_what_older_ones_signed(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    key = load_or_create_signer(tmp_path / "signing.key").public_key
    report = agreed(audit, key)
    assert report.result is Result.OK
    assert any("older keys from beside the log" in remark for remark in report.remarks)


def test_a_key_that_never_signed_this_log_is_unknown(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    assert agreed(audit, THIEF.public_key).result is Result.KEY_UNKNOWN


def test_a_key_that_only_the_keyring_names_is_not_believed(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    line = Layout(audit).keyring.read_bytes().splitlines()[-1]
    forged = line.replace(read(audit).newest.text().encode(), THIEF.public_key.text().encode())
    Layout(audit).keyring.write_bytes(Layout(audit).keyring.read_bytes() + forged + b"\n")
    assert agreed(audit, KEY).result is Result.OK
    report = agreed(audit, THIEF.public_key)
    assert (report.result, report.what) == (Result.KEY_UNKNOWN, f"The key {THIEF.public_key.text()} never signed this log")


def read(audit: Path) -> Keyring:
    ring = read_keyring(QuickFiles(), Layout(audit))
    assert ring
    return ring


def test_a_change_that_the_old_key_did_not_sign_for_is_found(tmp_path: Path) -> None:
    """A thief without the key writes its own change of key, and goes on under the new key as if nothing were."""
    audit = tmp_path / "audit"
    fill(audit, 5)
    shutil.copytree(audit, tmp_path / "forged")
    log = open_log(tmp_path / "forged")
    log.append(announcement(THIEF.public_key, CONTROLLER))
    log.append(event())
    log.close()
    forged = Layout(tmp_path / "forged")
    last = newest(tmp_path / "forged").checkpoint
    forged.notes.write_text(Layout(audit).notes.read_text() + sign(last, THIEF).text() + "\n")
    report = agreed(tmp_path / "forged", KEY)
    assert (report.result, report.first_bad) == (Result.TAMPERED, 5)


def test_the_writer_refuses_a_key_that_is_not_the_newest(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    for signer in (SIGNER, THIEF):
        with pytest.raises(KeyUnknown) as refused:
            open_log(audit, signer=signer)
        theirs, mine = read(audit).newest.text(), signer.public_key.text()
        assert str(refused.value) == f"The log in {audit} is signed by {theirs}, not by {mine}"


def test_the_old_key_writes_nothing_once_the_change_is_signed(tmp_path: Path) -> None:
    audit, key_file, time = tmp_path / "audit", keyed(tmp_path), Time()
    fill(audit, 3, time=time)
    rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    with pytest.raises(KeyUnknown, match="is signed by"):
        open_log(audit, signer=SIGNER, time=time)
    with pytest.raises(KeyUnknown, match="is signed by"):
        open_log(audit, signer=THIEF, time=time)


def test_a_strangers_key_finishes_no_change(tmp_path: Path) -> None:
    log = open_log(tmp_path / "whole")
    log.append(announcement(NEXT.public_key, CONTROLLER))
    shutil.copytree(tmp_path / "whole", tmp_path / "audit")  # what a crash leaves: the record, and no signature
    log.close()
    with pytest.raises(KeyUnknown, match="is signed by"):
        open_log(tmp_path / "audit", signer=THIEF)


def test_a_change_for_the_key_of_another_log_is_refused(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    log = open_log(audit)
    log.append(announcement(PublicKey("another/log", NEXT.public_key.raw), CONTROLLER))
    log.close()
    with pytest.raises(KeyUnknown, match="another log"):
        open_log(audit)


class Killed(Exception):
    pass


@pytest.mark.parametrize("calls", range(1, 7))
def test_a_change_that_was_interrupted_anywhere_is_finished_by_doing_it_again(tmp_path: Path, calls: int) -> None:
    audit, key_file, time = tmp_path / "audit", keyed(tmp_path), Time()
    fill(audit, 3)
    left = itertools.count(calls, -1)

    def now() -> int:
        if next(left) <= 0:
            raise Killed
        return time.monotonic()

    try:
        rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=now, files=QuickFiles())
        done = load_or_create_signer(key_file).public_key
    except Killed:
        done = rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    assert load_or_create_signer(key_file).public_key == done != KEY
    open_log(audit, signer=load_or_create_signer(key_file), time=time).close()
    assert agreed(audit, KEY).result is Result.OK
    assert len(read(audit).changes) == 1


def test_a_crash_between_the_record_and_its_signature_is_mended_by_the_old_key(tmp_path: Path) -> None:
    key_file, time = keyed(tmp_path), Time()
    waiting = load_or_create_signer(key_file.with_name("signing.key.next"), KEY.name)
    log = open_log(tmp_path / "whole", time=time)
    log.append(announcement(waiting.public_key, CONTROLLER))
    audit = tmp_path / "audit"
    shutil.copytree(tmp_path / "whole", audit)  # what a crash leaves: the record, and no signature
    log.close()
    with pytest.raises(KeyUnknown, match=r"^The change of the signing key is not finished\. Run again: govcloud audit rotate-key$"):
        open_log(audit, time=time)
    assert newest(audit).checkpoint.size == 1
    rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    open_log(audit, signer=load_or_create_signer(key_file), time=time).close()
    assert agreed(audit, KEY).result is Result.OK


@pytest.mark.parametrize(("with_log", "with_key"), [(False, False), (True, False), (False, True)])
def test_there_has_to_be_a_log_and_its_key(tmp_path: Path, with_log: bool, with_key: bool) -> None:
    time, key_file = Time(), tmp_path / "signing.key"
    if with_log:
        fill(tmp_path / "audit", 2)
    if with_key:
        keyed(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileNotFoundError, match=rf"^There is no audit log in {tmp_path}/audit with its signing key in {key_file}$"):
        rotate(tmp_path / "audit", key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    assert sorted(tmp_path.rglob("*")) == before


def test_with_the_key_of_another_log_nothing_is_changed(tmp_path: Path) -> None:
    audit, key_file, time = tmp_path / "audit", tmp_path / "signing.key", Time()
    fill(audit, 3)
    key_file.write_text(THIEF.text() + "\n")
    key_file.chmod(0o600)
    for _ in range(2):  # the second time a key lies ready beside it
        with pytest.raises(KeyUnknown, match="is signed by"):
            rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    assert load_or_create_signer(key_file).public_key == THIEF.public_key
    assert (agreed(audit, KEY).records, read(audit).newest) == (3, KEY)


def test_a_change_is_one_record_of_its_own_fence_and_sets_little_aside(tmp_path: Path) -> None:
    audit, key_file, time = tmp_path / "audit", keyed(tmp_path), Time()
    fill(audit, 3, time=time)
    (audit / "ballast").unlink()
    rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    *_, last = search(audit)
    assert (last.sequence, last.fence, last.action) == (3, "rotate-key", "renew")
    assert (audit / "ballast").stat().st_size == 1024 * 1024


def test_when_the_disk_fails_the_old_key_stays(tmp_path: Path) -> None:
    audit, key_file, time = tmp_path / "audit", keyed(tmp_path), Time()
    fill(audit, 3, time=time)
    broken = FaultyFiles(lambda _, name: errno.EIO if name == "flush" else None)
    with pytest.raises(AuditUnavailable):
        rotate(audit, key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=broken)
    assert load_or_create_signer(key_file).public_key == KEY


def test_while_the_controller_runs_nothing_is_changed(tmp_path: Path) -> None:
    key_file, time = keyed(tmp_path), Time()
    log = open_log(tmp_path / "audit")
    with pytest.raises(AuditUnavailable, match="Another process"):
        rotate(tmp_path / "audit", key_file, CONTROLLER, clock=time.wall, monotonic=time.monotonic, files=QuickFiles())
    log.close()
    assert load_or_create_signer(key_file).public_key == KEY


def test_a_rolled_back_log_is_missed_under_a_key_that_came_later(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    fill(audit, 5)
    shutil.copytree(audit, tmp_path / "old")
    shutil.rmtree(audit)
    audit = changed_twice(tmp_path)
    report = agreed(tmp_path / "old", KEY, newest(audit))
    assert (report.result, report.first_bad) == (Result.INCOMPLETE, 5)
    forged = SignedCheckpoint(Checkpoint(KEY.name, 999, bytes(32)), sign(newest(audit).checkpoint, SIGNER).signatures)
    assert agreed(audit, KEY, forged).result is not Result.OK
    assert said_offline(audit, KEY, newest(audit)).code == 0


def test_the_command_changes_the_key_and_prints_the_new_one(tmp_path: Path) -> None:
    audit, key_file = tmp_path / "audit", tmp_path / "audit-signing.key"
    fill(audit, 3)
    keyed(tmp_path).rename(key_file)
    done = CliRunner().invoke(app, ["audit", "rotate-key", "--by", "wang.wei", "--state", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == load_or_create_signer(key_file).public_key.text()
    *_, last = search(audit)
    assert (last.initiator.id, last.action, last.attributes["publicKey"]) == ("wang.wei", "renew", done.output.strip())


@pytest.mark.parametrize(("arguments", "code"), [([], 3), (["--state", "/nowhere"], 3)])
def test_the_command_says_what_is_missing(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOVCLOUD_STATE_DIR", raising=False)
    assert CliRunner().invoke(app, ["audit", "rotate-key", "--by", "wang.wei", *arguments]).exit_code == code


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"nonsense\n",
        b"\xff",
        b'{"target": {"kind": "AuditSigningKey"}, "attributes": []}\n',
        b'{"target": "AuditSigningKey"}\n',
        b'["AuditSigningKey"]\n',
        b"[" * 9_000 + b'"AuditSigningKey"\n',
    ],
)
def test_a_damaged_keyring_is_no_accusation_and_is_mended(tmp_path: Path, damage: bytes) -> None:
    audit = changed_twice(tmp_path)
    whole = Layout(audit).keyring.read_bytes()
    Layout(audit).keyring.write_bytes(whole.splitlines(keepends=True)[0] + damage if damage.startswith((b"{", b"[")) else damage)
    report = agreed(audit, KEY)
    assert report.result is Result.OK
    assert "keyring beside the log is damaged" in report.remarks[0]
    open_log(audit, signer=load_or_create_signer(tmp_path / "signing.key")).close()
    assert Layout(audit).keyring.read_bytes() == whole


def test_a_damaged_first_key_beside_the_log_vouches_for_nothing(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path)
    newest_key = read(audit).newest
    _, *changes = Layout(audit).keyring.read_bytes().splitlines(keepends=True)
    for first in (b"\xff\n", b"nonsense\n"):
        Layout(audit).keyring.write_bytes(first + b"".join(changes))
        assert agreed(audit, KEY).result is Result.OK
        assert agreed(audit, newest_key).result is Result.KEY_UNKNOWN
