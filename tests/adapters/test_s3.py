"""A store that speaks S3: what it locks stays, whatever its administrator does; what it refuses is told; every write is recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from adapters.s3_server import SECRET, S3Server
from botocore.exceptions import ClientError
from provider.provider_kit import MemoryJournal

from govcloud.adapters.s3_bucket import Bucket
from govcloud.adapters.s3_copies import S3Copies
from govcloud.adapters.s3_login import S3Login
from govcloud.audit.copies import digest_of
from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.s3_address import S3Address

YEAR = timedelta(days=365)


# ---------------------------------------------------------------- what is locked


def test_nobody_deletes_a_locked_copy_before_its_time(s3: S3Server) -> None:
    name = s3.make(locked=True)
    store = S3Copies(s3.bucket(name), YEAR)
    store.put("segments/1.log", BytesIO(b"evidence"))
    (version,) = s3.administrator.list_object_versions(Bucket=name)["Versions"]
    for bypass in (False, True):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.administrator.delete_object(
                Bucket=name, Key=version["Key"], VersionId=version["VersionId"], BypassGovernanceRetention=bypass
            )
    assert b"".join(store.read("segments/1.log")) == b"evidence"
    assert store.lock() == YEAR


def test_the_lock_lasts_as_long_as_the_log_is_kept_by_the_stores_own_clock(s3: S3Server) -> None:
    name = s3.make(locked=True)
    S3Copies(s3.bucket(name), YEAR).put("segments/1.log", BytesIO(b"evidence"))
    there = s3.administrator.head_object(Bucket=name, Key="segments/1.log")
    assert there["ObjectLockMode"] == "COMPLIANCE"
    assert timedelta() <= there["LastModified"] + YEAR - there["ObjectLockRetainUntilDate"] < timedelta(seconds=10)


def test_what_was_written_first_counts_whatever_is_laid_over_it(s3: S3Server) -> None:
    name = s3.make(locked=True)
    store = S3Copies(s3.bucket(name), YEAR)
    for each in ("segments/1.log", "segments/2.log"):
        store.put(each, BytesIO(b"evidence"))
    s3.administrator.put_object(Bucket=name, Key="segments/1.log", Body=b"forged")
    s3.administrator.delete_object(Bucket=name, Key="segments/2.log")
    s3.administrator.delete_object(Bucket=name, Key="segments/3.log")
    assert "Contents" not in s3.administrator.list_objects_v2(Bucket=name, Prefix="segments/2.log")
    assert list(store.names("segments/")) == ["segments/1.log", "segments/2.log"]
    for each in ("segments/1.log", "segments/2.log"):
        kept = store.find(each)
        assert kept is not None
        assert kept.sha256 == digest_of([b"evidence"])[0]
        assert b"".join(store.read(each)) == b"evidence"
        with pytest.raises(Stop, match="already"):
            store.put(each, BytesIO(b"again"))
    assert store.find("segments/3.log") is None


def test_a_bucket_without_lock_says_so_and_is_used(s3: S3Server) -> None:
    store = S3Copies(s3.bucket(s3.make(locked=False)), YEAR)
    assert store.lock() is None
    store.put("segments/1.log", BytesIO(b"x"))
    assert store.find("segments/2.log") is None


def test_versions_that_fill_pages_are_all_seen(s3: S3Server) -> None:
    name = s3.make(locked=True)
    bucket = s3.bucket(name)
    store = S3Copies(bucket, YEAR)
    for number in range(5):
        store.put(f"segments/{number}", BytesIO(b"first"))
        s3.administrator.put_object(Bucket=name, Key=f"segments/{number}", Body=b"second")
    for page in (1, 2, 3, 1_000):
        assert list(bucket.names("segments/", page=page)) == [f"segments/{number}" for number in range(5)]


def test_a_reading_that_is_not_wanted_any_more_is_closed(s3: S3Server) -> None:
    store = S3Copies(s3.bucket(s3.make(locked=False)), YEAR)
    store.put("segments/1.log", BytesIO(bytes(3_000_000)))
    with closing(store.read("segments/1.log")) as pieces:  # type: ignore[type-var]
        assert next(pieces)
    assert len(b"".join(store.read("segments/1.log"))) == 3_000_000


# ---------------------------------------------------------------- what is recorded


def test_each_write_is_recorded_before_and_after(s3: S3Server) -> None:
    journal, name = MemoryJournal(), s3.make(locked=True)
    store = S3Copies(s3.bucket(name, journal), YEAR)
    store.put("segments/1.log", BytesIO(b"x"))
    ((context, write),) = journal.intents
    ((_, outcome),) = journal.outcomes
    assert (context.owner, context.operation, context.type) == ("", "backup", "s3:object")
    assert (write.system, write.service, write.method, write.path) == ("s3", "objects", "PUT", f"/{name}/segments/1.log")
    assert (outcome.result, outcome.status, len(outcome.service_request_ids)) == ("success", 200, 1)


def test_what_cannot_be_recorded_is_not_sent(s3: S3Server) -> None:
    journal, name = MemoryJournal(full=True), s3.make(locked=False)
    with pytest.raises(AuditUnavailable, match="could not be recorded"):
        S3Copies(s3.bucket(name, journal), YEAR).put("segments/1.log", BytesIO(b"x"))
    assert s3.administrator.list_objects_v2(Bucket=name)["KeyCount"] == 0


# ---------------------------------------------------------------- what a store may answer


class Script:
    """Answers as they are told, in order; what comes later gets the last one. `headers` of what was asked are kept."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, dict[str, str]]]()

    def next(self) -> tuple[int, str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def saying(folder: Path, *answers: tuple[int, str], journal: MemoryJournal | None = None) -> Iterator[tuple[S3Copies, Script]]:
    """A store that answers so: a status, and AWS's word for the error, or a document. Status 0 is no answer at all."""
    script = Script(*answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # so that it asks for a body at once

        def handle_one(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.asked.append((self.command, dict(self.headers.items())))
            status, code = script.next()
            if not status:
                self.close_connection = True
                self.connection.close()
                return
            error = "" if status < 400 else f"<Error><Code>{code}</Code><Message>no</Message></Error>"
            body = b"" if self.command == "HEAD" else (error or code).encode()
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC), usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = handle_one  # noqa: N815  the library's names

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield S3Copies(_bucket(folder, server.server_port, journal), YEAR), script
    finally:
        server.shutdown()
        server.server_close()


def _bucket(folder: Path, port: int, journal: MemoryJournal | None = None) -> Bucket:
    credentials = folder / "credentials"
    credentials.write_text(f"[default]\naws_access_key_id = tests\naws_secret_access_key = {SECRET}\n")
    return Bucket(S3Login(S3Address("audit", f"http://127.0.0.1:{port}"), credentials), journal or MemoryJournal())


NO_LOCK = (404, "ObjectLockConfigurationNotFoundError")
ABSENT = (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("answer", "raised", "said", "recorded"),
    [
        ((403, "AccessDenied"), Stop, "the key may not do this", "failure"),
        ((404, "NoSuchBucket"), Stop, "with Object Lock turned on", "failure"),
        ((409, "ConditionalRequestConflict"), Retry, "409", "failure"),
        ((412, "PreconditionFailed"), Stop, "the name is taken, and what is there stays", "failure"),
        ((429, "TooManyRequests"), Retry, "429", "failure"),
        ((400, "InvalidRequest"), Stop, "InvalidRequest", "failure"),
        ((500, "InternalError"), Retry, "500", "unknown"),
        ((503, "SlowDown"), Retry, "SlowDown", "failure"),
        ((504, "GatewayTimeout"), Retry, "504", "unknown"),
        ((0, ""), Retry, "does not answer", "unknown"),
    ],
)
def test_a_write_is_sent_once_and_its_outcome_recorded_as_it_is_known(
    tmp_path: Path, answer: tuple[int, str], raised: type[Exception], said: str, recorded: str
) -> None:
    journal = MemoryJournal()
    with saying(tmp_path, NO_LOCK, ABSENT, answer, journal=journal) as (store, script), pytest.raises(raised, match=said) as error:
        store.put("segments/1.log", BytesIO(b"x"))
    assert [method for method, _ in script.asked] == ["GET", "HEAD", "PUT"]
    assert [outcome.result for _, outcome in journal.outcomes] == [recorded]
    assert journal.outcomes[0][1].error == (f"HTTP {answer[0]}" if answer[0] else "ConnectionClosedError")
    assert SECRET not in str(error.value)


def test_a_store_without_conditions_is_written_to_after_a_look(tmp_path: Path) -> None:
    with saying(tmp_path, NO_LOCK, ABSENT, (501, "NotImplemented"), (200, ""), ABSENT, (200, "")) as (store, script):
        store.put("segments/1.log", BytesIO(b"x"))
        store.put("segments/2.log", BytesIO(b"x"))
    puts = [headers for method, headers in script.asked if method == "PUT"]
    assert ["If-None-Match" in headers for headers in puts] == [True, False, False]


def test_a_store_that_does_not_lock_although_it_was_asked_to_is_refused(tmp_path: Path) -> None:
    lock = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
    answers = (200, lock), (200, "<ListVersionsResult/>"), (200, "")
    refused = pytest.raises(Stop, match="does not say that nobody can delete it before")
    with saying(tmp_path, *answers) as (store, script), refused:
        store.put("segments/1.log", BytesIO(b"x"))
    assert [method for method, _ in script.asked] == ["GET", "GET", "PUT", "HEAD"]
    assert script.asked[2][1]["x-amz-object-lock-mode"] == "COMPLIANCE"


def test_what_lies_unlocked_in_a_locked_bucket_is_no_copy_and_can_be_read(s3: S3Server) -> None:
    name = s3.make(locked=True)
    s3.administrator.put_object(Bucket=name, Key="segments/1.log", Body=b"evidence")
    store = S3Copies(s3.bucket(name), YEAR)
    with pytest.raises(Stop, match=r"segments/1.log of bucket audit-.* is not locked"):
        store.find("segments/1.log")
    assert b"".join(store.read("segments/1.log")) == b"evidence"


def test_who_may_not_ask_about_the_lock_is_told_and_nothing_is_stored(tmp_path: Path) -> None:
    with saying(tmp_path, (403, "AccessDenied")) as (store, script), pytest.raises(Stop, match=r"ask whether bucket audit has Object Lock: .*AccessDenied"):
        store.put("segments/1.log", BytesIO(b"x"))
    assert {method for method, _ in script.asked} == {"GET"}


def test_reading_is_tried_again_and_an_address_where_nobody_listens_is_said(tmp_path: Path) -> None:
    with saying(tmp_path, (503, "SlowDown"), NO_LOCK) as (store, script):
        assert store.lock() is None
    assert len(script.asked) == 2
    journal = MemoryJournal()
    with pytest.raises(Retry, match="does not answer"):
        S3Copies(_bucket(tmp_path, 1, journal), YEAR).put("segments/1.log", BytesIO(b"x"))
    assert journal.intents == []


# ---------------------------------------------------------------- the key


@pytest.mark.parametrize(
    "text",
    ["", SECRET, "[default]\naws_secret_access_key = never-in-any-log\n", "[other]\naws_access_key_id = x\n", "[default\nnever-in-any-log"],
)
def test_a_file_without_a_key_is_said_and_never_quoted(tmp_path: Path, text: str) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text(text)
    with pytest.raises(Stop, match="aws_access_key_id = … and aws_secret_access_key") as error:
        S3Login(S3Address("audit"), credentials).clients()
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="No such file"):
        S3Login(S3Address("audit"), tmp_path / "nowhere").clients()


def test_a_new_key_is_read_when_the_file_changes(tmp_path: Path) -> None:
    bucket = _bucket(tmp_path, 1)
    login = bucket._login
    before = login.clients()
    assert login.clients() is before
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = other\naws_secret_access_key = y\n")
    assert login.clients() is not before


# ---------------------------------------------------------------- the address


def test_an_address_is_a_bucket_with_an_endpoint_and_a_region() -> None:
    assert S3Address.parse("s3://audit") == S3Address("audit", "", "us-east-1")
    parsed = S3Address.parse("s3://audit?endpoint=https://s3.example.gov.cn:9000/&region=jiangxi")
    assert parsed == S3Address("audit", "https://s3.example.gov.cn:9000", "jiangxi")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("audit", "right would be s3://BUCKET"),
        ("http://audit", "right would be s3://BUCKET"),
        ("s3://", "is no bucket"),
        ("s3://A_B", "is no bucket"),
        ("s3://audit/folder", "is no bucket"),
        ("s3://audit?endpoint=s3.example.gov.cn", "right would be https://HOST:PORT"),
        ("s3://audit?endpoint=https://", "right would be https://HOST:PORT"),
        ("s3://audit?endpoint=https://a:b@s3.example.gov.cn", "put the key into the file"),
        ("s3://audit?endpint=https://s3.example.gov.cn", "'endpint' is unknown"),
    ],
)
def test_another_address_is_refused_with_what_would_be_right(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        S3Address.parse(url)
