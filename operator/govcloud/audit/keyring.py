"""Which key signs checkpoints of which sizes: the first key, and every change of key that the log itself records.

The record of a change is the last one that the old key signs: a checkpoint of exactly the records up to it. Every longer
checkpoint is good only under the new key, so an old key that is stolen later signs nothing that is believed.

The file `keyring` beside the log holds the first key in a line, and then the stored record of each change in a line: so the
changes can still be checked against the tree when retention has removed the records themselves. Never here: private keys.
"""

import json
from dataclasses import dataclass

from .errors import KeyUnknown
from .notes import PublicKey, SignedCheckpoint
from .records import Action, Entry, Initiator, Outcome, Phase, Target

TARGET_KIND = "AuditSigningKey"


@dataclass(frozen=True, slots=True)
class Change:
    """One key takes over."""

    sequence: int
    """Of the record that says so."""
    key: PublicKey
    record: bytes
    """As stored."""


class Keyring:
    """All keys of one log, oldest first."""

    def __init__(self, first: PublicKey) -> None:
        self.first = first
        self.changes: list[Change] = []

    @property
    def newest(self) -> PublicKey:
        """The key that signs what comes next."""
        return self.changes[-1].key if self.changes else self.first

    def __contains__(self, key: PublicKey) -> bool:
        return key in (self.first, *(change.key for change in self.changes))

    def add(self, change: Change) -> None:
        """Raises `KeyUnknown` when it is the key of another log."""
        if change.key.name != self.first.name:
            raise KeyUnknown(f"Record {change.sequence} announces a key of another log, {change.key.name}")
        self.changes.append(change)

    def at(self, size: int) -> PublicKey:
        """The key that signs a checkpoint of this size."""
        before = [change.key for change in self.changes if size > change.sequence + 1]
        return before[-1] if before else self.first

    def verify(self, signed: SignedCheckpoint) -> bool:
        """Whether the key valid at its size signed it. Raises `KeyUnknown` when it does not even claim so."""
        return self.at(signed.checkpoint.size).verify(signed)

    def text(self) -> bytes:
        """The content of the file."""
        return b"\n".join((self.first.text().encode(), *(change.record for change in self.changes), b""))

    @classmethod
    def parse(cls, text: bytes) -> "Keyring":
        """Raises `KeyUnknown`."""
        first, *records = text.splitlines() or [b""]
        ring = cls(PublicKey.parse(first.decode(errors="replace")))
        for record in records:
            change = announced(record)
            if change is None:
                raise KeyUnknown("A line of the keyring is not the record of a change of key")
            ring.add(change)
        return ring


def announcement(key: PublicKey, initiator: Initiator) -> Entry:
    """What is recorded before a key takes over."""
    return Entry(
        phase=Phase.EVENT,
        action=Action.RENEW,
        outcome=Outcome.SUCCESS,
        initiator=initiator,
        target=Target(kind=TARGET_KIND, id=key.key_id.hex()),
        message="the next checkpoints are signed by this key",
        attributes={"publicKey": key.text()},
    )


def announced(payload: bytes) -> Change | None:
    """The change of key that a stored record announces; None for any other record. Raises `KeyUnknown`."""
    if TARGET_KIND.encode() not in payload:
        return None
    try:
        record = json.loads(payload)
        said = (record["action"], record["phase"], record["target"]["kind"])
        key, sequence = str(record["attributes"]["publicKey"]), int(record["sequence"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if said != (Action.RENEW, Phase.EVENT, TARGET_KIND):
        return None
    return Change(sequence, PublicKey.parse(key), payload)
