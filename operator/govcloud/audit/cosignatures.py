"""What a witness adds to a checkpoint: a signature, with its own time, over the checkpoint and that time.

Source: C2SP tlog-cosignature, cosignature/v1 (Ed25519, signature type 0x04): 8 bytes of seconds since 1970, big-endian,
then 64 bytes of signature. Never here: whether a witness should sign.
"""

from datetime import UTC, datetime

from .notes import Checkpoint, PublicKey, Signature, SignedCheckpoint, Signer

COSIGNATURE = b"\x04"
"""Signature type of a cosignature, for `PublicKey.parse` and `load_or_create_signer`."""

_TIME_BYTES = 8
_MOST_SECONDS = 253_402_300_799  # the last second of the year 9999


def cosign(checkpoint: Checkpoint, witness: Signer, now: datetime) -> Signature:
    """The witness's signature line over a checkpoint, at this time."""
    seconds = int(now.timestamp())
    key = witness.public_key
    signature = witness.sign(_message(checkpoint, seconds))
    return Signature(key.name, key.key_id, seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(signed: SignedCheckpoint, witness: PublicKey) -> datetime | None:
    """When this witness signed it; None where it did not, or where its signature is wrong."""
    for one in witness.claimed(signed):
        seconds = int.from_bytes(one.signature[:_TIME_BYTES], "big")
        if 0 < seconds <= _MOST_SECONDS and witness.fits(
            _message(signed.checkpoint, seconds), one.signature[_TIME_BYTES:]
        ):
            return datetime.fromtimestamp(seconds, UTC)
    return None


def _message(checkpoint: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{checkpoint.body()}".encode()
