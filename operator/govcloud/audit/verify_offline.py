#!/usr/bin/env python3
"""Checks an audit log, or a bundle exported from one, on a machine that has nothing else of the project.

One file; needs Python 3.11 and `cryptography`. It shares no code with the writer on purpose: an error in one is not
repeated in the other. The formats are described in docs/audit.md.

    python3 verify_offline.py log DIRECTORY --key audit.pub [--from-checkpoint FILE]
    python3 verify_offline.py bundle FILE --key audit.pub

Prints one JSON object; its remarks prove nothing but should be known. Exit codes: 0 whole, 1 tampered, 2 incomplete or rolled back, 3 wrong usage, 4 key unknown.
"""

import argparse
import base64
import hashlib
import itertools
import json
import sys
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OK, TAMPERED, INCOMPLETE, USAGE, KEY_UNKNOWN = range(5)
NAMES = ("ok", "tampered", "incomplete", "usage", "key-unknown")
GAP = timedelta(minutes=3)
"""The writer says something every minute."""
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading raises of JSON that has another form than the writer's."""


class Verdict(Exception):
    """Ends the check."""

    def __init__(self, code: int, what: str, first_bad: int | None = None) -> None:
        super().__init__(what)
        self.code, self.first_bad = code, first_bad


class Key:
    """An Ed25519 verifier key in the C2SP signed-note form."""

    def __init__(self, text: str) -> None:
        try:
            self.name, self.id, blob = text.strip().split("+", 2)
            raw = base64.b64decode(blob, validate=True)
            self.public = Ed25519PublicKey.from_public_bytes(raw[1:])
        except ValueError as error:
            raise Verdict(KEY_UNKNOWN, "the key file does not hold a verifier key") from error
        if raw[0] != 1 or hashlib.sha256(self.name.encode() + b"\n" + raw).hexdigest()[:8] != self.id:
            raise Verdict(KEY_UNKNOWN, "the verifier key is damaged")

    def check(self, note: "Note") -> None:
        """Any line of this key must hold; lines of others are passed over."""
        mine = [raw for name, raw in note.signatures if name == self.name and raw[:4].hex() == self.id]
        if not any(self.fits(raw[4:], note.body) for raw in mine):
            raise Verdict(TAMPERED if mine else KEY_UNKNOWN, f"the checkpoint at {note.size} is not signed by {self.id}")

    def fits(self, signature: bytes, body: bytes) -> bool:
        """Whether it is a signature by this key."""
        try:
            self.public.verify(signature, body)
        except InvalidSignature:
            return False
        return True


class Note:
    """A checkpoint as it stands; who signed it is another question."""

    def __init__(self, text: str, origin: str) -> None:
        body, gap, signatures = text.partition("\n\n")
        lines = body.split("\n")
        if not gap or len(lines) not in (3, 4) or lines[0] != origin:
            raise Verdict(TAMPERED, "a checkpoint is malformed or belongs to another log")
        self.body = body.encode() + b"\n"
        self.size, self.root = int(lines[1]), decode(lines[2])
        self.national = decode(lines[3].removeprefix("sm3 ")) if len(lines) == 4 else None
        if not self.is_canonical(lines):
            raise Verdict(TAMPERED, "a checkpoint is not in its one canonical form")
        self.signatures = [read_signature(line) for line in signatures.split("\n") if line]


    def is_canonical(self, lines: list[str]) -> bool:
        """Whether the writer would have put it so."""
        roots = [self.root, *([] if self.national is None else [self.national])]
        said = [base64.b64encode(root).decode() for root in roots]
        written = [lines[0], str(self.size), said[0], *(f"sm3 {root}" for root in said[1:])]
        return written == lines and self.size >= 0 and {len(root) for root in roots} == {32}


