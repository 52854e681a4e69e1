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
from functools import lru_cache
from pathlib import Path

from .errors import AuditDamaged
from .files import FileSystem, RealFiles
from .layout import Layout
from .merkle import Tree, leaf_hash, root_from_inclusion
from .notes import BadNote, PublicKey, SignedCheckpoint, newest_note, note_of, parse
from .places import Places
from .query import Filter
from .reader import Damage, Stored, find_record, read_again, read_log, read_segment, removed_leaves
from .tree_files import GrownTree, KeptTree, NodeFile

FORMAT = "govcloud-audit-export/1"
_NODES_AT_HAND = 4_096
"""Proofs of neighbours name almost the same nodes."""


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

    Reads the whole log first, and of what it finds keeps only where it lies. Raises `FileNotFoundError` when there is no log
    or nothing is signed yet, `AuditDamaged` when it is not whole.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    signed = _newest(disk, layout)
    size = signed.checkpoint.size
    with NodeFile() as nodes:
        chosen = _look_through(disk, layout, size, wanted, nodes)
        tree = Tree(size, lru_cache(_NODES_AT_HAND)(nodes.node))
        if nodes.size < size or tree.root() != signed.checkpoint.root:
            raise AuditDamaged("The log is not the one that was signed. Run: govcloud audit verify", 0)
        yield _header_line(signed, len(chosen))
        try:
            for stored in read_again(disk, layout, chosen):
                yield _proven_line(stored, tree, signed)
        except Damage as damage:
            raise _damaged(damage) from damage


def prove(directory: Path, sequence: int, files: FileSystem | None = None) -> Iterator[str]:
    """The lines of a bundle with one signed record; without it when there is none.

    A record of a sealed segment is proven against the checkpoint at the end of what is sealed, from what is kept of the tree;
    for one that came later the segment that is written to is read. Where that does not lead to what was signed, the whole log
    is read. Raises like `export`.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    yield from _quickly_proven(disk, layout, sequence) or export(directory, at(sequence), disk)


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


def _look_through(
    files: FileSystem, layout: Layout, size: int, wanted: Callable[[Stored], bool], nodes: NodeFile
) -> Places:
    """Where the wanted records lie, of the first `size`; the nodes of the tree over all of them go to `nodes`."""
    removed, chosen = removed_leaves(files, layout), Places()
    for leaf in removed:
        nodes.add(leaf)
    try:
        for stored in read_log(files, layout, removed.count):
            if stored.index >= size:
                break
            nodes.add(stored.leaf)
            if wanted(stored):
                chosen.add(stored)
    except Damage as damage:
        raise _damaged(damage) from damage
    return chosen


def _damaged(damage: Damage) -> AuditDamaged:
    return AuditDamaged(f"The audit log is damaged: {damage}. Run: govcloud audit verify", damage.index)


def _quickly_proven(files: FileSystem, layout: Layout, sequence: int) -> tuple[str, str] | None:
    """Both lines, or nothing when anything that is needed is missing or does not fit: then the whole log says why."""
    try:
        kept = KeptTree(files, layout)
        return (_sealed if sequence < kept.end else _not_sealed)(files, layout, kept, sequence)
    except (AuditDamaged, BadNote, Damage, OSError):
        return None


def _sealed(files: FileSystem, layout: Layout, kept: KeptTree, sequence: int) -> tuple[str, str] | None:
    stored = find_record(files, layout, kept.first_of(sequence), sequence)
    with files.open_for_reading(layout.notes) as stream:
        signed = note_of(stream, kept.end)
    return (_header_line(signed, 1), _proven_line(stored, Tree(kept.end, kept.node), signed)) if stored and signed else None


def _not_sealed(files: FileSystem, layout: Layout, kept: KeptTree, sequence: int) -> tuple[str, str] | None:
    signed, tree, found = _newest(files, layout), GrownTree(kept), None
    for stored in read_segment(files, layout.segment(kept.end), kept.end, last=True):
        if stored.index >= signed.checkpoint.size:
            break
        tree.add(stored.leaf)
        found = stored if stored.index == sequence else found
    return (_header_line(signed, 1), _proven_line(found, Tree(signed.checkpoint.size, tree.node), signed)) if found else None


def _header_line(signed: SignedCheckpoint, records: int) -> str:
    return json.dumps({"checkpoint": signed.text(), "format": FORMAT, "records": records}, ensure_ascii=False)


def _proven_line(stored: Stored, tree: Tree, signed: SignedCheckpoint) -> str:
    """Raises `AuditDamaged` unless the proof leads to what was signed: the bytes may have changed since they were looked at."""
    proof = tree.inclusion_proof(stored.index, tree.size)
    if root_from_inclusion(stored.leaf, stored.index, tree.size, proof) != signed.checkpoint.root:
        raise AuditDamaged(f"Record {stored.index} is not the one that was signed. Run: govcloud audit verify", stored.index)
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
