"""The one secret that the controller keeps on its disk, and all others that are derived from it.

Losing the file loses the state's secrets and every generated password: it belongs into the operator's own backup. Nothing derived from
it is ever stored by us in plain, logged, or put into a status.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LENGTH = 32
"""Bytes of the key, and of every derived secret before it is written in base64."""

_SALT = b"govcloud.dev/master-key/v1"


class MasterKeyUnusable(Exception):
    """The key file cannot be used; the sentence says what to do. The controller does not start."""


def derive(master_key: bytes, purpose: str) -> str:
    """The secret for a purpose, for instance `<uid of the request>/database/orders/password`: 43 characters of base64url.

    HKDF-SHA256 (RFC 5869). The same key and purpose always give the same secret; another purpose tells nothing about it.
    """
    derived = HKDF(algorithm=hashes.SHA256(), length=LENGTH, salt=_SALT, info=purpose.encode()).derive(master_key)
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()


def load_or_create(path: Path, *, may_create: bool = True) -> bytes:
    """The master key, made at the first start: mode 0600, whole or not at all.

    Args:
        path: the key file.
        may_create: False where something was already encrypted with a key, so that a new one would be of no use.

    Raises:
        MasterKeyUnusable: it is missing and must not be made, others may read it, or it is no key.
    """
    if not path.exists():
        if not may_create:
            raise MasterKeyUnusable(
                f"{path} is missing, but there is state that was encrypted with it: put it back from backup"
            )
        _create(path)
    return _load(path)


def _load(path: Path) -> bytes:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise MasterKeyUnusable(f"{path} can be read by others (mode {mode:04o}); run chmod 0600 on it")
    key = path.read_bytes()
    if len(key) != LENGTH:
        raise MasterKeyUnusable(
            f"{path} holds {len(key)} bytes instead of {LENGTH}: put the right file back from backup"
        )
    return key


def _create(path: Path) -> None:
    """Write it under another name first: a crash leaves no half key. Of two that do so at once, the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        _link_if_absent(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _link_if_absent(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # another process was first: its key counts


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
