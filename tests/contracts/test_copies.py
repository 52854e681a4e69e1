"""What the audit log may rely on of every store of copies: written once, read back, missing things are missing. Tried on all of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from adapters import openstack_kit as loopback
from adapters.s3_server import S3Server
from provider.provider_kit import FastClock, MemoryJournal

from devcloud.paths import state_directory
from govcloud.adapters.memory import FixedClock, Wire
from govcloud.adapters.memory.copies import MemoryCopies
from govcloud.adapters.openstack_copies import SwiftCopies
from govcloud.adapters.openstack_login import CloudLogins
from govcloud.adapters.openstack_swift import Container
from govcloud.adapters.reading_journal import ReadingJournal
from govcloud.adapters.s3_copies import S3Copies
from govcloud.audit.copies import CopyStore, digest_of
from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Stop
from stacks.provider.journal import EffectContext, effect

CONTENT = b"line\n" * 50_000
YEARS = timedelta(days=1_095)


@pytest.fixture
def twin() -> CopyStore:
    return MemoryCopies(Wire(), FixedClock(datetime(2026, 5, 1, tzinfo=UTC)))


@pytest.fixture
def played() -> Iterator[CopyStore]:
    with loopback.running_cloud() as cloud:
        logins = loopback.Logins(cloud, clock=FastClock())
        yield SwiftCopies(lambda: logins("govcloud-backups"), "govcloud-audit")


@pytest.fixture
def bucket(s3: S3Server) -> CopyStore:
    return S3Copies(s3.bucket(s3.make(locked=False)), YEARS)


@pytest.fixture
def locked(s3: S3Server) -> CopyStore:
    return S3Copies(s3.bucket(s3.make(locked=True)), YEARS)


@pytest.fixture
def real() -> Iterator[CopyStore]:
    """A container of its own in the development cloud, with the very login that the controller has."""
    clouds_yaml, name = state_directory() / "clouds.yaml", f"contract-{secrets.token_hex(4)}"
    logins = CloudLogins("govcloud", MemoryJournal(), clouds_yaml)
    yield SwiftCopies(lambda: logins("govcloud-backups"), name)
    login = logins("govcloud-backups")
    container = Container(login, login.project_id, name)
    with effect(EffectContext("", "tests", "tests", "tests", "delete", "tests", 0)):
        for each in list(container.objects()) if container.exists() else ():
            container.remove(each.name)
        container.delete()


@pytest.fixture(params=["twin", "played", "bucket", "locked", pytest.param("real", marks=pytest.mark.cluster)])
def store(request: pytest.FixtureRequest) -> CopyStore:
    found: CopyStore = request.getfixturevalue(request.param)
    return found


def test_what_was_stored_is_read_back_byte_for_byte(store: CopyStore) -> None:
    assert list(store.names("")) == []
    assert store.find("segments/1.log") is None
    store.put("segments/1.log", BytesIO(CONTENT))
    kept = store.find("segments/1.log")
    assert kept is not None
    assert kept.sha256 == digest_of([CONTENT])[0]
    assert timedelta() <= kept.age < timedelta(minutes=5)
    assert b"".join(store.read("segments/1.log")) == CONTENT


def test_a_name_is_written_once_and_what_is_there_stays(store: CopyStore) -> None:
    store.put("manifests/1.json", BytesIO(b"first"))
    with pytest.raises(Stop):
        store.put("manifests/1.json", BytesIO(b"second"))
    assert b"".join(store.read("manifests/1.json")) == b"first"


def test_names_come_sorted_and_by_their_beginning(store: CopyStore) -> None:
    for name in ("manifests/2", "segments/1", "manifests/10", "manifests/1"):
        store.put(name, BytesIO(b"x"))
    assert list(store.names("manifests/")) == ["manifests/1", "manifests/10", "manifests/2"]
    assert list(store.names("nothing/")) == []


def test_a_command_that_only_reads_sends_no_write() -> None:
    with loopback.running_cloud() as cloud:
        logins = loopback.Logins(cloud, ReadingJournal(), FastClock())
        store = SwiftCopies(lambda: logins("govcloud-backups"), "govcloud-audit")
        with pytest.raises(AuditUnavailable, match="only reads"):
            store.put("segments/1", BytesIO(b"x"))
        assert cloud.swift == {}


def test_each_write_is_accounted_to_the_log_itself_and_to_no_request() -> None:
    with loopback.running_cloud() as cloud:
        journal = MemoryJournal()
        logins = loopback.Logins(cloud, journal, FastClock())
        SwiftCopies(lambda: logins("govcloud-backups"), "govcloud-audit").put("segments/1", BytesIO(b"x"))
        assert [(context.owner, context.operation) for context, _ in journal.intents] == [("", "backup")] * 2
