"""The file that holds the signing key: readable by its owner only, made durably, never quoted in an error."""

import os
from base64 import b64decode
from binascii import Error as Base64Error
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .errors import AuditUnavailable, KeyUnknown
from .notes import ED25519, PRIVATE, Ed25519Signer


def load_or_create_signer(path: Path, name: str = "", type: bytes = ED25519) -> Ed25519Signer:
    """The signing key in a file that only its owner can read; made, durably, on first use.

    `name` becomes the origin of the log when the key is made; by default a unique ``govcloud.dev/audit/<8 digits>``.
    `type` is the signature type, a log's own by default.
    Raises `AuditUnavailable` when the file is readable by others, and `KeyUnknown` when it is not such a key.
    """
    if not path.exists():
        _create_key_file(path, name, type)
    if path.stat().st_mode & 0o077:
        raise AuditUnavailable(f"The signing key {path} is readable by others; run: chmod 600 {path}")
    return _parse_private_key(path, type)


def _create_key_file(path: Path, name: str, type: bytes) -> None:
    key = Ed25519PrivateKey.generate()
    origin = name or f"govcloud.dev/audit/{sha256(key.public_key().public_bytes_raw()).hexdigest()[:8]}"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by the owner only
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(Ed25519Signer(origin, key, type).text() + "\n")
        stream.flush()
        os.fsync(descriptor)
    _publish_without_replacing(Path(temporary), path)


def _publish_without_replacing(temporary: Path, path: Path) -> None:
    """Two starts at once must agree on one key: the first to link wins, the other reads what is there."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _parse_private_key(path: Path, type: bytes) -> Ed25519Signer:
    text = path.read_text(encoding="utf-8").strip()
    try:
        private, key, name, key_id, encoded = text.split("+", 4)
        data = b64decode(encoded, validate=True)
        signer = Ed25519Signer(name, Ed25519PrivateKey.from_private_bytes(data[1:]), type)
    except (ValueError, Base64Error):
        raise KeyUnknown(f"{path} does not hold a signing key of this log") from None  # the cause would quote the key
    if f"{private}+{key}" != PRIVATE or data[:1] != type or signer.public_key.key_id.hex() != key_id:
        raise KeyUnknown(f"{path} holds a damaged signing key")
    return signer