class Keys:
    """The keys of a log, each with the size above which it signs. The records say when one follows another."""

    def __init__(self, given: Key, beside: Path) -> None:
        first, *changes = (beside.read_bytes().splitlines() if beside.exists() else []) or [b""]
        self.kept = {change[0]: (record, change[1]) for record in changes if (change := read_kept_change(record))}
        later = given.id in [key.id for _, key in self.kept.values()]
        self.given = given
        self.all = [(0, (read_kept_key(first) if later else None) or given)]

    @property
    def name(self) -> str:
        """The origin of the log."""
        return self.given.name

    def announce(self, index: int, key: "Key") -> None:
        """A record says that another key follows."""
        if key.name != self.name:
            raise Verdict(TAMPERED, f"record {index} announces the key of another log", index)
        self.all.append((index + 1, key))

    def announce_kept(self, index: int, leaf: bytes) -> None:
        """The record itself was removed after its time; the copy in the keyring must fit its hash."""
        if index in self.kept and hashlib.sha256(b"\x00" + self.kept[index][0]).digest() == leaf:
            self.announce(index, self.kept[index][1])

    def check(self, note: Note) -> None:
        """By the key that was valid at this size."""
        [key for above, key in self.all if note.size > above or above == 0][-1].check(note)

    def refuse_unsigned_change(self, size: int, signed: int) -> None:
        """The old key signs for the new one."""
        if self.all[-1][0] == size != signed:
            raise Verdict(TAMPERED, f"record {size - 1} announces a key that the one before did not sign for", size - 1)


def read_change(record: bytes) -> tuple[int, Key] | None:
    """The position of a record and the key that it announces; nothing of any other."""
    if b"AuditSigningKey" not in record:
        return None
    fields = json.loads(record)
    if about(fields) != ("renew", "event", "AuditSigningKey"):
        return None
    return fields["sequence"], Key(fields["attributes"]["publicKey"])


def read_signature(line: str) -> tuple[str, bytes]:
    """Who says that he signed, and the key id with the signature. Raises `ValueError`."""
    dash, name, blob = line.split(" ")
    raw = base64.b64decode(blob, validate=True)
    if dash != "\u2014" or base64.b64encode(raw).decode() != blob:
        raise ValueError("a signature is not in its one form")
    return name, raw


def about(fields: dict[str, Any]) -> tuple[str, str, str]:
    """Action and phase of a record, and the kind of what it is about: every record says them."""
    return fields["action"], fields["phase"], fields["target"]["kind"]


def decode(blob: str) -> bytes:
    """Base64, or nothing when it is none."""
    try:
        return base64.b64decode(blob, validate=True)
    except ValueError:
        return b""


def combine(left: bytes, right: bytes, name: str = "sha256") -> bytes:
    """Inner node of RFC 9162."""
    return hashlib.new(name, b"\x01" + left + right).digest()


def read_kept_change(record: bytes) -> tuple[int, Key] | None:
    """The same of a line of the keyring, which only says again what records say: a damaged one is passed over."""
    try:
        return read_change(record)
    except (*UNREADABLE, Verdict):
        return None


def read_kept_key(line: bytes) -> Key | None:
    """The first line of the keyring; nothing when it is damaged."""
    try:
        return Key(line.decode())
    except (ValueError, Verdict):
        return None


