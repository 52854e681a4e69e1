"""A store that speaks S3, with Object Lock, as a process of its own on loopback (moto), and buckets in it for tests."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provider.provider_kit import MemoryJournal
from waiting import until

from govcloud.adapters.s3_bucket import Bucket
from govcloud.adapters.s3_login import S3Login
from govcloud.s3_address import S3Address
from stacks.provider.journal import Journal

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SECRET = "never-in-any-log"


@dataclass
class S3Server:
    """Where it listens, and a file with its key."""

    endpoint: str
    credentials: Path

    @cached_property
    def administrator(self) -> S3Client:
        """Whoever may do anything there, as far as the store lets anybody."""
        return S3Login(S3Address("any", self.endpoint), self.credentials).clients().writing

    def make(self, *, locked: bool) -> str:
        """Makes a bucket; returns its name."""
        name = f"audit-{secrets.token_hex(4)}"
        self.administrator.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name

    def bucket(self, name: str, journal: Journal | None = None) -> Bucket:
        """As the controller opens it, with a connection of its own."""
        return Bucket(S3Login(S3Address(name, self.endpoint), self.credentials), journal or MemoryJournal())

    def url(self, name: str) -> str:
        """What somebody would set."""
        return f"s3://{name}?endpoint={self.endpoint}"


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """Until the end of the block."""
    credentials = folder / "s3-credentials"
    credentials.write_text(f"[default]\naws_access_key_id = tests\naws_secret_access_key = {SECRET}\n")
    with (folder / "s3.log").open("wb") as told:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        process = subprocess.Popen(command, stdout=told, stderr=told)
        try:
            yield S3Server(_told_by(process, folder / "s3.log"), credentials)
        finally:
            process.terminate()
            process.wait()


def _told_by(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, as it says itself once it does: a port that was free a moment ago may be somebody else's by then."""

    def told() -> re.Match[str] | None:
        assert process.poll() is None, f"the store of the tests ended: {log.read_text()}"
        return re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text())

    found = until(told, "the store of the tests", 0.05)
    assert found is not None
    return found[1]
