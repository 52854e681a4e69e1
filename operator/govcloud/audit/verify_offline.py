#!/usr/bin/env python3
"""Checks an audit log, or a bundle exported from one, on a machine that has nothing else of the project.

One file; needs Python 3.11 and `cryptography`. It shares no code with the writer on purpose: an error in one is not
repeated in the other. The formats are described in docs/audit.md.

    python3 verify_offline.py log DIRECTORY --key audit.pub [--from-checkpoint FILE]
    python3 verify_offline.py bundle FILE --key audit.pub

Prints one JSON object. Exit codes: 0 whole, 1 tampered, 2 incomplete or rolled back, 3 wrong usage, 4 key unknown.
"""

import argparse
import base64
import hashlib
import itertools
import json
import sys
import zlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

OK, TAMPERED, INCOMPLETE, USAGE, KEY_UNKNOWN = range(5)
NAMES = ("ok", "tampered", "incomplete", "usage", "key-unknown")


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

    def open_note(self, text: str) -> tuple[int, bytes]:
        """Size and root of a checkpoint that this key signed."""
        body, gap, signatures = text.partition("\n\n")
        body += "\n"
        lines = body.split("\n")
        if not gap or len(lines) != 4 or lines[0] != self.name:
            raise Verdict(TAMPERED, "a checkpoint is malformed or belongs to another log")
        self.check_signature(body.encode(), signatures)
        return int(lines[1]), base64.b64decode(lines[2], validate=True)

    def check_signature(self, body: bytes, signatures: str) -> None:
        """Any line of this key must hold; lines of others are passed over."""
        mine = False
        for line in signatures.splitlines():
            dash, name, blob = (*line.split(" "), "", "", "")[:3]
            raw = decode(blob)
            if dash != "\u2014" or name != self.name or raw[:4].hex() != self.id:
                continue
            mine = True
            try:
                self.public.verify(raw[4:], body)
                return
            except InvalidSignature:
                continue
        raise Verdict(TAMPERED if mine else KEY_UNKNOWN, "a checkpoint is not signed by the given key")


def decode(blob: str) -> bytes:
    """Base64, or nothing when it is none."""
    try:
        return base64.b64decode(blob, validate=True)
    except ValueError:
        return b""


def combine(left: bytes, right: bytes) -> bytes:
    """Inner node of RFC 9162."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Root of a growing tree, kept as complete subtrees of falling size."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf hash."""
        self.size += 1
        self.parts.append((1, leaf))
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (count, right), (_, left) = self.parts.pop(), self.parts.pop()
            self.parts.append((2 * count, combine(left, right)))

    def root(self) -> bytes:
        """Over all leaves."""
        if not self.parts:
            return hashlib.sha256(b"").digest()
        _, node = self.parts[-1]
        for _, left in self.parts[-2::-1]:
            node = combine(left, node)
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


class LogCheck:
    """One pass over a log."""

    def __init__(self, directory: Path, key: Key, anchor: tuple[int, bytes] | None) -> None:
        self.directory, self.key, self.anchor = directory, key, anchor
        self.tree = Tree()
        self.signed = 0
        self.wrong: Verdict | None = None
        self.announced = 0
        self.previous = "0" * 64
        self.notes = self.read_notes()

    def read_notes(self) -> list[tuple[int, bytes]]:
        """All checkpoints; an unfinished one at the end is passed over."""
        path = self.directory / "checkpoints" / "notes"
        pieces = path.read_bytes().split(b"\n\n") if path.exists() else [b""]
        whole = zip(pieces[:-1:2], pieces[1:-1:2], strict=False)
        notes = [self.key.open_note((body + b"\n\n" + end + b"\n").decode()) for body, end in whole]
        if any(later <= earlier for (earlier, _), (later, _) in itertools.pairwise(notes)):
            raise Verdict(TAMPERED, "the checkpoints are out of order")
        return notes

    def run(self) -> str:
        """Raises `Verdict` when something is wrong."""
        waiting = list(reversed(self.notes))
        removed = self.take_kept_hashes(waiting)
        for path in sorted((self.directory / "segments").glob("*.log")):
            if int(path.stem) != self.tree.size:
                raise Verdict(INCOMPLETE, f"the segment that begins at {self.tree.size} is missing", self.tree.size)
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
        newest = max([size for size, _ in waiting] + ([self.anchor[0]] if self.anchor else []), default=0)
        if newest > self.tree.size:
            raise Verdict(INCOMPLETE, f"{newest} records were signed, {self.tree.size} are there", self.tree.size)
        return f"{self.tree.size} records, {self.signed} signed, {len(self.notes)} checkpoints"

    def take_kept_hashes(self, waiting: list[tuple[int, bytes]]) -> int:
        """Of the oldest segments, which were removed after their time; how many records that were."""
        oldest = min((int(path.stem) for path in (self.directory / "segments").glob("*.log")), default=0)
        while self.tree.size < oldest:
            path = self.directory / "hashes" / f"{self.tree.size:016d}.sha256"
            leaves = path.read_bytes() if path.exists() else b""
            if not leaves or len(leaves) % 32:
                raise Verdict(INCOMPLETE, f"the segment that begins at {self.tree.size} is missing", self.tree.size)
            for start in range(0, len(leaves), 32):
                self.tree.add(leaves[start : start + 32])
                self.previous = leaves[start : start + 32].hex()
                self.compare_all(waiting)
        return oldest

    def compare_all(self, waiting: list[tuple[int, bytes]]) -> None:
        """With everything that was signed at this size."""
        while waiting and waiting[-1][0] <= self.tree.size:
            self.compare(*waiting.pop())
        if self.anchor and self.anchor[0] == self.tree.size:
            self.compare(*self.anchor)

    def take(self, line: bytes) -> None:
        """One record."""
        index = self.tree.size
        record = read_frame(line, index)
        try:
            fields = json.loads(record, object_pairs_hook=no_repeated_keys)
        except ValueError as error:
            raise Verdict(TAMPERED, f"record {index}: {error}", index) from error
        if fields.get("sequence") != index:
            raise Verdict(TAMPERED, f"record {index} calls itself {fields.get('sequence')}", index)
        if fields.get("prev") != self.previous:
            first = max(self.signed, index - 1)
            raise Verdict(TAMPERED, f"record {index} or the one before it was changed", first)
        if self.wrong:  # judged only now: a broken link would have told more exactly where
            raise self.wrong
        if fields.get("checkpoint", 0) > self.signed:
            raise Verdict(INCOMPLETE, f"the checkpoint at {fields['checkpoint']} records was removed", None)
        self.note_removal(fields)
        leaf = hashlib.sha256(b"\x00" + record).digest()
        self.tree.add(leaf)
        self.previous = leaf.hex()

    def note_removal(self, fields: dict[str, Any]) -> None:
        """Retention says in a record what it is about to remove."""
        wanted = ("delete", "intent", "AuditSegment")
        if (fields.get("action"), fields.get("phase"), fields.get("target", {}).get("kind")) == wanted:
            self.announced = max(self.announced, int(fields.get("attributes", {}).get("end", 0)))

    def compare(self, size: int, root: bytes) -> None:
        """What was signed at this size."""
        if size != self.tree.size or root != self.tree.root():
            what = f"one of the records {self.signed} to {size - 1} is not the one that was signed"
            self.wrong = self.wrong or Verdict(TAMPERED, what, self.signed)
        else:
            self.signed = size


