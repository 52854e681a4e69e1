"""The verifier keys that lie beside the log: `public-key`, the first one, and `keyring`, all of them with their records."""

from .files import FileSystem, write_atomically
from .keyring import Keyring
from .layout import Layout
from .notes import PublicKey


def read_first_key(files: FileSystem, layout: Layout) -> PublicKey | None:
    """None where there is none. Raises `KeyUnknown` when it is damaged, `OSError`."""
    if not files.exists(layout.public_key):
        return None
    with files.open_for_reading(layout.public_key) as stream:
        return PublicKey.parse(stream.read().decode(errors="replace"))


def read_keyring(files: FileSystem, layout: Layout) -> Keyring | None:
    """None where there is none. Raises `KeyUnknown` when it is damaged, `OSError`."""
    content = _content(files, layout)
    return None if content is None else Keyring.parse(content)


def write_first_key(files: FileSystem, layout: Layout, key: PublicKey) -> None:
    """Durable on return. Raises `OSError`."""
    write_atomically(files, layout.public_key, key.text().encode() + b"\n")


def write_keyring(files: FileSystem, layout: Layout, keyring: Keyring) -> None:
    """Durable on return, and only if it changed. Raises `OSError`."""
    if _content(files, layout) != keyring.text():
        write_atomically(files, layout.keyring, keyring.text())


def _content(files: FileSystem, layout: Layout) -> bytes | None:
    if not files.exists(layout.keyring):
        return None
    with files.open_for_reading(layout.keyring) as stream:
        return stream.read()
