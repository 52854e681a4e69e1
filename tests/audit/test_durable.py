"""A file that only grows: what its owner is told of a disk that fails, and what is then on it."""

import errno
from pathlib import Path

import pytest
from audit.logs import FaultyFiles, QuickFiles

from govcloud.audit.durable import DiskBroken, DiskFull, DurableFile


class Watched(QuickFiles):
    """Notes what is made durable."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def flush(self, descriptor: int) -> None:
        self.asked.append(f"{self.size(descriptor)} bytes")

    def flush_directory(self, path: Path) -> None:
        self.asked.append(path.name)


def failing(name: str, code: int, partial: int = 0) -> FaultyFiles:
    """Every such call fails once the file is open."""
    return FaultyFiles(lambda call, called: code if called == name and call > 3 else None, partial)


def test_all_that_is_there_is_durable_from_the_opening_on(tmp_path: Path) -> None:
    path, files = tmp_path / "file", Watched()
    path.write_bytes(b"before")
    file = DurableFile(files, path)
    assert (file.size, files.asked) == (6, ["6 bytes", tmp_path.name])
    file.append(b", after")
    file.append(b".")
    assert file.size == 14
    file.cut(9)
    assert files.asked[2:] == ["13 bytes", "14 bytes", "9 bytes"]
    assert (file.size, path.read_bytes()) == (9, b"before, a")
    file.close()
    with pytest.raises(DiskBroken):
        file.append(b"x")


@pytest.mark.parametrize(
    ("name", "code", "error", "told"),
    [
        ("open_for_append", errno.EIO, DiskBroken, "cannot open {path}: Input/output error"),
        ("open_for_append", errno.ENOSPC, DiskFull, "cannot open {path}: No space left on device"),
        ("open_for_append", errno.EDQUOT, DiskFull, "cannot open {path}: Disk quota exceeded"),
        ("flush", errno.ENOSPC, DiskBroken, "cannot make {path} durable: No space left on device"),
        ("flush_directory", errno.EIO, DiskBroken, "cannot make {path} durable: Input/output error"),
    ],
)
def test_what_cannot_be_opened_is_told_apart(tmp_path: Path, name: str, code: int, error: type[Exception], told: str) -> None:
    with pytest.raises(error) as raised:
        DurableFile(FaultyFiles(lambda _, called: code if called == name else None), tmp_path / "file")
    assert str(raised.value) == told.format(path=tmp_path / "file")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG])
def test_what_finds_no_room_is_taken_back(tmp_path: Path, code: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    files = failing("write", code, partial=3)
    file = DurableFile(files, path)
    rule, files.rule = files.rule, lambda *_: None
    file.append(b"!")
    files.rule = rule
    with pytest.raises(DiskFull, match=rf"^no room for {path}$"):
        file.append(b"too much")
    assert (file.size, path.read_bytes()) == (7, b"before!")
    file.close()


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("write", errno.EIO, "cannot write {path}: Input/output error"),
        ("flush", errno.EIO, "cannot flush {path}: Input/output error"),
        ("flush", errno.ENOSPC, "cannot flush {path}: No space left on device"),
    ],
)
def test_a_write_that_fails_otherwise_is_known_to_have_failed_and_no_more(tmp_path: Path, name: str, code: int, told: str) -> None:
    path = tmp_path / "file"
    file = DurableFile(failing(name, code), path)
    with pytest.raises(DiskBroken) as raised:
        file.append(b"data")
    assert (str(raised.value), file.size) == (told.format(path=path), 0)
    file.close()


@pytest.mark.parametrize("name", ["truncate", "flush"])
def test_what_cannot_be_taken_back_durably_is_broken(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    files = FaultyFiles(lambda call, called: {"write": errno.ENOSPC, name: errno.EIO}.get(called) if call > 3 else None)
    file = DurableFile(files, path)
    with pytest.raises(DiskBroken, match=rf"^cannot shorten {path}: Input/output error$"):
        file.append(b"too much")
    file.close()


def test_a_disk_that_gives_no_reason_is_quoted_as_it_speaks(tmp_path: Path) -> None:
    class Mute(QuickFiles):
        def flush(self, descriptor: int) -> None:
            raise OSError("something else")

    with pytest.raises(DiskBroken, match=r"durable: something else$"):
        DurableFile(Mute(), tmp_path / "file")