def climb(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to, by the recursive definition of RFC 9162 2.1.3.1."""
    if size == 1:
        if proof:
            raise Verdict(TAMPERED, "a proof is too long", index)
        return leaf
    if not proof:
        raise Verdict(TAMPERED, "a proof is too short", index)
    left = 1 << ((size - 1).bit_length() - 1)
    if index < left:
        return combine(climb(leaf, index, left, proof[:-1]), proof[-1])
    return combine(proof[-1], climb(leaf, index - left, size - left, proof[:-1]))


def check_bundle(path: Path, key: Key) -> str:
    """All records of an exported bundle."""
    with path.open(encoding="utf-8") as stream:
        header = json.loads(stream.readline())
        if header["format"] != "govcloud-audit-export/1":
            raise Verdict(USAGE, "the first line does not say govcloud-audit-export/1")
        size, root = key.open_note(header["checkpoint"])
        count = 0
        for line in stream:
            item = json.loads(line)
            leaf = hashlib.sha256(b"\x00" + item["record"].encode()).digest()
            index = item["index"]
            if not 0 <= index < size or climb(leaf, index, size, [decode(node) for node in item["proof"]]) != root:
                raise Verdict(TAMPERED, f"record {index} is not in the signed log", index)
            count += 1
    if count != header["records"]:
        raise Verdict(INCOMPLETE, f"{header['records']} records are announced, {count} are there")
    return f"{count} records are in the signed log of {size}"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Checks an audit log or an exported bundle.")
    parser.add_argument("what", choices=["log", "bundle"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--key", type=Path, required=True, help="verifier key, from a place you trust")
    parser.add_argument("--from-checkpoint", type=Path, help="a checkpoint that was kept elsewhere")
    return parser


def judge(options: argparse.Namespace) -> str:
    """What is right about it. Raises `Verdict`."""
    key = Key(options.key.read_text(encoding="utf-8"))
    if options.what == "bundle":
        return check_bundle(options.path, key)
    anchor = options.from_checkpoint and key.open_note(options.from_checkpoint.read_text(encoding="utf-8"))
    if not (options.path / "segments").is_dir():
        raise Verdict(USAGE, f"there is no audit log in {options.path}")
    return LogCheck(options.path, key, anchor).run()


def main(argv: list[str] | None = None) -> int:
    """Prints the verdict; returns the exit code."""
    try:
        options = arguments().parse_args(argv)
    except SystemExit as stop:
        return USAGE if stop.code else OK
    try:
        code, what, first_bad = OK, judge(options), None
    except Verdict as verdict:
        code, what, first_bad = verdict.code, str(verdict), verdict.first_bad
    except OSError as error:
        code, what, first_bad = USAGE, str(error), None
    except (ValueError, KeyError, TypeError) as error:
        code, what, first_bad = TAMPERED, f"unreadable: {error}", None
    print(json.dumps({"result": NAMES[code], "what": what, "first_bad": first_bad}, ensure_ascii=False))
    return code


if __name__ == "__main__":
    sys.exit(main())
