"""The witness of writes: every request that may change something, none that may not, each on a line of its own."""

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from devcloud.openstack.services.witness import Witness


def service(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers like an OpenStack service, and rewrites the request's path on the way, as they do."""
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/rewritten", "/"
    start_response("202 Accepted", [("Content-Type", "text/plain"), ("x-openstack-request-id", "req-answer")])
    return [b"done"]


def ask(witness: Witness, method: str, path: str = "/v2.1/servers", **more: str) -> bytes:
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, **more}
    return b"".join(witness(environ, lambda *_answer: None))


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "writes.jsonl"


def test_a_write_leaves_a_line_that_identifies_it(journal: Path) -> None:
    witness = Witness(service, "nova", journal, journal.with_name("reads.jsonl"))
    answer = ask(witness, "POST", HTTP_USER_AGENT="govcloud/1", HTTP_X_OPENSTACK_REQUEST_ID="req-asked")
    assert answer == b"done"
    (line,) = lines(journal)
    assert line.pop("time") > 0
    assert line == {
        "service": "nova", "method": "POST", "path": "/v2.1/servers", "status": 202, "user_agent": "govcloud/1",
        "global_request_id": "req-asked", "request_id": "req-answer",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "COPY"])
def test_whatever_may_change_something_is_a_write(journal: Path, method: str) -> None:
    ask(Witness(service, "swift", journal, journal.with_name("reads.jsonl")), method)
    assert [line["method"] for line in lines(journal)] == [method]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_are_counted_apart(journal: Path, method: str) -> None:
    assert ask(Witness(service, "swift", journal, journal.with_name("reads.jsonl")), method) == b"done"
    assert lines(journal) == []
    assert [line["service"] for line in lines(journal.with_name("reads.jsonl"))] == ["swift"]


@pytest.mark.parametrize("header", ["X-OpenStack-Request-Id", "x-compute-request-id", "X-Trans-Id"])
def test_the_answers_request_id_is_found_under_each_of_its_names(journal: Path, header: str) -> None:
    def answers(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("404 Not Found", [(header, "id-1")])
        return []

    ask(Witness(answers, "any", journal, journal.with_name("reads.jsonl")), "DELETE")
    (line,) = lines(journal)
    assert (line["status"], line["request_id"]) == (404, "id-1")


def test_lines_of_many_threads_and_services_do_not_mix(journal: Path) -> None:
    witnesses = [Witness(service, name, journal, journal.with_name("reads.jsonl")) for name in ("nova", "cinder")]
    path = "/" + "x" * 3000
    threads = [
        threading.Thread(target=lambda witness=witness: [ask(witness, "PUT", path) for _ in range(50)])
        for witness in witnesses * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(journal)) == 400
    assert {line["path"] for line in lines(journal)} == {path}
