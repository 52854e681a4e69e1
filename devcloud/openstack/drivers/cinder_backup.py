"""Cinder's backups to a directory, quick on volumes that are mostly empty.

Cinder's own driver hashes, copies and stores every zero of a volume. This one stores what is not zero; hashes, chunks,
incremental backups and their metadata stay Cinder's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from cinder import interface
from cinder.backup.drivers import posix

from devcloud.openstack.drivers import sparse


@interface.backupdriver
class SparseBackupDriver(posix.PosixBackupDriver):
    """A full backup has no object for a block that is all zeros; restoring it leaves that range empty."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._zeros = bytes(self.sha_block_size_bytes)
        self._hash_of_zeros = hashlib.sha256(self._zeros).hexdigest()

    def backup(self, backup: Any, volume_file: Any, backup_metadata: bool = True) -> None:
        super().backup(backup, sparse.Reader(volume_file, self.chunk_size_bytes), backup_metadata)

    def _calculate_sha(self, data: bytes) -> list[str]:
        return [
            self._hash_of_zeros if block == self._zeros else hashlib.sha256(block).hexdigest()
            for _start, block in self._blocks(data)
        ]

    def _blocks(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        size = self.sha_block_size_bytes
        return ((start, data[start : start + size]) for start in range(0, len(data), size))

    def _backup_chunk(
        self, backup: Any, container: str, data: bytes, data_offset: int, object_meta: Any, extra_metadata: Any
    ) -> None:
        # An incremental backup must keep its zeros: they overwrite what the backup below it holds there.
        extents = [(0, len(data))] if backup.parent_id else self._written(data)
        for start, end in extents:
            piece, offset = data[start:end], data_offset + start
            super()._backup_chunk(backup, container, piece, offset, object_meta, extra_metadata)

    def _written(self, data: bytes) -> list[tuple[int, int]]:
        """Where runs of blocks that are not all zeros start and end."""
        extents: list[tuple[int, int]] = []
        for start, block in self._blocks(data):
            if block != self._zeros:
                begin = extents.pop()[0] if extents and extents[-1][1] == start else start
                extents.append((begin, start + len(block)))
        return extents

    def restore(self, backup: Any, volume_id: str, volume_file: Any, volume_is_new: bool) -> None:
        """Empties the target first: no object says that a range was empty."""
        volume_file.truncate(0)
        super().restore(backup, volume_id, volume_file, volume_is_new=True)
        volume_file.truncate(max(volume_file.seek(0, 2), backup.size * sparse.GIB))
