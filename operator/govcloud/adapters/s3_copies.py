"""Copies of the audit log in a bucket: written once by name, locked where the bucket has Object Lock, read back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import BinaryIO

from govcloud.adapters.copied_objects import accounted
from govcloud.adapters.held_since import age_by
from govcloud.adapters.openstack_failures import SOON
from govcloud.adapters.openstack_reading import CHUNK
from govcloud.adapters.s3_bucket import Bucket
from govcloud.adapters.s3_failures import translated
from govcloud.audit.copies import Kept, digest_of
from govcloud.failures import Retry
from govcloud.reasons import Reason

OBJECT = "s3:object"


class S3Copies:
    """A `govcloud.audit.copies.CopyStore`.

    Args:
        bucket: where; whoever administers the store has made it.
        keep: for how long a copy is locked from its storing on.
    """

    def __init__(self, bucket: Bucket, keep: timedelta) -> None:
        self._bucket, self._keep = bucket, keep
        self.place = f"bucket {bucket.name}"

    def lock(self) -> timedelta | None:
        return self._keep if self._bucket.locked() else None

    def names(self, prefix: str) -> Iterator[str]:
        return self._bucket.names(prefix)

    def find(self, name: str) -> Kept | None:
        """Read every byte. The age is told by the store's own Date and Last-Modified. Where others are locked it has to be, too."""
        opened = self._bucket.open(name)
        if opened is None:
            return None
        self._bucket.refuse_unlocked(name, opened)
        with translated(f"read {name} of {self.place} back"), closing(opened["Body"]) as body:
            digest, _ = digest_of(body.iter_chunks(CHUNK))
        return Kept(digest, age_by(opened["ResponseMetadata"]["HTTPHeaders"], f"{name} of {self.place}"))

    def put(self, name: str, content: BinaryIO) -> None:
        """Store it, once (a `Stop` where the name is taken)."""
        self._bucket.put_new(name, content, accounted(name, OBJECT), self._keep)

    def hold(self, name: str, *, on: bool) -> None:
        """Set or lift the legal hold of what was written first (a `Stop` where there is nothing, or the store does not say so)."""
        self._bucket.hold(name, accounted(name, OBJECT), on=on)

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes in pieces. One that breaks off raises `Retry`."""
        opened = self._bucket.open(name)
        if opened is None:
            raise Retry(Reason.CONFLICT, f"{name} of {self.place} is listed but cannot be read", SOON)
        with translated(f"read {name} of {self.place}"), closing(opened["Body"]) as body:
            yield from body.iter_chunks(CHUNK)
