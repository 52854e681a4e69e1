"""A legal hold reaches the copies in a bucket: what is held stays there past its lock, until the hold is released."""

from __future__ import annotations

import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from adapters.s3_server import S3Server
from audit.logs import KEY, Time, event, open_log
from audit.test_held_copies import HOLD, RELEASE, YEARS, Kept
from botocore.exceptions import ClientError

from govcloud.adapters.audit_journal import AuditJournal
from govcloud.adapters.s3_copies import S3Copies
from govcloud.audit.query import search
from govcloud.audit.records import Action, Outcome, Phase
from govcloud.audit.verify import Result, verify
from govcloud.failures import Stop


def delete(s3: S3Server, bucket: str, name: str) -> None:
    for each in s3.administrator.list_object_versions(Bucket=bucket, Prefix=name)["Versions"]:
        s3.administrator.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])


def flags(s3: S3Server, bucket: str) -> dict[str, str]:
    found = {}
    for each in s3.administrator.list_object_versions(Bucket=bucket)["Versions"]:
        there = s3.administrator.head_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
        found[each["Key"]] = there.get("ObjectLockLegalHoldStatus", "OFF")
    return found


def test_what_is_held_is_not_deleted_though_its_lock_is_over(s3: S3Server) -> None:
    name = s3.make(locked=True)
    store = S3Copies(s3.bucket(name), timedelta(seconds=1))
    for each in ("segments/1.log", "segments/2.log"):
        store.put(each, BytesIO(b"evidence"))
    store.hold("segments/1.log", on=True)
    store.hold("segments/1.log", on=True)
    time.sleep(2.1)
    delete(s3, name, "segments/2.log")
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(s3, name, "segments/1.log")
    store.hold("segments/1.log", on=False)
    delete(s3, name, "segments/1.log")
    assert list(store.names("segments/")) == []


def test_what_was_written_first_is_held_whatever_is_laid_over_it(s3: S3Server) -> None:
    name = s3.make(locked=True)
    store = S3Copies(s3.bucket(name), YEARS)
    store.put("segments/1.log", BytesIO(b"evidence"))
    s3.administrator.put_object(Bucket=name, Key="segments/1.log", Body=b"forged")
    store.hold("segments/1.log", on=True)
    newer, first = s3.administrator.list_object_versions(Bucket=name)["Versions"]
    told = [
        s3.administrator.head_object(Bucket=name, Key="segments/1.log", VersionId=each["VersionId"]).get("ObjectLockLegalHoldStatus")
        for each in (newer, first)
    ]
    assert told == [None, "ON"]


def test_what_is_not_there_or_has_no_versions_cannot_be_held(s3: S3Server) -> None:
    for locked in (True, False):
        with pytest.raises(Stop, match="cannot be held"):
            S3Copies(s3.bucket(s3.make(locked=locked)), YEARS).hold("segments/1.log", on=True)


def test_an_order_sets_the_flag_and_its_release_lifts_it_and_both_are_recorded(s3: S3Server, tmp_path: Path) -> None:
    name, clock = s3.make(locked=True), Time()
    log = open_log(tmp_path, time=clock)
    kept = Kept(tmp_path, log, S3Copies(s3.bucket(name, AuditJournal(log, lambda _owner: "")), YEARS), clock)
    kept.round()
    assert set(flags(s3, name).values()) == {"OFF"}
    kept.orders["case-17"] = HOLD
    kept.round()
    held = {each for each, flag in flags(s3, name).items() if flag == "ON"}
    assert {each.split("-")[0].removesuffix(".log") for each in held} == {
        "segments/0000000000000003", "manifests/0000000000000003.json", "hashes/0000000000000003.sha256"
    }
    log.append(event(unit="jj-roads"))
    kept.start()
    kept.round()
    assert {each for each, flag in flags(s3, name).items() if flag == "ON"} == held
    kept.orders["case-17.released"] = RELEASE
    kept.round()
    assert set(flags(s3, name).values()) == {"OFF"}
    pending, done = (Phase.INTENT, Outcome.PENDING, "3"), (Phase.OUTCOME, Outcome.SUCCESS, "3")
    assert kept.told() == [(action, *what) for action in (Action.ENABLE, Action.DISABLE) for what in (pending, done)]
    writes = [r for r in search(tmp_path) if r.target.id.endswith("?legal-hold") and r.phase is Phase.OUTCOME]
    assert len(writes) == 2 * len(held)
    log.close()
    assert verify(tmp_path, KEY).result is Result.OK