class Tree:
    """Root of a growing tree, kept as complete subtrees of falling size."""

    def __init__(self, name: str = "sha256") -> None:
        self.name = name
        self.size = 0
        self.parts: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf hash."""
        self.size += 1
        self.parts.append((1, leaf))
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (count, right), (_, left) = self.parts.pop(), self.parts.pop()
            self.parts.append((2 * count, combine(left, right, self.name)))

    def root(self) -> bytes:
        """Over all leaves."""
        if not self.parts:
            return hashlib.new(self.name, b"").digest()
        _, node = self.parts[-1]
        for _, left in self.parts[-2::-1]:
            node = combine(left, node, self.name)
        return node


def no_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers could disagree about an object that names a key twice."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


def read_frame(line: bytes, index: int) -> bytes:
    """The record in ``LLLLLLLL CCCCCCCC {json}\\n``."""
    record = line[18:-1]
    header = f"{len(record):08x} {zlib.crc32(record):08x} ".encode()
    if line[:18] != header or line[-1:] != b"\n":
        raise Verdict(TAMPERED, f"record {index} is damaged", index)
    return record


class Silence:
    """Where nothing was recorded for long: the writer stood still, or the machine, or records were never written."""

    def __init__(self, most: int = 20) -> None:
        self.most, self.count = most, 0
        self.told: list[str] = []
        self.last: datetime | None = None

    def hear(self, index: int, time: str) -> None:
        """The next record."""
        now = datetime.fromisoformat(time)
        if self.last and now - self.last > GAP:
            self.count += 1
            if self.count <= self.most:
                self.told.append(f"no record for {now - self.last} before record {index}")
        self.last = now

    def remarks(self) -> list[str]:
        """The first ones, and how many more there were."""
        more = self.count - self.most
        return [*self.told, f"{more} more gaps"] if more > 0 else self.told


class LogCheck:
    """One pass over a log."""

    def __init__(self, directory: Path, key: Key, anchor: Note | None) -> None:
        self.directory, self.anchor = directory, anchor
        self.silence = Silence()
        self.keys = Keys(key, directory / "keyring")
        self.tree = Tree()
        self.signed = 0
        self.wrong: Verdict | None = None
        self.announced = 0
        self.previous = "0" * 64
        self.leaves = bytearray()
        self.notes = self.read_notes()
        self.national = Tree("sm3") if any(note.national for note in [*self.notes, *([anchor] if anchor else [])]) else None

    def read_notes(self) -> list[Note]:
        """All checkpoints; an unfinished one at the end is passed over."""
        path = self.directory / "checkpoints" / "notes"
        pieces = path.read_bytes().split(b"\n\n") if path.exists() else [b""]
        whole = zip(pieces[:-1:2], pieces[1:-1:2], strict=False)
        notes = [Note((body + b"\n\n" + end + b"\n").decode(), self.keys.name) for body, end in whole]
        self.refuse_junk(b"\n\n".join(pieces[2 * len(notes) :]))
        if any(later.size <= earlier.size for earlier, later in itertools.pairwise(notes)):
            raise Verdict(TAMPERED, "the checkpoints are out of order")
        if notes:
            self.keys.all[0][1].check(notes[0])
        return notes

    def refuse_junk(self, rest: bytes) -> None:
        """Behind the last checkpoint may only lie the beginning of one, as after a crash in the middle of a write."""
        body, gap, end = rest.partition(b"\n\n")
        lines, dash = len(body.splitlines()), "\u2014 ".encode()
        possible = 3 <= lines <= 4 if gap else lines <= 4
        if not possible or rest[:1] == b"\n" or b"\n" in end[:-1] or not (end.startswith(dash) or dash.startswith(end)):
            raise Verdict(TAMPERED, "something else follows the last checkpoint")
        if end.endswith(b"\n"):
            Note(rest.decode(), self.keys.name)

    def run(self) -> str:
        """Raises `Verdict` when something is wrong."""
        waiting = list(reversed(self.notes))
        self.compare_all(waiting)
        removed = self.take_kept_hashes(waiting)
        for path in self.segments():
            if int(path.stem) != self.tree.size:
                raise Verdict(INCOMPLETE, f"the segment that begins at {self.tree.size} is missing", self.tree.size)
            self.refuse_other_hashes()
            with path.open("rb") as stream:
                for line in stream:
                    if not line.endswith(b"\n") and not stream.read(1) and not waiting:
                        break
                    self.take(line)
                    self.compare_all(waiting)
        if self.wrong:
            raise self.wrong
        if removed > self.announced:
            raise Verdict(
                INCOMPLETE, f"the records before {removed} were removed, and no record says so", self.announced
            )
        self.refuse_missing_end(waiting)
        return f"{self.tree.size} records, {self.signed} signed, {len(self.notes)} checkpoints"

    def refuse_other_hashes(self) -> None:
        """What was kept of the segment that ends here fits its records; when they are removed, it has to stand for them."""
        first, leaves = self.tree.size - len(self.leaves) // 32, bytes(self.leaves)
        path = self.directory / "hashes" / f"{first:016d}.sha256"
        kept, self.leaves = path.read_bytes() if path.exists() else b"", bytearray()
        if not leaves or not kept or kept == leaves or self.wrong:
            return
        pairs = zip(range(0, len(leaves), 32), range(0, len(kept), 32), strict=False)
        changed = next((first + at // 32 for at, _ in pairs if kept[at : at + 32] != leaves[at : at + 32]), None)
        raise Verdict(TAMPERED, f"the hashes kept of the segment that begins at {first} are not those of its records", changed)

    def segments(self) -> list[Path]:
        """The files of the records in order; other files are passed over."""
        there = (self.directory / "segments").glob("*.log")
        return sorted(path for path in there if len(path.stem) == 16 and path.stem.isdecimal() and path.stem.isascii())

    def refuse_missing_end(self, waiting: list[Note]) -> None:
        """Everything that was signed must be there, and the given key must be one of this log."""
        ahead = [note for note in [*waiting, *([self.anchor] if self.anchor else [])] if note.size > self.tree.size]
        if ahead:
            self.check_unreached(min(ahead, key=lambda note: note.size))
            newest = max(note.size for note in ahead)
            raise Verdict(INCOMPLETE, f"{newest} records were signed, {self.tree.size} are there", self.tree.size)
        if self.keys.given.id not in [key.id for _, key in self.keys.all]:
            raise Verdict(KEY_UNKNOWN, "the given key never signed this log")

    def check_unreached(self, note: Note) -> None:
        """A forgery proves nothing; a key that is not known may have followed in the records that are missing."""
        try:
            self.keys.check(note)
        except Verdict as verdict:
            if verdict.code == TAMPERED or not self.signed:
                raise

    def take_kept_hashes(self, waiting: list[Note]) -> int:
        """Of the oldest segments, which were removed after their time; how many records that were."""
        oldest = min((int(path.stem) for path in self.segments()), default=0)
        while self.tree.size < oldest:
            path = self.directory / "hashes" / f"{self.tree.size:016d}.sha256"
            leaves = path.read_bytes() if path.exists() else b""
            if not leaves or len(leaves) % 32:
                raise Verdict(INCOMPLETE, f"the segment that begins at {self.tree.size} is missing", self.tree.size)
            national = path.with_suffix(".sm3")
            others = national.read_bytes() if self.national and national.exists() else b""
            if len(others) != len(leaves):
                self.national = None
            for start in range(0, len(leaves), 32):
                self.keys.announce_kept(self.tree.size, leaves[start : start + 32])
                self.add(leaves[start : start + 32], others[start : start + 32])
                self.compare_all(waiting)
        self.leaves.clear()
        return oldest

    def compare_all(self, waiting: list[Note]) -> None:
        """With everything that was signed at this size."""
        if self.anchor and self.anchor.size == self.tree.size:  # first: it may contradict a note of the same size
            self.compare(self.anchor)
        while waiting and waiting[-1].size <= self.tree.size:
            self.compare(waiting.pop())

    def take(self, line: bytes) -> None:
        """One record."""
        index = self.tree.size
        record = read_frame(line, index)
        try:
            self.take_fields(index, record, json.loads(record, object_pairs_hook=no_repeated_keys))
        except UNREADABLE as error:
            raise Verdict(TAMPERED, f"record {index}: {error}", index) from error

    def take_fields(self, index: int, record: bytes, fields: dict[str, Any]) -> None:
        """The same, read; whatever has another form than the writer's raises one of `UNREADABLE`."""
        if fields.get("sequence") != index:
            raise Verdict(TAMPERED, f"record {index} calls itself {fields.get('sequence')}", index)
        if fields.get("prev") != self.previous:
            first = max(self.signed, index - 1)
            raise Verdict(TAMPERED, f"record {index} or the one before it was changed", first)
        if self.wrong:  # judged only now: a broken link would have told more exactly where
            raise self.wrong
        self.keys.refuse_unsigned_change(index, self.signed)
        if fields.get("checkpoint", 0) > self.signed:
            raise Verdict(INCOMPLETE, f"the checkpoint at {fields['checkpoint']} records was removed", None)
        self.note_removal(fields)
        self.silence.hear(index, fields["time"])
        if change := read_change(record):
            self.keys.announce(index, change[1])
        self.add(hashlib.sha256(b"\x00" + record).digest(), self.national_leaf(record))

    def national_leaf(self, record: bytes) -> bytes:
        """Nothing without a second tree."""
        return hashlib.new("sm3", b"\x00" + record).digest() if self.national else b""

    def add(self, leaf: bytes, other: bytes) -> None:
        """One more record in both trees."""
        self.tree.add(leaf)
        self.leaves += leaf
        self.previous = leaf.hex()
        if self.national:
            self.national.add(other)

    def note_removal(self, fields: dict[str, Any]) -> None:
        """Retention says in a record what it is about to remove."""
        if about(fields) == ("delete", "intent", "AuditSegment"):
            self.announced = max(self.announced, int(fields["attributes"]["end"]))

    def compare(self, note: Note) -> None:
        """What was signed at this size."""
        if note.size == self.tree.size:
            self.keys.check(note)
        if note.size != self.tree.size or note.root != self.tree.root() or self.other_national(note):
            what = f"one of the records {self.signed} to {note.size - 1} is not the one that was signed"
            self.wrong = self.wrong or Verdict(TAMPERED, what, self.signed)
        else:
            self.signed = note.size

    def other_national(self, note: Note) -> bool:
        """Whether the second tree has another root than was signed."""
        return bool(note.national and self.national and note.national != self.national.root())


