"""What a using unit is handed: its own records, each with the proof that it is in the signed log.

A bundle is text, one JSON value a line: first a header with the signed checkpoint, then the records as stored, each
with its index and its inclusion proof (RFC 9162). It can be checked without seeing anybody else's records; it cannot
show that nothing was left out. Never here: the private key.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import AuditDamaged
from .files import FileSystem, RealFiles
from .layout import Layout
from .merkle import Tree, leaf_hash, root_from_inclusion
from .notes import BadNote, PublicKey, SignedCheckpoint, newest_note, parse
from .query import Filter
from .reader import Damage, Stored, read_log, removed_leaves

FORMAT = "govcloud-audit-export/1"


class NotProven(ValueError):
    """A bundle does not prove what it claims."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was checked."""

    checkpoint: SignedCheckpoint
    records: tuple[bytes, ...]
    """The proven records as stored."""


def export(directory: Path, wanted: Callable[[Stored], bool], files: FileSystem | None = None) -> Iterator[str]:
    """The lines of a bundle with all signed records that are wanted, proven against the newest checkpoint.

    Raises `FileNotFoundError` when there is no log or nothing is signed yet, `AuditDamaged` when it is not whole.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    signed = _newest(disk, layout)
    size = signed.checkpoint.size
    leaves, chosen = _collect(disk, layout, size, wanted)
    tree = Tree(leaves)
    if tree.size < size or tree.root(size) != signed.checkpoint.root:
        raise AuditDamaged("The log is not the one that was signed. Run: govcloud audit verify", 0)
    yield json.dumps({"checkpoint": signed.text(), "format": FORMAT, "records": len(chosen)}, ensure_ascii=False)
    for stored in chosen:
        yield _line(stored, tree.inclusion_proof(stored.index, size))


def of_unit(unit: str) -> Callable[[Stored], bool]:
    """Wanted are the records that belong to this using unit."""
    wanted = Filter(unit=unit)
    return lambda stored: wanted.may_match(stored.payload) and wanted.matches(stored.record())


def at(sequence: int) -> Callable[[Stored], bool]:
    """Wanted is one record."""
    return lambda stored: stored.index == sequence


def check(lines: Iterable[str], key: PublicKey) -> Bundle:
    """The records of a bundle, all of them proven. Raises `NotProven`, `KeyUnknown`."""
    rest = iter(lines)
    signed, count = _header(next(rest, ""), key)
    records = tuple(_proven(line, signed) for line in rest)
    if len(records) != count:
        raise NotProven(f"The bundle announces {count} records and holds {len(records)}")
    return Bundle(signed, records)


def newest_checkpoint(directory: Path, files: FileSystem | None = None) -> SignedCheckpoint:
    """The newest signed checkpoint as stored. Raises `FileNotFoundError` when nothing is signed yet, `BadNote`."""
    return _newest(files or RealFiles(), Layout(directory))


def _newest(files: FileSystem, layout: Layout) -> SignedCheckpoint:
    if not files.exists(layout.notes):
        raise FileNotFoundError(f"There is no signed audit log in {layout.directory}")
    with files.open_for_reading(layout.notes) as stream:
        newest, _ = newest_note(stream)
    if newest is None:
        raise FileNotFoundError(f"Nothing in {layout.directory} is signed yet; it will be within a minute")
    return newest


def _collect(
    files: FileSystem, layout: Layout, size: int, wanted: Callable[[Stored], bool]
) -> tuple[list[bytes], list[Stored]]:
    removed = removed_leaves(files, layout)
    leaves: list[bytes] = list(removed)
    chosen: list[Stored] = []
    try:
        for stored in read_log(files, layout, removed.count):
            if stored.index >= size:
                break
            leaves.append(stored.leaf)
            if wanted(stored):
                chosen.append(stored)
    except Damage as damage:
        raise AuditDamaged(f"The audit log is damaged: {damage}. Run: govcloud audit verify", damage.index) from damage
    return leaves, chosen


def _line(stored: Stored, proof: Iterable[bytes]) -> str:
    encoded = [b64encode(node).decode() for node in proof]
    return json.dumps({"index": stored.index, "proof": encoded, "record": stored.payload.decode()}, ensure_ascii=False)


def _header(line: str, key: PublicKey) -> tuple[SignedCheckpoint, int]:
    try:
        header = json.loads(line)
        form, signed, count = header["format"], parse(str(header["checkpoint"])), int(header["records"])
    except (BadNote, KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotProven(f"The first line is not the header of a bundle: {error}") from error
    if form != FORMAT:
        raise NotProven(f"The first line does not say {FORMAT}")
    if not key.verify(signed):
        raise NotProven("The signature of the checkpoint is wrong")
    return signed, count


def _proven(line: str, signed: SignedCheckpoint) -> bytes:
    try:
        item = json.loads(line)
        index, payload = int(item["index"]), str(item["record"]).encode()
        proof = [b64decode(node, validate=True) for node in item["proof"]]
        root = root_from_inclusion(leaf_hash(payload), index, signed.checkpoint.size, proof)
    except (KeyError, TypeError, ValueError, RecursionError, Base64Error) as error:
        raise NotProven(f"A line is not a record with its proof: {error}") from error
    if root != signed.checkpoint.root:
        raise NotProven(f"Record {index} is not in the signed log")
    return payload
