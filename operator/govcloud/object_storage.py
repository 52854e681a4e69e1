"""Chooses where copies and checkpoints of the audit log lie: in Swift, or in a bucket of a store that speaks S3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from govcloud.adapters.openstack_checkpoints import CheckpointContainer
from govcloud.adapters.openstack_copies import SwiftCopies
from govcloud.adapters.openstack_login import Login
from govcloud.audit.copies import CopyStore
from govcloud.audit.publishing import Place
from govcloud.s3_address import S3Address
from stacks.provider.journal import Journal


@dataclass(frozen=True)
class ObjectStorage:
    """`checkpoints` is asked with the name of the log."""

    copies: CopyStore
    checkpoints: Callable[[str], Place]


def in_swift(login: Callable[[], Login], container: str) -> ObjectStorage:
    """Containers of the project that the login is for."""
    return ObjectStorage(SwiftCopies(login, container), lambda origin: CheckpointContainer(login, origin))


def in_bucket(url: str, credentials: Path, journal: Journal, keep: timedelta) -> ObjectStorage:
    """A bucket; where it has Object Lock everything in it is locked for as long as `keep`. Raises `ValueError` for a wrong URL."""
    from govcloud.adapters.s3_bucket import Bucket  # AWS's client is loaded only where it is used
    from govcloud.adapters.s3_checkpoints import CheckpointBucket
    from govcloud.adapters.s3_copies import S3Copies
    from govcloud.adapters.s3_login import S3Login

    bucket = Bucket(S3Login(S3Address.parse(url), credentials), journal)
    return ObjectStorage(S3Copies(bucket, keep), lambda origin: CheckpointBucket(bucket, origin, keep))
