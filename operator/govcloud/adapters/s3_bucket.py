"""One bucket: names that are written once, and what was written there first.

Where the bucket has Object Lock it also keeps versions. Then what counts under a name is its *first* version: an overwritten
name, or a delete marker, hides nothing, and while its retention lasts nobody can remove it (S3, compliance mode). How long that
is counts from the store's own clock. Nothing here knows what the objects are.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

from botocore.exceptions import ClientError

from govcloud.adapters.openstack_failures import SOON
from govcloud.adapters.openstack_reading import CHUNK
from govcloud.adapters.s3_failures import refusal, result_of, translated
from govcloud.adapters.s3_login import S3Login
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.journal import EffectContext, Journal, Write, WriteOutcome

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, ListObjectVersionsOutputTypeDef, PutObjectOutputTypeDef

Answer = TypeVar("Answer", bound=Mapping[str, Any])

_PAGE = 1_000
_LOCK = "COMPLIANCE"
_NO_LOCK = frozenset({"ObjectLockConfigurationNotFoundError", "NotImplemented", "MethodNotAllowed"})
"""How stores say that a bucket has no Object Lock, or that they know none."""
_UNKNOWN_CONDITION = "NotImplemented"


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found under a name, and when by the store's clock. `version` is empty where versions do not count."""

    there: bool
    version: str
    at: datetime | None


