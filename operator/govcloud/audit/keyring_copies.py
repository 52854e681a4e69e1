"""The verifier keys beside the copies of a log: whoever trusts any key of the log can then judge what older keys signed.

keyrings/<sequence after the newest change of key>.txt   the keyring as it lies beside the log; written once, a name for each change

They vouch for nothing by themselves: what a keyring says is believed only where the records say it too. Never here: private keys.
"""

from .copies import CopyDiffers, CopyStore, bounded
from .errors import KeyUnknown
from .files import FileSystem, write_atomically
from .keyring import Keyring
from .layout import Layout
from .notes import PublicKey

KEYRINGS = "keyrings/"
_LONGEST = 1024 * 1024


def keyring_name(keyring: Keyring) -> str:
    """Name of its copy."""
    after = keyring.changes[-1].sequence + 1 if keyring.changes else 0
    return f"{KEYRINGS}{after:016d}.txt"


def restore_keyring(store: CopyStore, files: FileSystem, layout: Layout, trusted: PublicKey) -> None:
    """Puts the newest copy beside the log, and the key that the log began with: the trusted one, unless it is a later one.

    Raises `CopyDiffers` when the copy is no keyring, `OSError`, and whatever the store raises.
    """
    keyring = _newest(store)
    if keyring:
        write_atomically(files, layout.keyring, keyring.text())
    first = keyring.first if keyring and trusted in keyring else trusted
    write_atomically(files, layout.public_key, first.text().encode() + b"\n")


def _newest(store: CopyStore) -> Keyring | None:
    names = list(store.names(KEYRINGS))
    if not names:
        return None
    try:
        return Keyring.parse(bounded(store.read(names[-1]), _LONGEST))
    except (KeyUnknown, ValueError) as error:
        raise CopyDiffers(f"{names[-1]} is no keyring: {error}") from error

