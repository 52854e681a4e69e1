"""Where the parts of a log lie in its directory.

lock                            held by the one writer
public-key                      the first verifier key; compare it with a copy that was kept elsewhere
keyring                         all verifier keys and the sizes from which they sign, as the records say
segments/<first sequence>.log   the records
hashes/<first sequence>.sha256  leaf hashes of a sealed segment, 32 bytes each; kept for ever
hashes/<first sequence>.sm3     the same by SM3, where the second tree is kept
trees/<first sequence>.sha256   the tree's nodes that are complete with each of its records, for proofs; made anew where missing
starts/<first sequence>         what the writer must know to go on from there without reading what lies before; signed
checkpoints/notes               every signed checkpoint
torn/                           what a crash left unfinished at the end, cut off and kept
reads/                          notes of who read records, until the writer has recorded them
ballast                         space set aside so that the end can be recorded on a full disk
"""

import re
from dataclasses import dataclass
from pathlib import Path

_SEGMENT = re.compile(r"^([0-9]{16})\.log$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below the directory of one log."""

    directory: Path

    @property
    def lock(self) -> Path:
        return self.directory / "lock"

    @property
    def public_key(self) -> Path:
        return self.directory / "public-key"

    @property
    def keyring(self) -> Path:
        return self.directory / "keyring"

    @property
    def segments(self) -> Path:
        return self.directory / "segments"

    @property
    def hashes(self) -> Path:
        return self.directory / "hashes"

    @property
    def trees(self) -> Path:
        return self.directory / "trees"

    @property
    def starts(self) -> Path:
        return self.directory / "starts"

    @property
    def notes(self) -> Path:
        return self.directory / "checkpoints" / "notes"

    @property
    def torn(self) -> Path:
        return self.directory / "torn"

    @property
    def reads(self) -> Path:
        return self.directory / "reads"

    @property
    def ballast(self) -> Path:
        return self.directory / "ballast"

    def segment(self, first: int) -> Path:
        """The segment that begins with this sequence."""
        return self.segments / f"{first:016d}.log"

    def segment_hashes(self, first: int, tree: str = "sha256") -> Path:
        """The leaf hashes of the segment that begins with this sequence, of the tree by `sha256` or `sm3`."""
        return self.hashes / f"{first:016d}.{tree}"

    def segment_tree(self, first: int) -> Path:
        """The nodes of the tree that are complete with the records of the segment that begins with this sequence."""
        return self.trees / f"{first:016d}.sha256"

    def starting_point(self, first: int) -> Path:
        """What the writer must know to begin reading at the segment that begins with this sequence."""
        return self.starts / f"{first:016d}"


def first_of(name: str) -> int | None:
    """The first sequence that a segment's file name promises; None for any other file."""
    match = _SEGMENT.match(name)
    return int(match[1]) if match else None
