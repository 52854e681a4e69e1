"""What happens before the first record may be written: directories, the one writer's lock, the key beside the log.

Never here: reading the records (`recovery`).
"""

from .durable import sorted_errors
from .errors import AuditUnavailable, KeyUnknown
from .files import FileSystem
from .keyring_file import read_first_key, write_first_key
from .layout import Layout
from .notes import PublicKey
from .tail import Tail

SHARED_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.s3fs", "fuse.sshfs", "fuse.glusterfs"})
"""File systems whose locks or flushes do not mean what the log needs them to mean."""


def prepare_directories(files: FileSystem, layout: Layout) -> None:
    """Makes them, durably. Raises `AuditUnavailable` on a disk of the network, `DiskFull`, `DiskBroken`."""
    with sorted_errors(f"cannot make {layout.directory}"):
        for path in (layout.directory, layout.segments, layout.hashes, layout.trees, layout.starts, layout.notes.parent, layout.reads):
            files.make_directory(path)
        for path in (layout.directory.parent, layout.directory):
            files.flush_directory(path)
        kind = files.kind(layout.directory)
    if kind in SHARED_DISKS:
        raise AuditUnavailable(f"The audit log must be on a local disk; {layout.directory} is on {kind}")


def take_lock(files: FileSystem, layout: Layout) -> int:
    """The descriptor that holds it. Raises `AuditUnavailable` when somebody else does, `DiskFull`, `DiskBroken`."""
    with sorted_errors(f"cannot lock {layout.lock}"):
        try:
            return files.lock(layout.lock)
        except BlockingIOError as error:
            raise AuditUnavailable(f"Another process already writes the audit log in {layout.directory}") from error


def first_key(files: FileSystem, layout: Layout, mine: PublicKey) -> PublicKey:
    """The key that the log began with; of a new log it is mine, and is put beside it. Raises `KeyUnknown`, `OSError`."""
    known = read_first_key(files, layout)
    if known is None:
        write_first_key(files, layout, mine)
    return known or mine


def refuse_other_key(layout: Layout, tail: Tail, mine: PublicKey) -> None:
    """Raises `KeyUnknown` unless this key signs the next record. The last one before a change of key is still signed by the old."""
    if mine == tail.keyring.at(tail.size + 1) or (tail.signed < tail.size and mine == tail.keyring.at(tail.size)):
        return
    theirs = tail.keyring.newest
    raise KeyUnknown(f"The log in {layout.directory} is signed by {theirs.text()}, not by {mine.text()}")