def climb(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to, by the recursive definition of RFC 9162 2.1.3.1. Raises `ValueError`."""
    if size == 1:
        if proof:
            raise ValueError("its proof is too long")
        return leaf
    if not proof:
        raise ValueError("its proof is too short")
    left = 1 << ((size - 1).bit_length() - 1)
    if index < left:
        return combine(climb(leaf, index, left, proof[:-1]), proof[-1])
    return combine(proof[-1], climb(leaf, index - left, size - left, proof[:-1]))


def is_in(size: int, root: bytes, item: dict[str, Any]) -> bool:
    """Whether a record of a bundle is in the log of this size and root, by its proof."""
    index, leaf = item["index"], hashlib.sha256(b"\x00" + item["record"].encode()).digest()
    try:
        return 0 <= index < size and climb(leaf, index, size, [decode(node) for node in item["proof"]]) == root
    except ValueError as error:
        raise Verdict(TAMPERED, f"record {index}: {error}", index) from error


def check_bundle(path: Path, key: Key) -> str:
    """All records of an exported bundle."""
    with path.open(encoding="utf-8") as stream:
        header = json.loads(stream.readline())
        if header["format"] != "govcloud-audit-export/1":
            raise Verdict(USAGE, "the first line does not say govcloud-audit-export/1")
        note = Note(header["checkpoint"], key.name)
        key.check(note)
        size, root = note.size, note.root
        count = 0
        for line in stream:
            item = json.loads(line)
            if not is_in(size, root, item):
                raise Verdict(TAMPERED, f"record {item['index']} is not in the signed log", item["index"])
            count += 1
    if count != header["records"]:
        raise Verdict(INCOMPLETE, f"{header['records']} records are announced, {count} are there")
    return f"{count} records are in the signed log of {size}"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["log", "bundle"], help="a whole log, or what `govcloud audit export` or `prove` printed")
    parser.add_argument("path", type=Path, help="directory of the log, or file of the bundle")
    parser.add_argument("--key", type=Path, required=True, help="verifier key, from a place you trust")
    parser.add_argument("--from-checkpoint", type=Path, help="a checkpoint that was kept elsewhere")
    return parser


def judge(options: argparse.Namespace, remarks: list[str]) -> str:
    """What is right about it, and what should be known. Raises `Verdict`."""
    key = Key(options.key.read_text(encoding="utf-8"))
    if options.what == "bundle":
        return check_bundle(options.path, key)
    kept = options.from_checkpoint
    anchor = Note(kept.read_text(encoding="utf-8"), key.name) if kept else None
    if not (options.path / "segments").is_dir():
        raise Verdict(USAGE, f"there is no audit log in {options.path}")
    check = LogCheck(options.path, key, anchor)
    try:
        return check.run()
    finally:
        remarks += check.silence.remarks()


def main(argv: list[str] | None = None) -> int:
    """Prints the verdict; returns the exit code."""
    try:
        options = arguments().parse_args(argv)
    except SystemExit as stop:
        return USAGE if stop.code else OK
    remarks: list[str] = []
    try:
        code, what, first_bad = OK, judge(options, remarks), None
    except Verdict as verdict:
        code, what, first_bad = verdict.code, str(verdict), verdict.first_bad
    except OSError as error:
        code, what, first_bad = USAGE, f"{error.filename or options.path}: {error.strerror}", None
    except UNREADABLE as error:
        code, what, first_bad = TAMPERED, f"unreadable: {error}", None
    said = {"result": NAMES[code], "what": what, "first_bad": first_bad, "remarks": remarks}
    print(json.dumps(said, ensure_ascii=False))
    return code


if __name__ == "__main__":
    sys.exit(main())
