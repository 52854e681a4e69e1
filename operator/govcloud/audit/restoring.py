"""Makes a log of its copies, in an empty directory, and verifies it like any other.

Of segments whose copies are gone, the oldest ones, the hashes come back, as retention leaves a log.

What comes from the store is trusted in nothing: names, order and digests are checked here, everything else by `verify` with
a key from elsewhere. Never here: a write to the store.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from .copies import MANIFESTS, SEGMENTS, TREES, CopyDiffers, CopyStore, Manifest, bounded, hashes_name
from .durable import DurableFile
from .files import FileSystem, RealFiles, write_atomically
from .keyring_copies import restore_keyring
from .layout import Layout
from .notes import PublicKey, SignedCheckpoint
from .reader import HASH_BYTES, Damage, read_segment, segment_starts
from .verify import Report, verify

_LONGEST_MANIFEST = 64 * 1024 * 1024


def restore(
    store: CopyStore,
    directory: Path,
    key: PublicKey,
    anchor: SignedCheckpoint | None = None,
    progress: Callable[[Manifest], None] = lambda _: None,
    files: FileSystem | None = None,
) -> Report:
    """The verdict about the restored log. `key` is any of its verifier keys; `anchor` is the newest checkpoint that is known from elsewhere.

    Raises `FileExistsError` when the directory is not empty, `FileNotFoundError` when there are no copies, `CopyDiffers` when a
    copy is not what its manifest says, `OSError`, and whatever the store raises.
    """
    disk, layout = files or RealFiles(), Layout(directory)
    if disk.exists(directory) and disk.names(directory):
        raise FileExistsError(f"{directory} is not empty; a log is restored into a directory of its own")
    if next(store.names(MANIFESTS), None) is None:
        raise FileNotFoundError("There are no copies of an audit log in this store")
    for path in (layout.segments, layout.hashes, layout.notes.parent):
        disk.make_directory(path)
    end = _bring_back(store, disk, layout, progress)
    DurableFile(disk, layout.segment(end)).close()  # what may follow goes into a segment of its own
    restore_keyring(store, disk, layout, key)
    return verify(directory, key, anchor, disk)


def _bring_back(store: CopyStore, disk: FileSystem, layout: Layout, progress: Callable[[Manifest], None]) -> int:
    end, there = 0, frozenset(store.names(SEGMENTS))
    notes = DurableFile(disk, layout.notes)
    try:
        for manifest in _manifests(store):
            if manifest.first != end:
                raise CopyDiffers(f"The copies end before record {end}; the next begins at {manifest.first}")
            if manifest.segment_name in there:
                _bring_back_segment(store, disk, layout, manifest)
            elif segment_starts(disk, layout):
                raise CopyDiffers(f"{manifest.segment_name} is missing, and older copies are there")
            else:
                _bring_back_hashes(store, disk, layout, manifest)
            notes.append("".join(f"{note}\n" for note in manifest.checkpoints).encode())
            end = manifest.end
            progress(manifest)
    finally:
        notes.close()
    return end


def _manifests(store: CopyStore) -> Iterator[Manifest]:
    for name in store.names(MANIFESTS):
        try:
            manifest = Manifest.model_validate_json(bounded(store.read(name), _LONGEST_MANIFEST))
        except (ValidationError, ValueError) as error:
            raise CopyDiffers(f"{name} is no manifest of a copy") from error
        if manifest.name != name:
            raise CopyDiffers(f"{name} is the manifest of another segment, {manifest.first}")
        yield manifest


def _bring_back_segment(store: CopyStore, disk: FileSystem, layout: Layout, manifest: Manifest) -> None:
    digest = sha256()
    segment = DurableFile(disk, layout.segment(manifest.first))
    try:
        for piece in store.read(manifest.segment_name):
            digest.update(piece)
            segment.append(piece)
    finally:
        segment.close()
    if (digest.hexdigest(), segment.size) != (manifest.sha256, manifest.size):
        raise CopyDiffers(f"{manifest.segment_name} is not what its manifest says")
    write_atomically(disk, layout.segment_hashes(manifest.first), _leaves(disk, layout, manifest))


def _bring_back_hashes(store: CopyStore, disk: FileSystem, layout: Layout, manifest: Manifest) -> None:
    for tree in TREES:
        name = hashes_name(manifest.first, tree)
        if name in store.names(name):
            write_atomically(disk, layout.segment_hashes(manifest.first, tree), _hashes(store, name, manifest))
    if not disk.exists(layout.segment_hashes(manifest.first)):
        raise CopyDiffers(f"Of {manifest.segment_name} neither a copy nor its hashes are there")


def _hashes(store: CopyStore, name: str, manifest: Manifest) -> bytes:
    size = HASH_BYTES * (manifest.end - manifest.first)
    with suppress(ValueError):
        content = bounded(store.read(name), size)
        if len(content) == size:
            return content
    raise CopyDiffers(f"{name} does not hold the hashes of records {manifest.first} to {manifest.end - 1}")


def _leaves(disk: FileSystem, layout: Layout, manifest: Manifest) -> bytes:
    try:
        frames = read_segment(disk, layout.segment(manifest.first), manifest.first, last=False)
        return b"".join(stored.leaf for stored in frames)
    except Damage as damage:
        raise CopyDiffers(f"{manifest.segment_name} holds no whole records: {damage}") from damage
