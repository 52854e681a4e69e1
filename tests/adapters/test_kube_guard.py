"""The sealed record of the admission policies: what the controller wrote is read again, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from adapters.kube_server import HANG_UP, Say, server_saying
from audit.logs import SIGNER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.adapters.kube_api import KubeApi
from govcloud.adapters.kube_guard import GuardRecord
from govcloud.audit.notes import Ed25519Signer
from govcloud.core.guard import Guard, Window
from govcloud.failures import Retry

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SEEN = Guard(
    marks={"ValidatingAdmissionPolicy/one": "uid/1"},
    intact_until=NOON,
    seen=("a", "b"),
    windows=(Window(since=None, until=NOON), Window(since=NOON, spared=("a",))),
)


def stored(data: Mapping[str, str], version: str = "7") -> Say:
    return Say(content={"metadata": {"name": "govcloud-guard", "resourceVersion": version}, "data": dict(data)})


def written(guard: Guard) -> dict[str, str]:
    """The data of the ConfigMap that holds this."""
    with server_saying(stored({}, "1"), stored({}, "2")) as (api, script):
        record = of(api)
        record.write(guard, replacing=record.read())
    return dict(script.asked[-1].body["data"])


def of(api: KubeApi) -> GuardRecord:
    return GuardRecord(api, "govcloud-system", SIGNER)


def read(data: Mapping[str, str]) -> Guard:
    with server_saying(stored(data)) as (api, _):
        return of(api).read()


def test_what_is_written_is_read_again() -> None:
    assert read(written(SEEN)) == SEEN


def test_as_installed_it_holds_nothing_and_accuses_nobody(caplog: pytest.LogCaptureFixture) -> None:
    assert read({}) == Guard()
    assert caplog.text == ""


def other_key(data: dict[str, str]) -> dict[str, str]:
    with server_saying(stored({}, "1"), stored({}, "2")) as (api, script):
        record = GuardRecord(api, "govcloud-system", Ed25519Signer("another", Ed25519PrivateKey.generate()))
        record.write(SEEN, replacing=record.read())
    return dict(script.asked[-1].body["data"])


FORGERIES: list[Any] = [
    pytest.param(lambda data: {**data, "record": data["record"].replace("uid/1", "uid/2")}, id="other-words"),
    pytest.param(lambda data: {**data, "record": data["record"] + " "}, id="a-space"),
    pytest.param(lambda data: {**data, "seal": ""}, id="no-seal"),
    pytest.param(lambda data: {**data, "seal": "!"}, id="no-base64"),
    pytest.param(lambda data: {"seal": data["seal"]}, id="no-record"),
    pytest.param(lambda data: {}, id="emptied"),
    pytest.param(other_key, id="another-key"),
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_record_of_somebody_else_is_none(forge: Any) -> None:
    assert read(forge(written(SEEN))) == Guard()


def test_it_is_read_once_and_replaced_under_the_version_that_was_read() -> None:
    with server_saying(stored(written(SEEN), "7"), stored({}, "8"), stored({}, "9")) as (api, script):
        record = of(api)
        record.write(Guard(), replacing=record.read())
        record.write(SEEN, replacing=record.read())
    assert [asked.method for asked in script.asked] == ["GET", "PUT", "PUT"]
    assert [asked.body["metadata"]["resourceVersion"] for asked in script.asked[1:]] == ["7", "8"]


def test_what_another_thread_wrote_is_not_overwritten() -> None:
    with server_saying(stored({}, "1"), stored({}, "2")) as (api, _):
        record = of(api)
        before = record.read()
        record.write(SEEN, replacing=before)
        with pytest.raises(Retry, match="looked at meanwhile"):
            record.write(Guard(intact_until=NOON), replacing=before)
        assert record.read() == SEEN


@pytest.mark.parametrize("answer", [HANG_UP, Say(409, {"reason": "Conflict"}), Say(503)])
def test_after_an_answer_that_was_lost_it_is_read_anew(answer: Say) -> None:
    with server_saying(stored(written(SEEN)), answer, stored(written(SEEN), "9")) as (api, script):
        record = of(api)
        with pytest.raises(Retry):
            record.write(Guard(), replacing=record.read())
        assert record.read() == SEEN
    assert [asked.method for asked in script.asked] == ["GET", "PUT", "GET"]


def test_without_the_config_map_nothing_is_kept_until_it_is_there_again() -> None:
    with server_saying(Say(404), stored({}, "3"), stored({}, "4")) as (api, script):
        record = of(api)
        assert record.read() == Guard()
        with pytest.raises(Retry, match=r"apply --server-side -f deploy/rbac/controller\.yaml"):
            record.write(SEEN, replacing=Guard())
        record.write(SEEN, replacing=record.read())
    assert [asked.method for asked in script.asked] == ["GET", "GET", "PUT"]
