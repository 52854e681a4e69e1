"""Checkpoints of the audit log in a bucket, locked like the copies where it has Object Lock.

They are `checkpoints/<log>/<10^16 - 1 - size>-<size>`, each number in 16 digits: S3 lists forwards only, and so the longest comes first.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from io import BytesIO

from govcloud.adapters.checkpoint_objects import SIZE_DIGITS, accounted, folder_of, refuse_other
from govcloud.adapters.s3_bucket import Bucket
from govcloud.adapters.s3_failures import translated
from govcloud.audit.publishing import PlaceUnavailable
from govcloud.failures import Retry, Stop

_LARGEST = 10**SIZE_DIGITS - 1
_LONGEST = 64 * 1024
_FEW = 10


class CheckpointBucket:
    """A `govcloud.audit.publishing.Place`.

    Args:
        bucket: where; whoever administers the store has made it.
        origin: name of the log.
        keep: for how long a checkpoint is locked from its storing on.
    """

    name = "object storage"
    keeps_all = True

    def __init__(self, bucket: Bucket, origin: str, keep: timedelta) -> None:
        self._bucket, self._keep = bucket, keep
        self._log = folder_of(origin)
        self._folder = f"checkpoints/{self._log}"

    def newest(self) -> str | None:
        """The longest checkpoint's note."""
        try:
            first = next((name for name in self._bucket.names(f"{self._folder}/", _FEW) if self._is_ours(name)), None)
            return None if first is None else self._content(first)
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error

    def publish(self, note: str, size: int) -> None:
        """Store a note under the name of its size."""
        try:
            there = self._content(self._name(size))
            if there is None:
                self._bucket.put_new(self._name(size), BytesIO(note.encode()), accounted(self._log, size), self._keep)
                return
        except (Retry, Stop) as error:
            raise PlaceUnavailable(str(error)) from error
        refuse_other(there, note)

    def _name(self, size: int) -> str:
        return f"{self._folder}/{_LARGEST - size:0{SIZE_DIGITS}d}-{size:0{SIZE_DIGITS}d}"

    def _is_ours(self, name: str) -> bool:
        """Whoever may store there may leave anything."""
        size = name[-SIZE_DIGITS:]
        return size.isdecimal() and name == self._name(int(size))

    def _content(self, name: str) -> str | None:
        opened = self._bucket.open(name)
        if opened is None:
            return None
        with translated(f"read {name} of bucket {self._bucket.name}"), closing(opened["Body"]) as body:
            return body.read(_LONGEST).decode(errors="replace")
