"""Keys beside the log: what cannot be read is a key that is unknown, whatever its bytes are."""

from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, QuickFiles

from govcloud.audit.errors import KeyUnknown
from govcloud.audit.keyring import Keyring, announcement
from govcloud.audit.keyring_file import read_first_key, read_keyring, write_first_key, write_keyring
from govcloud.audit.layout import Layout
from govcloud.audit.records import Action, Outcome, Phase, Target

DAMAGED = [b"", b"\n", b"\xff\xfe", b"nonsense", KEY.text().encode()[:-1], KEY.text().replace("+", "-", 1).encode()]


def test_nothing_is_there_at_first(tmp_path: Path) -> None:
    assert read_first_key(QuickFiles(), Layout(tmp_path)) is None
    assert read_keyring(QuickFiles(), Layout(tmp_path)) is None


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_first_key(QuickFiles(), Layout(tmp_path), KEY)
    assert Layout(tmp_path).public_key.read_text() == KEY.text() + "\n"
    assert read_first_key(QuickFiles(), Layout(tmp_path)) == KEY
    write_keyring(QuickFiles(), Layout(tmp_path), Keyring(KEY))
    ring = read_keyring(QuickFiles(), Layout(tmp_path))
    assert ring
    assert (ring.first, ring.changes, ring.text()) == (KEY, [], Layout(tmp_path).keyring.read_bytes())


def test_a_keyring_is_written_only_when_it_changed(tmp_path: Path) -> None:
    write_keyring(QuickFiles(), Layout(tmp_path), Keyring(KEY))
    before = Layout(tmp_path).keyring.stat().st_ino
    write_keyring(QuickFiles(), Layout(tmp_path), Keyring(KEY))
    assert Layout(tmp_path).keyring.stat().st_ino == before
    Layout(tmp_path).keyring.write_bytes(b"something else")
    write_keyring(QuickFiles(), Layout(tmp_path), Keyring(KEY))
    assert Layout(tmp_path).keyring.read_bytes() == Keyring(KEY).text()


@pytest.mark.parametrize("content", DAMAGED)
def test_what_is_damaged_is_unknown(tmp_path: Path, content: bytes) -> None:
    Layout(tmp_path).public_key.write_bytes(content)
    Layout(tmp_path).keyring.write_bytes(content)
    with pytest.raises(KeyUnknown):
        read_first_key(QuickFiles(), Layout(tmp_path))
    with pytest.raises(KeyUnknown):
        read_keyring(QuickFiles(), Layout(tmp_path))


def test_a_line_that_is_no_change_of_key_damages_the_keyring(tmp_path: Path) -> None:
    Layout(tmp_path).keyring.write_bytes(Keyring(KEY).text() + b'{"action":"create"}\n')
    with pytest.raises(KeyUnknown, match=r"^A line of the keyring is not the record of a change of key$"):
        read_keyring(QuickFiles(), Layout(tmp_path))


def test_the_announcement_of_a_key_says_which_and_who() -> None:
    entry = announcement(KEY, CONTROLLER)
    assert (entry.phase, entry.action, entry.outcome, entry.initiator) == (Phase.EVENT, Action.RENEW, Outcome.SUCCESS, CONTROLLER)
    assert entry.target == Target(kind="AuditSigningKey", id=KEY.key_id.hex())
    assert (entry.message, entry.attributes) == ("the next checkpoints are signed by this key", {"publicKey": KEY.text()})
