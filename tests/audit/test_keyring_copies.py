"""The copies carry the verifier keys: a log that is restored can be judged with any of its keys, and with no other."""

from pathlib import Path

import pytest
from audit.logs import CONTROLLER, SIGNER, QuickFiles, Time, event, open_log

from govcloud.adapters.memory import FixedClock, Wire
from govcloud.adapters.memory.copies import MemoryCopies
from govcloud.audit.copies import CopyDiffers
from govcloud.audit.copying import Copying
from govcloud.audit.keyring_copies import KEYRINGS
from govcloud.audit.layout import Layout
from govcloud.audit.notes import PublicKey
from govcloud.audit.restoring import restore
from govcloud.audit.rotation import rotate
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.verify import Result


class Copied:
    """A log under three keys, one after the other; each life leaves a sealed and copied segment."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.audit, self.key_file, self.time = directory, directory / "audit", directory / "key", Time()
        self.store = MemoryCopies(Wire(), FixedClock(self.time.now))
        self.key_file.write_text(SIGNER.text() + "\n")
        self.key_file.chmod(0o600)
        self.keys = [SIGNER.public_key]
        self.live()
        for _ in range(2):
            clocks = {"clock": self.time.wall, "monotonic": self.time.monotonic}
            self.keys.append(rotate(self.audit, self.key_file, event().initiator, **clocks, files=QuickFiles()))
            self.live()

    def live(self) -> None:
        log = open_log(self.audit, time=self.time, signer=load_or_create_signer(self.key_file))
        log.append_many([event()] * 3)
        log.seal()
        Copying(log, self.audit, self.store, CONTROLLER, self.time.wall, QuickFiles()).run()
        log.close()

    def keyrings(self) -> list[str]:
        return list(self.store.names(KEYRINGS))

    def restored(self, name: str, key: PublicKey) -> Result:
        return restore(self.store, self.directory / name, key, files=QuickFiles()).result


@pytest.fixture
def copied(tmp_path: Path) -> Copied:
    return Copied(tmp_path)


def test_each_change_of_key_leaves_a_keyring_of_its_own(copied: Copied) -> None:
    assert len(copied.keyrings()) == 3
    newest = copied.store.objects[copied.keyrings()[-1]][0]
    assert newest == Layout(copied.audit).keyring.read_bytes()
    assert all(newest.startswith(copied.store.objects[name][0]) for name in copied.keyrings())


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_key_of_the_log_judges_what_comes_back(copied: Copied, number: int) -> None:
    assert copied.restored("back", copied.keys[number]) is Result.OK
    assert Layout(copied.directory / "back").public_key.read_text().strip() == copied.keys[0].text()


def test_another_key_is_not_made_good_by_the_store(copied: Copied) -> None:
    stranger = load_or_create_signer(copied.directory / "other", SIGNER.public_key.name).public_key
    assert copied.restored("back", stranger) is Result.KEY_UNKNOWN
    name = copied.keyrings()[-1]
    copied.store.objects[name] = (stranger.text().encode() + b"\n", copied.time.now)
    assert copied.restored("forged", stranger) is Result.KEY_UNKNOWN


def test_copies_without_a_keyring_need_the_first_key(copied: Copied) -> None:
    for name in copied.keyrings():
        del copied.store.objects[name]
    assert copied.restored("first", copied.keys[0]) is Result.OK
    assert copied.restored("later", copied.keys[2]) is Result.KEY_UNKNOWN


@pytest.mark.parametrize("content", [b"", b"nonsense\n", bytes(1024 * 1024 + 1)])
def test_what_is_no_keyring_is_said(copied: Copied, content: bytes) -> None:
    copied.store.objects[copied.keyrings()[-1]] = (content, copied.time.now)
    with pytest.raises(CopyDiffers, match="is no keyring"):
        copied.restored("back", copied.keys[0])


def test_a_keyring_that_was_damaged_beside_the_log_is_not_copied(copied: Copied) -> None:
    log = open_log(copied.audit, time=copied.time, signer=load_or_create_signer(copied.key_file))
    Layout(copied.audit).keyring.write_bytes(b"nonsense\n")
    before = dict(copied.store.objects)
    copying = Copying(log, copied.audit, copied.store, CONTROLLER, copied.time.wall, QuickFiles())
    with pytest.raises(CopyDiffers, match="keyring beside the log is damaged"):
        copying.run()
    assert [name for name in copied.store.objects if name not in before and name.startswith(KEYRINGS)] == []
