"""Every byte of the sealed segments, held against the root that was signed: what an opening no longer reads.

Whether the stored bytes are right is decided by the root alone. Of what lies beside them, and follows from them, what is
missing or wrong is then written anew; wrong leaf hashes are said by a record. Never here: the form of the records, which is for `verify`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from . import starting_points
from .errors import AuditDamaged
from .files import FileSystem, RealFiles, write_atomically
from .layout import Layout
from .log import AuditLog
from .merkle import GrowingTree
from .own_words import event
from .reader import HASH_BYTES, Damage, read_hashes, read_segment, segment_starts
from .records import Action
from .tree_files import keep_tree, read_tree


@dataclass
class Rereading:
    """The rereading of one log that is being written to."""

    log: AuditLog
    directory: Path
    files: FileSystem = field(default_factory=RealFiles)

    def run(self) -> None:
        """Reads all that is sealed, and says so. What is wrong there stops the log, and the next start reads everything.

        Raises `AuditDamaged` then, `OSError` when it cannot be read; `AuditUnavailable` when the log was stopped already.
        """
        layout, (end, root) = Layout(self.directory), self.log.sealed()
        try:
            mended = reread(self.files, layout, end, root)
        except (AuditDamaged, OSError) as error:
            self.log.distrust(f"The sealed records of the audit log were read again: {error}")
            starting_points.forget(self.files, layout, starting_points.sizes(self.files, layout))
            raise
        for first in mended:
            self.log.append(event(Action.REPAIR, f"the hashes kept of the segment that begins at {first} were not those of its records"))
        if end:
            self.log.append(event(Action.EVALUATE, f"records 0 to {end - 1} were read again: they are the ones that were signed"))


def reread(files: FileSystem, layout: Layout, end: int, root: bytes) -> list[int]:
    """Reads every segment before `end`, over which `root` is; which of them have their leaf hashes anew.

    Of removed segments the kept hashes are read. Raises `AuditDamaged`, `OSError`.
    """
    tree, wrong = GrowingTree(), dict[int, bytes]()
    oldest = min(segment_starts(files, layout), default=0)
    while tree.size < end:
        first, leaves = tree.size, _leaves(files, layout, tree.size, removed=tree.size < oldest)
        nodes = b"".join(node for leaf in _split(leaves) for node in tree.append(leaf))
        if read_tree(files, layout, first) != nodes:
            keep_tree(files, layout, first, nodes)  # whoever uses it looks at what it leads to
        if read_hashes(files, layout, first) != leaves:
            wrong[first] = leaves
    if tree.root() != root:
        raise _not_what_was_signed(files, layout, wrong)
    for first, leaves in wrong.items():
        _keep_anew(files, layout, first, leaves)
    return list(wrong)


def _leaves(files: FileSystem, layout: Layout, first: int, *, removed: bool) -> bytes:
    """The leaf hashes of a segment: of its bytes, or those kept of it when it was removed."""
    try:
        leaves = read_hashes(files, layout, first) if removed else _leaves_of_bytes(files, layout.segment(first), first)
    except Damage as damage:
        raise AuditDamaged(f"{damage}. Run: govcloud audit verify", damage.index) from damage
    if not leaves:
        raise AuditDamaged(f"The segment that begins at {first} is missing. Run: govcloud audit verify", first)
    return leaves


def _leaves_of_bytes(files: FileSystem, path: Path, first: int) -> bytes:
    if not files.exists(path):
        return b""
    return b"".join(stored.leaf for stored in read_segment(files, path, first, last=False))


def _not_what_was_signed(files: FileSystem, layout: Layout, wrong: dict[int, bytes]) -> AuditDamaged:
    """Where kept hashes are others than those of the records, they say which record was changed."""
    changed = next((first + _first_difference(leaves, read_hashes(files, layout, first)) for first, leaves in wrong.items()), 0)
    return AuditDamaged(f"The records are not those that were signed, as far as can be seen from {changed} on. Run: govcloud audit verify", changed)


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(_split(one), _split(other), strict=False))
    return next((number for number, (mine, theirs) in pairs if mine != theirs), 0)


def _keep_anew(files: FileSystem, layout: Layout, first: int, leaves: bytes) -> None:
    """The wrong ones are kept too: somebody may want to know how they came about."""
    path = layout.segment_hashes(first)
    files.make_directory(layout.torn)
    write_atomically(files, layout.torn / path.name, read_hashes(files, layout, first))
    write_atomically(files, path, leaves)


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
