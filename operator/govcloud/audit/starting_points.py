"""All that the writer must know of the records before a segment, so that an opening need not read them.

A note of the writer to himself: JSON in one line, an empty line, and the signature of the log's key as in a checkpoint. One
that another key signed, or that cannot be read, is none; then more is read. Never here: whether the log still has what it
tells of.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .errors import KeyUnknown
from .files import FileSystem, write_atomically
from .keyring import Keyring
from .layout import Layout
from .merkle import GrowingTree, sm3
from .notes import PublicKey, Signature, Signer, parse_signature
from .records import Record
from .tail import Tail

FORMAT = "govcloud-audit-start/1"


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """The end of the log as it was when a segment began; `text` says all of it."""

    size: int
    text: bytes

    @classmethod
    def of(cls, tail: Tail) -> "StartingPoint":
        """The writer stands at the end of a segment, or at the very beginning of the next."""
        content = {
            "format": FORMAT,
            "log": tail.keyring.first.name,
            "size": tail.size,
            "peaks": _encoded(tail.tree),
            "sm3Peaks": _encoded(tail.national) if tail.national else None,
            "prev": tail.prev,
            "time": tail.last_time.isoformat(),
            "keyring": tail.keyring.text().decode(),
            "openIntents": [record.stored().decode() for record in tail.open_intents.values()],
        }
        return cls(tail.size, json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n")

    def tail(self) -> Tail:
        """The end of the log as it was. Raises `ValueError`, `KeyError`, `TypeError`, `KeyUnknown` when it is not one."""
        content = json.loads(self.text)
        if (content["format"], content["size"]) != (FORMAT, self.size):
            raise ValueError("the starting point of something else")
        tree = GrowingTree.grown(self.size, _decoded(content["peaks"]))
        intents = [Record.model_validate_json(text) for text in content["openIntents"]]
        return Tail(
            Keyring.parse(content["keyring"].encode()),
            tree=tree,
            national=content["sm3Peaks"] and GrowingTree.grown(self.size, _decoded(content["sm3Peaks"]), sm3),
            prev=content["prev"],
            last_time=datetime.fromisoformat(content["time"]),
            open_intents={record.id: record for record in intents},
            segment=self.size,
            sealed_root=tree.root(),
        )


def keep(files: FileSystem, layout: Layout, point: StartingPoint, signer: Signer) -> None:
    """Durable on return. Raises `OSError`."""
    key = signer.public_key
    signature = Signature(key.name, key.key_id, signer.sign(point.text))
    write_atomically(files, layout.starting_point(point.size), point.text + b"\n" + signature.line().encode())


def read(files: FileSystem, layout: Layout, size: int, key: PublicKey) -> Tail | None:
    """The end of the log as it was at this size; None unless this key signed so. Raises `OSError`."""
    with files.open_for_reading(layout.starting_point(size)) as stream:
        text, _, line = stream.read().partition(b"\n\n")
    try:
        signature = parse_signature(line.decode().removesuffix("\n"))
        if signature.line().encode() != line or not key.fits(text + b"\n", signature.signature):
            return None
        return StartingPoint(size, text + b"\n").tail()
    except (ValueError, KeyError, TypeError, RecursionError, KeyUnknown):
        return None


def sizes(files: FileSystem, layout: Layout) -> list[int]:
    """Of all starting points that are there, in order. Raises `OSError`."""
    if not files.exists(layout.starts):
        return []
    return [int(name) for name in files.names(layout.starts) if name.isdecimal()]


def wanted(files: FileSystem, layout: Layout, starts: Sequence[int], reread_bytes: int) -> int:
    """Where an opening begins to read: the segment that is written to, and before it sealed ones of so many bytes at least."""
    *sealed, current = starts or [0]
    count, first = 0, current
    while count < reread_bytes and sealed:
        first = sealed.pop()
        count += files.length(layout.segment(first))
    return first if count >= reread_bytes else 0


def forget_older(files: FileSystem, layout: Layout, needed: int) -> None:
    """Removes those that no later opening begins with. Raises `OSError`."""
    known = sizes(files, layout)
    oldest = max((size for size in known if size <= needed), default=0)
    forget(files, layout, [size for size in known if size < oldest])


def forget(files: FileSystem, layout: Layout, which: Iterable[int]) -> None:
    """Opening will read more. Raises `OSError`."""
    for size in which:
        files.remove(layout.starting_point(size))


def _encoded(tree: GrowingTree) -> list[str]:
    return [b64encode(peak).decode() for peak in tree.peaks().values()]


def _decoded(peaks: Sequence[str]) -> list[bytes]:
    return [b64decode(peak, validate=True) for peak in peaks]