class Bucket:
    """One bucket, through one login. Every write goes to the journal before and after.

    Raises `Retry`, `Stop` and `AuditUnavailable`.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, login: S3Login, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self._login, self._journal, self._clock = login, journal, clock
        self.name = login.address.bucket
        self._locked: bool | None = None
        self._conditions = True

    def locked(self) -> bool:
        """Whether the bucket has Object Lock; asked once."""
        if self._locked is None:
            with translated(f"ask whether bucket {self.name} has Object Lock"):
                self._locked = self._asked_for_lock()
        return self._locked

    def names(self, prefix: str, page: int = _PAGE) -> Iterator[str]:
        """Names that begin so, in the order of their bytes, over all pages of so many."""
        before = ""
        with translated(f"list {prefix} of bucket {self.name}"):
            for name in self._versioned(prefix, page) if self.locked() else self._current(prefix, page):
                if name != before:
                    yield name
                before = name

    def open(self, name: str) -> GetObjectOutputTypeDef | None:
        """Begin to read what was written first; None where there is nothing. The caller closes its `Body`."""
        look = self._look(name) if self.locked() else _Look(there=True, version="", at=None)
        if not look.there:
            return None
        with translated(f"read {name} of bucket {self.name}"):
            try:
                return self._login.clients().reading.get_object(Bucket=self.name, Key=name, **_which(look.version))
            except ClientError as error:
                if refusal(error).code != "NoSuchKey":
                    raise
        return None

    def refuse_unlocked(self, name: str, opened: GetObjectOutputTypeDef) -> None:
        """Raises `Stop` when the bucket has Object Lock and this object none: somebody else put it there, or before the lock was."""
        if self.locked() and opened.get("ObjectLockMode") != _LOCK:
            told = f"{name} of bucket {self.name} is not locked, or the key may not see that it is (s3:GetObjectRetention)"
            raise Stop(Reason.RESOURCE_FAILED, f"{told}; whoever administers the store locks it in compliance mode (put-object-retention)")

    def put_new(self, name: str, content: BinaryIO, context: EffectContext, keep: timedelta) -> None:
        """Store under a name that nothing has yet. Where the bucket has Object Lock nobody can delete it for as long as `keep`.

        Raises:
            Stop: the name is taken, and what is there stays; or the store did not lock what it stored.
        """
        look = self._look(name)
        if look.there:
            raise Stop(Reason.INVALID_INPUT, f"{name} is in bucket {self.name} already and is not replaced")
        with translated(f"store {name} in bucket {self.name}"):
            until = self._retained_until(look, keep)
            lock: dict[str, Any] = {"ObjectLockMode": _LOCK, "ObjectLockRetainUntilDate": until} if until else {}
            stored = self._put(context, {"Bucket": self.name, "Key": name, "ContentMD5": _md5(content), **lock}, content)
        if until:
            self._prove_locked(name, stored.get("VersionId", ""), until)

    def hold(self, name: str, context: EffectContext, *, on: bool) -> None:
        """Set or lift the legal hold of what was written first: while it lasts nobody can delete that, however old it is.

        Raises:
            Stop: nothing is there, or the store does not say afterwards what it was told.
        """
        look = self._look(name)
        if not look.version:
            raise Stop(Reason.RESOURCE_FAILED, f"{name} of bucket {self.name} cannot be held: it is not there, or has no versions")
        which: Any = {"Bucket": self.name, "Key": name, "VersionId": look.version}
        status: Literal["ON", "OFF"] = "ON" if on else "OFF"
        with translated(f"set the legal hold of {name} of bucket {self.name} {status}"):
            self._journaled(
                context,
                f"/{self.name}/{name}?legal-hold",
                lambda client: client.put_object_legal_hold(**which, LegalHold={"Status": status}),
            )
            told = self._login.clients().reading.get_object_legal_hold(**which)
        if told.get("LegalHold", {}).get("Status") != status:
            raise Stop(Reason.RESOURCE_FAILED, f"the store does not say that the legal hold of {name} of bucket {self.name} is {status}")

    # ---------------------------------------------------------------- reading

    def _asked_for_lock(self) -> bool:
        try:
            answer = self._login.clients().reading.get_object_lock_configuration(Bucket=self.name)
        except ClientError as error:
            if refusal(error).code in _NO_LOCK:
                return False
            raise
        return answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"

    def _current(self, prefix: str, page: int) -> Iterator[str]:
        pages = self._login.clients().reading.get_paginator("list_objects_v2")
        for answer in pages.paginate(Bucket=self.name, Prefix=prefix, PaginationConfig={"PageSize": page}):
            yield from (each["Key"] for each in answer.get("Contents", ()))

    def _versioned(self, prefix: str, page: int) -> Iterator[str]:
        for answer in self._pages_of_versions(prefix, page):
            yield from (each["Key"] for each in answer.get("Versions", ()))

    def _pages_of_versions(self, prefix: str, page: int = _PAGE) -> Iterator[ListObjectVersionsOutputTypeDef]:
        following: dict[str, Any] = {}
        while True:
            answer = self._login.clients().reading.list_object_versions(
                Bucket=self.name, Prefix=prefix, MaxKeys=page, **following
            )
            yield answer
            if not answer.get("IsTruncated"):
                return
            seen, following = following, {name: answer[f"Next{name}"] for name in ("KeyMarker", "VersionIdMarker")}  # type: ignore[literal-required]
            if following == seen:
                raise Retry(Reason.CLOUD_UNREACHABLE, f"bucket {self.name} lists {prefix} in circles", SOON)

    def _look(self, name: str) -> _Look:
        with translated(f"look for {name} in bucket {self.name}"):
            return self._first_version(name) if self.locked() else self._only_version(name)

    def _first_version(self, name: str) -> _Look:
        """Versions are listed newest first."""
        first, at = "", None
        for answer in self._pages_of_versions(name):
            at = at or _told_time(answer["ResponseMetadata"]["HTTPHeaders"])
            first = next((each["VersionId"] for each in reversed(answer.get("Versions", [])) if each["Key"] == name), first)
        return _Look(bool(first), first, at)

    def _only_version(self, name: str) -> _Look:
        try:
            self._login.clients().reading.head_object(Bucket=self.name, Key=name)
        except ClientError as error:
            if refusal(error).status == 404:
                return _Look(there=False, version="", at=None)
            raise
        return _Look(there=True, version="", at=None)

    # ---------------------------------------------------------------- writing

    def _retained_until(self, look: _Look, keep: timedelta) -> datetime | None:
        if not self.locked():
            return None
        if look.at is None:
            told = f"bucket {self.name} does not say what time it is, so nothing can be locked for a time"
            raise Retry(Reason.CLOUD_UNREACHABLE, told, SOON)
        return look.at + keep

    def _put(self, context: EffectContext, arguments: dict[str, Any], content: BinaryIO) -> PutObjectOutputTypeDef:
        """With the condition that nothing is there, unless the store knows no conditions."""
        if self._conditions:
            try:
                return self._sent(context, {**arguments, "IfNoneMatch": "*"}, content)
            except ClientError as error:
                if refusal(error).code != _UNKNOWN_CONDITION:
                    raise
                self._conditions = False
        return self._sent(context, arguments, content)

    def _sent(self, context: EffectContext, arguments: dict[str, Any], content: BinaryIO) -> PutObjectOutputTypeDef:
        content.seek(0)
        path = f"/{self.name}/{arguments['Key']}"
        return self._journaled(context, path, lambda client: client.put_object(**arguments, Body=content))

    def _journaled(self, context: EffectContext, path: str, write: Callable[[S3Client], Answer]) -> Answer:
        client = self._login.clients().writing
        intent = self._journal.intent(context, Write("objects", "PUT", path, "", None, "s3"))
        begun = self._clock()
        try:
            answer = write(client)
        except Exception as error:
            result, status = result_of(error)
            why = f"HTTP {status}" if status else type(error).__name__
            self._journal.outcome(intent, WriteOutcome(result, status, (), self._clock() - begun, why))
            raise
        told = answer["ResponseMetadata"]
        ids = (told["RequestId"],) if told.get("RequestId") else ()
        self._journal.outcome(intent, WriteOutcome("success", told["HTTPStatusCode"], ids, self._clock() - begun))
        return answer

    def _prove_locked(self, name: str, version: str, until: datetime) -> None:
        with translated(f"look whether {name} of bucket {self.name} is locked"):
            there = self._login.clients().reading.head_object(Bucket=self.name, Key=name, **_which(version))
        retained = there.get("ObjectLockRetainUntilDate")
        if there.get("ObjectLockMode") != _LOCK or retained is None or retained < until:
            told = f"{name} was stored in bucket {self.name}, and the store does not say that nobody can delete it before {until}"
            raise Stop(Reason.RESOURCE_FAILED, f"{told}; the key has to be allowed to see retention (s3:GetObjectRetention)")


def _which(version: str) -> dict[str, Any]:
    return {"VersionId": version} if version else {}


def _told_time(headers: Any) -> datetime | None:
    """The store's own time in an answer."""
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None


def _md5(content: BinaryIO) -> str:
    """What S3 demands of every object that is stored locked."""
    digest = hashlib.md5(usedforsecurity=False)
    content.seek(0)
    while piece := content.read(CHUNK):
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode()
