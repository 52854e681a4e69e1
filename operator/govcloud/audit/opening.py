"""What happens before the first record may be written: directories, the one writer's lock, the key beside the log.

Never here: reading the records (`recovery`).
"""

from .durable import sorted_errors
from .errors import AuditUnavailable, KeyUnknown
from .files import FileSystem, write_atomically
from .layout import Layout
from .notes import PublicKey

SHARED_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.s3fs", "fuse.sshfs", "fuse.glusterfs"})
"""File systems whose locks or flushes do not mean what the log needs them to mean."""


def prepare_directories(files: FileSystem, layout: Layout) -> None:
    """Makes them, durably. Raises `AuditUnavailable` on a disk of the network, `DiskFull`, `DiskBroken`."""
    with sorted_errors(f"cannot make {layout.directory}"):
        for path in (layout.directory, layout.segments, layout.hashes, layout.notes.parent):
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


def publish_key(files: FileSystem, layout: Layout, mine: PublicKey) -> None:
    """Puts the verifier key beside a new log. Raises `KeyUnknown` when the log is signed by another one, `OSError`."""
    if not files.exists(layout.public_key):
        write_atomically(files, layout.public_key, mine.text().encode() + b"\n")
    with files.open_for_reading(layout.public_key) as stream:
        theirs = PublicKey.parse(stream.read().decode(errors="replace"))
    if theirs != mine:
        raise KeyUnknown(f"The log in {layout.directory} is signed by {theirs.text()}, not by {mine.text()}")
