"""What the log asks of a disk, asked of the real one."""

import errno
import os
import shutil
import stat
from pathlib import Path
from uuid import UUID

import pytest

from govcloud.audit.files import RealFiles, kind_of, write_all, write_atomically

FILES = RealFiles()


def descriptors() -> int:
    """How many this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_directory_is_made_with_its_parents_for_owner_and_group(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "audit"
    FILES.make_directory(directory)
    FILES.make_directory(directory)
    assert mode(directory) == 0o750
    (directory / "b").touch()
    (directory / "a").touch()
    assert FILES.names(directory) == ["a", "b"]


def test_what_is_appended_stands_at_the_end_wherever_the_file_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "file"
    descriptor = FILES.open_for_append(path)
    write_all(FILES, descriptor, b"first, second")
    FILES.truncate(descriptor, 7)
    write_all(FILES, descriptor, b"third")
    FILES.flush(descriptor)
    assert (FILES.size(descriptor), path.read_bytes(), mode(path)) == (12, b"first, third", 0o640)
    assert not os.get_inheritable(descriptor)
    FILES.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        FILES.size(descriptor)


def test_space_that_is_set_aside_is_really_taken(tmp_path: Path) -> None:
    before, path = descriptors(), tmp_path / "ballast"
    FILES.reserve(path, 1 << 20)
    assert path.stat().st_size == 1 << 20
    assert path.stat().st_blocks * 512 >= 1 << 20
    assert mode(path) == 0o640
    assert descriptors() == before


def test_the_room_is_that_of_an_ordinary_user(tmp_path: Path) -> None:
    assert abs(FILES.free_bytes(tmp_path) - shutil.disk_usage(tmp_path).free) < 1 << 26, "others write meanwhile"


def test_a_lock_is_held_until_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = FILES.lock(path)
    before = descriptors()
    with pytest.raises(BlockingIOError):
        FILES.lock(path)
    assert descriptors() == before
    assert not os.get_inheritable(held)
    assert mode(path) == 0o640
    FILES.close(held)
    FILES.close(FILES.lock(path))


def test_flushing_names_needs_a_directory_and_keeps_nothing_open(tmp_path: Path) -> None:
    before = descriptors()
    FILES.flush_directory(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        FILES.flush_directory(tmp_path / "file")
    assert descriptors() == before


def test_the_kernel_says_which_boot_this_is() -> None:
    assert str(UUID(FILES.boot_id())) == FILES.boot_id()


def test_what_is_gone_can_be_removed_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    FILES.remove(tmp_path / "file")
    FILES.remove(tmp_path / "file")
    assert not FILES.exists(tmp_path / "file")


class Slow(RealFiles):
    """A disk that takes three bytes at a time, and notes in which order it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def write(self, descriptor: int, data: bytes) -> int:
        return super().write(descriptor, data[:3])

    def flush(self, descriptor: int) -> None:
        self.asked.append(f"flush {os.fstat(descriptor).st_size} bytes")

    def rename(self, source: Path, destination: Path) -> None:
        self.asked.append(f"rename {source.name} to {destination.name}")
        super().rename(source, destination)

    def flush_directory(self, path: Path) -> None:
        self.asked.append(f"flush {path.name}")


def test_a_file_is_replaced_by_one_that_is_whole_and_durable_already(tmp_path: Path) -> None:
    path, files, before = tmp_path / "keyring", Slow(), descriptors()
    path.write_bytes(b"old")
    (tmp_path / ".keyring.new").write_bytes(b"left by a crash")
    write_atomically(files, path, b"new content")
    assert files.asked == ["flush 11 bytes", "rename .keyring.new to keyring", f"flush {tmp_path.name}"]
    assert path.read_bytes() == b"new content"
    assert [one.name for one in tmp_path.iterdir()] == ["keyring"]
    assert descriptors() == before


def test_a_disk_that_takes_nothing_is_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    class Stuck(RealFiles):
        def write(self, descriptor: int, data: bytes) -> int:
            return 0

    descriptor = FILES.open_for_append(tmp_path / "file")
    with pytest.raises(OSError, match="took no byte") as stuck:
        write_all(Stuck(), descriptor, b"data")
    FILES.close(descriptor)
    assert stuck.value.errno == errno.EIO


MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
/dev/vdb1 /var/lib xfs rw 0 0
/dev/vdc1 /var/lib/govcloud xfs rw 0 0
server:/export /var/lib/govcloud nfs4 rw 0 0
server:/spaced /srv/audit\\040logs cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/home/x", "ext4"),
        ("/run/audit", "tmpfs"),
        ("/running", "ext4"),
        ("/var/lib/other", "xfs"),
        ("/var/lib/govcloud/audit", "nfs4"),  # what was mounted last hides what was there
        ("/srv/audit logs/one", "cifs"),
    ],
)
def test_the_deepest_and_newest_mount_decides_what_disk_it_is(place: str, kind: str) -> None:
    assert kind_of(Path(place), MOUNTS) == kind
    assert kind_of(Path(place), "") == "unknown"
