"""Everything that was signed, held against the log as it is read: the stored checkpoints, and those that were kept elsewhere.

A checkpoint is good only under the key that was valid at its size; which key that is, the records before it say. So each
is judged when the reading has arrived at its size. Never here: single records.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO

from .errors import KeyUnknown
from .files import FileSystem
from .keyring import Change, Keyring
from .keyring_file import read_first_key, read_keyring
from .layout import Layout
from .merkle import GrowingTree, leaf_hash
from .notes import BadNote, NoteStream, PublicKey, SignedCheckpoint, UnfinishedNote
from .verdict import Finding, Remarks, Result


class SignedStates:
    """Reads the checkpoints beside the records. Use as a context manager."""

    def __init__(
        self, files: FileSystem, layout: Layout, key: PublicKey | None, anchors: Sequence[SignedCheckpoint], remarks: Remarks
    ) -> None:
        """Raises `KeyUnknown` when no key is given and none lies beside the log."""
        self._files, self._layout, self._remarks = files, layout, remarks
        self._anchors = sorted(anchors, key=lambda anchor: anchor.checkpoint.size)
        self._pending: SignedCheckpoint | None = None
        self._noted = self.count = self.signed = 0
        self.newest: SignedCheckpoint | None = None
        """The newest one that was found right."""
        self.doubt: tuple[int, int] | None = None
        """The newest signed size at which the root was right, and the first one after it at which it is another."""
        beside = self._keyring_beside_the_log()
        self._known = {change.sequence: change for change in beside.changes} if beside else {}
        self._trusted = key or self._key_beside_the_log()
        self.keyring = Keyring(self._first_key(beside))

    def __enter__(self) -> "SignedStates":
        self._stream = self._stream_of_notes()
        self._notes = NoteStream(self._stream)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    @property
    def key(self) -> PublicKey:
        """The key that the reader trusts."""
        return self._trusted

    def mentions_sm3(self) -> bool:
        """Whether a tree by SM3 has to be kept to check what was signed."""
        with self._stream_of_notes() as stream:
            stored = any(line.startswith(b"sm3 ") for line in stream)
        return stored or any(anchor.checkpoint.sm3_root for anchor in self._anchors)

    # ---------------------------------------------------------------- which key

    def _key_beside_the_log(self) -> PublicKey:
        key = read_first_key(self._files, self._layout)
        if key is None:
            raise KeyUnknown(f"No key was given, and there is none at {self._layout.public_key}")
        self._remarks.add("the key was read from beside the log; compare it with a copy that was kept elsewhere")
        return key

    def _keyring_beside_the_log(self) -> Keyring | None:
        """It only says again what records say; it is needed where those were removed, or a later key is trusted."""
        try:
            return read_keyring(self._files, self._layout)
        except KeyUnknown as damaged:
            self._remarks.add(f"the keyring beside the log is damaged: {damaged}")
            return None

    def _first_key(self, beside: Keyring | None) -> PublicKey:
        """The key to begin with. A later key of this log that is trusted vouches for all before it: it signed them too."""
        if beside and self._trusted != beside.first and self._trusted in beside:
            self._remarks.add("checkpoints before the given key's time are judged by older keys from beside the log")
            return beside.first
        return self._trusted

    def learn(self, change: Change | None) -> None:
        """A record announced a key. Raises `KeyUnknown`."""
        if change:
            self.keyring.add(change)

    def learn_kept(self, index: int, leaf: bytes) -> None:
        """The record with this leaf hash is not read; if it announced a key, the keyring beside the log still has it."""
        change = self._known.get(index)
        if change and leaf_hash(change.record) == leaf:
            self.keyring.add(change)

    # ---------------------------------------------------------------- at each size

    def compare(self, tree: GrowingTree, national: GrowingTree | None) -> None:
        """Holds the trees against what was signed at their present size. Raises `Finding`, `KeyUnknown`.

        The log may be written meanwhile. Records are durable before they are signed and signed before a later record
        says so; hence a look after a record was read, and a look before the end of the records is taken for the end.
        """
        self._pending = self._pending or self._next_note(tree.size)
        while self._anchors and self._anchors[0].checkpoint.size <= tree.size:
            self._compare_one(self._anchors.pop(0), tree, national)
        if self._pending and self._pending.checkpoint.size == tree.size:
            self._compare_one(self._pending, tree, national)
            self._pending = self._next_note(tree.size)

    def _compare_one(self, signed: SignedCheckpoint, tree: GrowingTree, national: GrowingTree | None) -> None:
        checkpoint = signed.checkpoint
        self._refuse_other_log(signed)
        if not self.keyring.verify(signed):
            raise _wrong_signature(signed)
        if checkpoint.root == tree.root() and self._national_fits(checkpoint.sm3_root, national):
            self.signed, self.newest = checkpoint.size, signed
        elif self.doubt is None:
            self.doubt = self.signed, checkpoint.size

    def _refuse_other_log(self, signed: SignedCheckpoint) -> None:
        origin, name = signed.checkpoint.origin, self.keyring.first.name
        if origin != name:
            raise KeyUnknown(f"A checkpoint is of the log {origin}, the key of {name}")

    def _national_fits(self, root: bytes | None, national: GrowingTree | None) -> bool:
        return root is None or national is None or root == national.root()

    def refuse_unsigned_change(self, size: int) -> None:
        """A key that the one before it did not sign for is somebody else's. Raises `Finding`."""
        if self.keyring.changes and self.keyring.changes[-1].sequence + 1 == size != self.signed:
            what = f"Record {size - 1} announces a key, and no checkpoint by the key before it says so"
            raise Finding(Result.TAMPERED, what, size - 1)

    # ---------------------------------------------------------------- at the end

    def finish(self, size: int) -> None:
        """Nothing was signed that is not there. Raises `Finding`, `KeyUnknown`."""
        ahead = [*self._anchors, *([self._pending] if self._pending else [])]
        if ahead:
            raise self._missing_end(sorted(ahead, key=lambda one: one.checkpoint.size), size)
        if self._trusted not in self.keyring:
            raise KeyUnknown(f"The key {self._trusted.text()} never signed this log")

    def finish_notes(self) -> None:
        """Nothing but an unfinished checkpoint follows the last one. Raises `Finding`."""
        try:
            self._notes.finish()
        except UnfinishedNote:
            self._remarks.add("the last checkpoint is unfinished, as after a crash or during a write")
        except BadNote as bad:
            raise self._bad_note(bad) from bad

    def _missing_end(self, ahead: Sequence[SignedCheckpoint], size: int) -> Finding:
        """A forgery proves nothing, so the nearest one must hold; of later ones the keys may be in what is missing."""
        if not self._could_be_ours(ahead[0]):
            return _wrong_signature(ahead[0])
        what = f"{ahead[-1].checkpoint.size} records were signed, {size} are there"
        return Finding(Result.INCOMPLETE, f"{what}: the end was removed, or an older copy put back", size)

    def _could_be_ours(self, signed: SignedCheckpoint) -> bool:
        try:
            return self.keyring.verify(signed)
        except KeyUnknown:
            if self.signed == 0:
                raise
            return True  # by a key that took over in the records that are missing

    # ---------------------------------------------------------------- stored checkpoints

    def _stream_of_notes(self) -> BinaryIO:
        path = self._layout.notes
        return self._files.open_for_reading(path) if self._files.exists(path) else BytesIO()

    def _next_note(self, size: int) -> SignedCheckpoint | None:
        try:
            signed = self._notes.next()
        except BadNote as bad:
            raise self._bad_note(bad) from bad
        if signed:
            self._refuse_plain_forgery(signed)
            self._check_order(signed.checkpoint.size, size)
        return signed

    def _refuse_plain_forgery(self, signed: SignedCheckpoint) -> None:
        """Needs no record: a wrong signature is wrong at any size, and the first checkpoint is by the first key of this log."""
        self._refuse_other_log(signed)
        key = self.keyring.newest
        if key.claimed(signed) and not key.verify(signed):
            raise _wrong_signature(signed)
        if self.count == 0 and not self.keyring.first.claimed(signed):
            raise KeyUnknown(f"The first checkpoint is not signed by the key {self.keyring.first.text()}")

    def _check_order(self, signed: int, size: int) -> None:
        if signed <= self._noted or signed < size:
            raise Finding(Result.TAMPERED, f"The checkpoint at {signed} records is out of order", None)
        self._noted = signed
        self.count += 1

    def _bad_note(self, bad: BadNote) -> Finding:
        return Finding(Result.TAMPERED, f"Checkpoint number {self.count + 1} is bad: {bad}", None)


def _wrong_signature(signed: SignedCheckpoint) -> Finding:
    what = f"The signature of the checkpoint at {signed.checkpoint.size} records is wrong"
    return Finding(Result.TAMPERED, what, None)
