"""Cinder's backups to a directory, quick on volumes that are mostly empty.

Cinder's own driver hashes, copies and stores every zero of a volume. This one stores what is not zero; hashes, chunks,
incremental backups and their metadata stay Cinder's.
"""

# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import hashlib
from typing import Any

from cinder import interface
from cinder.backup.drivers import posix

from devcloud.openstack.drivers import sparse


@interface.backupdriver
class SparseBackupDriver(posix.PosixBackupDriver):
    """A full backup has no object for a chunk that is all zeros; restoring it leaves that range empty."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._zero_chunk = bytes(self.chunk_size_bytes)
        self._zero_hashes = self._hashes_of(self._zero_chunk)

    def _calculate_sha(self, data: bytes) -> list[str]:
        return self._zero_hashes if data == self._zero_chunk else self._hashes_of(data)

    def _hashes_of(self, data: bytes) -> list[str]:
        starts = range(0, len(data), self.sha_block_size_bytes)
        return [hashlib.sha256(data[start : start + self.sha_block_size_bytes]).hexdigest() for start in starts]

    def _backup_chunk(
        self, backup: Any, container: str, data: bytes, data_offset: int, object_meta: Any, extra_metadata: Any
    ) -> None:
        # An incremental backup must keep its zeros: they overwrite what the backup below it holds there.
        if backup.parent_id or data != self._zero_chunk:
            super()._backup_chunk(backup, container, data, data_offset, object_meta, extra_metadata)

    def restore(self, backup: Any, volume_id: str, volume_file: Any, volume_is_new: bool) -> None:
        """Empties the target first: no object says that a range was empty."""
        volume_file.truncate(0)
        super().restore(backup, volume_id, volume_file, volume_is_new=True)
        volume_file.truncate(max(volume_file.seek(0, 2), backup.size * sparse.GIB))
