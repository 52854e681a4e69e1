"""Signed checkpoints in the C2SP signed-note and tlog-checkpoint formats, and the Ed25519 keys that sign them.

A checkpoint is three lines (origin, tree size, root hash in base64), extension lines, an empty line, and one line per
signature (an em dash, the key's name, base64 of the 4-byte key id and the signature). The one extension that is written
is ``sm3 `` and the root of the second tree in base64. In the checkpoints file an empty line ends each note. Keys are
written as Go's ``golang.org/x/mod/sumdb/note`` does. Never here: the tree itself, or when to sign.

Sources: C2SP signed-note, C2SP tlog-checkpoint.
"""

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import KeyUnknown

ED25519 = b"\x01"
"""Signature type of a log's own signature (C2SP signed-note)."""
PRIVATE = "PRIVATE+KEY"
_SIGNATURE_START = "— "
_SM3 = "sm3 "
_BODY_LINES = 4
_TAIL_BYTES = 64 * 1024


class BadNote(ValueError):
    """The text is not a signed checkpoint."""


class UnfinishedNote(BadNote):
    """The file ends within its last checkpoint, as after a crash in the middle of a write."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed statement: the log called `origin` has `size` records, and this is the root over them."""

    origin: str
    size: int
    root: bytes
    sm3_root: bytes | None = None
    """Root of the tree of the same records by SM3, where it is kept."""

    def body(self) -> str:
        """The signed text."""
        national = "" if self.sm3_root is None else f"{_SM3}{b64encode(self.sm3_root).decode()}\n"
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{national}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who claims to have signed, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """As it stands in the note."""
        return f"{_SIGNATURE_START}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with its signatures, as read; nothing is verified yet."""

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    def text(self) -> str:
        """The whole note."""
        return self.checkpoint.body() + "\n" + "".join(signature.line() for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verifier key: ``name+keyid+base64(type || Ed25519 public key)``."""

    name: str
    raw: bytes
    type: bytes = ED25519
    """One byte: what its signatures are over."""

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256 over name, line feed, type and key."""
        return sha256(self.name.encode() + b"\n" + self.type + self.raw).digest()[:4]

    def text(self) -> str:
        """The key as one line, without line feed."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(self.type + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str, type: bytes = ED25519) -> "PublicKey":
        """Raises `KeyUnknown` when the text is not an Ed25519 verifier key of this type."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            data = b64decode(encoded, validate=True)
        except (ValueError, Base64Error) as error:
            raise KeyUnknown("This is not a verifier key; expected name+8 hexadecimal digits+base64") from error
        key = cls(name, data[1:], type)
        if data[:1] != type or len(key.raw) != 32 or key.key_id.hex() != key_id:
            raise KeyUnknown(f"The verifier key {name} is damaged, or not Ed25519 of the signature type {type.hex()}")
        return key

    def verify(self, signed: SignedCheckpoint) -> bool:
        """Whether this key signed it. Raises `KeyUnknown` when no signature even claims to be by this key."""
        mine = self.claimed(signed)
        if not mine:
            where = f"The checkpoint at {signed.checkpoint.size}"
            raise KeyUnknown(f"{where} is not signed by the key {self.name}+{self.key_id.hex()}")
        return any(self.fits(signed.checkpoint.body().encode(), one.signature) for one in mine)

    def claimed(self, signed: SignedCheckpoint) -> list[Signature]:
        """The signatures that say they are by this key."""
        return [s for s in signed.signatures if s.name == self.name and s.key_id == self.key_id]

    def fits(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature over the message is by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """Whatever signs checkpoints: a key in a file, or a hardware module."""

    @property
    def public_key(self) -> PublicKey:
        """What verifies its signatures; its name is the origin of the log."""

    def sign(self, message: bytes) -> bytes:
        """The signature over the message."""


class Ed25519Signer:
    """A private key in memory."""

    def __init__(self, name: str, key: Ed25519PrivateKey, type: bytes = ED25519) -> None:
        self._key = key
        self._public = PublicKey(name, key.public_key().public_bytes_raw(), type)

    @property
    def public_key(self) -> PublicKey:
        return self._public

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def text(self) -> str:
        """``PRIVATE+KEY+name+keyid+base64(type || seed)``, for the key file only."""
        seed = b64encode(self._public.type + self._key.private_bytes_raw()).decode()
        return f"{PRIVATE}+{self._public.name}+{self._public.key_id.hex()}+{seed}"


def sign(checkpoint: Checkpoint, signer: Signer) -> SignedCheckpoint:
    """The checkpoint with the signer's one signature."""
    key = signer.public_key
    return SignedCheckpoint(checkpoint, (Signature(key.name, key.key_id, signer.sign(checkpoint.body().encode())),))


def parse(text: str) -> SignedCheckpoint:
    """One note. Raises `BadNote`; anything but exactly the text that would be written is bad."""
    body, separator, rest = text.partition("\n\n")
    lines = body.split("\n")
    if not separator or not 3 <= len(lines) <= _BODY_LINES or not rest.endswith("\n"):
        raise BadNote("a checkpoint has three lines and perhaps an SM3 root, an empty line, and its signatures")
    try:
        checkpoint = Checkpoint(lines[0], int(lines[1]), b64decode(lines[2], validate=True), _sm3_root(lines[3:]))
        signed = SignedCheckpoint(checkpoint, tuple(parse_signature(line) for line in rest[:-1].split("\n")))
    except (ValueError, Base64Error) as error:
        raise BadNote(f"unreadable checkpoint: {error}") from error
    lengths = {len(root) for root in (checkpoint.root, checkpoint.sm3_root) if root is not None}
    if signed.text() != text or lengths != {32} or checkpoint.size < 0:
        raise BadNote("the checkpoint is not in its one canonical form")
    return signed


def _sm3_root(extensions: list[str]) -> bytes | None:
    return b64decode(extensions[0].removeprefix(_SM3), validate=True) if extensions else None


def parse_signature(line: str) -> Signature:
    """One signature line, without its line feed. Raises `ValueError`."""
    dash, name, encoded = line.split(" ")
    if dash != _SIGNATURE_START.strip():
        raise BadNote("a signature line begins with an em dash")
    data = b64decode(encoded, validate=True)
    return Signature(name, data[:4], data[4:])


class NoteStream:
    """The notes of a checkpoints file, first to last; the file may grow while it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []

    def next(self) -> SignedCheckpoint | None:
        """The next whole note, None while there is none. Raises `BadNote`."""
        while line := self._stream.readline():
            if self._lines and not self._lines[-1].endswith(b"\n"):
                line = self._lines.pop() + line
            self._lines.append(line)
            if line == b"\n" and self._lines.count(b"\n") == 2:
                whole, self._lines = self._lines[:-1], []
                return parse(_decoded(b"".join(whole)))
        return None

    def finish(self) -> None:
        """What remains at the end of the file. Raises `UnfinishedNote`, or `BadNote` if it could never become a note."""
        if self._lines:
            raise _unfinished(self._lines)


def _unfinished(lines: list[bytes]) -> BadNote:
    """Only what could still have become a note is unfinished; anything else at the end was put there."""
    start = _SIGNATURE_START.encode()
    body = lines.index(b"\n") if b"\n" in lines else len(lines)
    signature = lines[body + 1 :]
    least = _BODY_LINES - 1 if b"\n" in lines else 0
    if not least <= body <= _BODY_LINES or len(signature) > 1 or not all(one.startswith(start) or start.startswith(one) for one in signature):
        return BadNote("something else follows the last checkpoint")
    if signature and signature[0].endswith(b"\n"):
        parse(_decoded(b"".join(lines)))
    return UnfinishedNote("the last checkpoint is unfinished")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadNote("a checkpoint is UTF-8 text") from error


def newest_note(stream: BinaryIO) -> tuple[SignedCheckpoint | None, int]:
    """The last whole note of a checkpoints file, and how many bytes at the end belong to no whole note.

    Reads only the end of the file. Raises `BadNote` when the last whole note is not a checkpoint.
    """
    size = stream.seek(0, os.SEEK_END)
    start = stream.seek(max(0, size - _TAIL_BYTES))
    tail = stream.read()
    whole = tail.rpartition(b"\n\n")[0]
    while whole and not _ends_with_a_signature(whole):  # the empty line after a body, not the one after a note
        whole = whole.rpartition(b"\n\n")[0]
    if not whole:
        if start:
            raise BadNote(f"no whole checkpoint in the last {_TAIL_BYTES} bytes")
        return None, size
    before, _, signatures = whole.rpartition(b"\n\n")
    body = before.rpartition(b"\n\n")[2]
    return parse(_decoded(body + b"\n\n" + signatures + b"\n")), len(tail) - len(whole) - 2


def note_of(stream: BinaryIO, size: int) -> SignedCheckpoint | None:
    """The stored checkpoint of exactly so many records, looked for from the end. Raises `BadNote`."""
    end, span, line = stream.seek(0, os.SEEK_END), _TAIL_BYTES, b"\n%d\n" % size
    while True:
        start = stream.seek(max(0, end - span))
        text = stream.read(end - start)
        before, found, after = text.rpartition(line)
        if found and (b"\n" in before or not start):
            body, _, rest = after.partition(b"\n\n")
            origin, signatures = before.rpartition(b"\n")[2], rest.partition(b"\n\n")[0]
            return parse(_decoded(origin + line + body + b"\n\n" + signatures + b"\n"))
        if not start:
            return None
        span *= 4


def _ends_with_a_signature(text: bytes) -> bool:
    return text.rpartition(b"\n")[2].startswith(_SIGNATURE_START.encode())
