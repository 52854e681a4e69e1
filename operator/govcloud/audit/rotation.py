"""The change of the signing key: recorded, signed for by the old key, then carried out. Done while no controller writes.

A crash anywhere in between is finished by doing it again: the new key lies ready in a file of its own before it is
announced, and takes the old one's place only when the announcement is signed. Never here: who may do this.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from .errors import KeyUnknown
from .files import FileSystem, RealFiles
from .keyring import announcement
from .keyring_file import read_keyring
from .layout import Layout
from .log import AuditLog
from .notes import PublicKey
from .records import Initiator
from .signing_key import load_or_create_signer

_BALLAST_BYTES = 1024 * 1024
"""Enough for the few records of a change; what the controller sets aside is not made smaller by it."""


def rotate(
    directory: Path,
    key_file: Path,
    initiator: Initiator,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], int],
    files: FileSystem | None = None,
) -> PublicKey:
    """The new verifier key, which signs from now on. The old private key is gone.

    Raises `FileNotFoundError` (no such log or key), `AuditUnavailable` (the controller runs, the disk failed), `KeyUnknown`.
    """
    if not key_file.exists() or not Layout(directory).public_key.exists():
        raise FileNotFoundError(f"There is no audit log in {directory} with its signing key in {key_file}")
    current = load_or_create_signer(key_file)
    waiting = key_file.with_name(f"{key_file.name}.next")
    following = load_or_create_signer(waiting, current.public_key.name)
    try:
        log = AuditLog(
            directory,
            clock=clock,
            monotonic=monotonic,
            signer=current,
            fence="rotate-key",
            files=files,
            ballast_bytes=_BALLAST_BYTES,
            pulse=False,
        )
    except KeyUnknown:
        if not _is_announced(directory, following.public_key):
            raise
    else:
        _announce(log, following.public_key, initiator)
    _take_over(waiting, key_file)
    return following.public_key


def _announce(log: AuditLog, key: PublicKey, initiator: Initiator) -> None:
    try:
        log.append(announcement(key, initiator))
        log.sign()
    finally:
        log.close()


def _is_announced(directory: Path, key: PublicKey) -> bool:
    """Opening the log has just written down what its records say."""
    keyring = read_keyring(RealFiles(), Layout(directory))
    return keyring is not None and keyring.newest == key


def _take_over(waiting: Path, key_file: Path) -> None:
    waiting.replace(key_file)
    RealFiles().flush_directory(key_file.parent)
