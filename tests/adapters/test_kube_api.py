"""The HTTP client: what it asks, what it makes of the answers, and that no foreign exception leaves it."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from adapters.kube_server import HANG_UP, Say, client_of, server_saying
from provider.provider_kit import unused_port

from govcloud.adapters.kube_api import path_of
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

UNITS = path_of("govcloud.dev/v1alpha1/usingunits")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (path_of("v1/namespaces", "town"), "/api/v1/namespaces/town"),
        (path_of("apps/v1/controllerrevisions", namespace="town"), "/apis/apps/v1/namespaces/town/controllerrevisions"),
        (
            path_of("govcloud.dev/v1alpha1/cloudservicerequests", "a", namespace="town", under="status"),
            "/apis/govcloud.dev/v1alpha1/namespaces/town/cloudservicerequests/a/status",
        ),
        (path_of("v1/secrets", "../../x", namespace="town"), "/api/v1/namespaces/town/secrets/..%2F..%2Fx"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert path == expected


def test_a_list_is_read_page_by_page() -> None:
    first = {"metadata": {"continue": "more"}, "items": [{"n": 1}, {"n": 2}]}
    with server_saying(Say(content=first), Say(content={"metadata": {}, "items": [{"n": 3}]})) as (api, script):
        assert api.every(UNITS, labels="a=b") == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert [asked.query.get("continue") for asked in script.asked] == [None, "more"]
    assert all(asked.query["limit"] == "500" and asked.query["labelSelector"] == "a=b" for asked in script.asked)


def test_a_list_that_expired_half_way_is_read_anew_and_nothing_is_read_twice() -> None:
    half = {"metadata": {"continue": "more"}, "items": [{"n": 1}]}
    expired = Say(410, {"message": "the continue token is too old"})
    with server_saying(Say(content=half), expired, Say(content={"items": [{"n": 1}, {"n": 2}]})) as (api, _):
        assert api.every(UNITS) == [{"n": 1}, {"n": 2}]


def test_a_list_that_expires_again_and_again_is_given_up_for_now() -> None:
    half, expired = Say(content={"metadata": {"continue": "more"}, "items": []}), Say(410, {"message": "too old"})
    with server_saying(*[half, expired] * 3) as (api, _), pytest.raises(Retry) as caught:
        api.every(UNITS)
    assert caught.value.reason is Reason.CONFLICT


def test_what_does_not_exist_is_none_and_what_exists_already_is_not_made_twice() -> None:
    with server_saying(Say(404, {"message": "not found"}), Say(409, {"reason": "AlreadyExists"})) as (api, _):
        assert api.read(f"{UNITS}/none") is None
        assert api.create(UNITS, {"metadata": {}}) is None


@pytest.mark.parametrize(
    ("write", "content_type"),
    [
        ("create", "application/json"),
        ("replace", "application/json"),
        ("merge", "application/merge-patch+json"),
        ("apply", "application/apply-patch+yaml"),
    ],
)
def test_every_write_says_what_it_is_and_by_whom(write: str, content_type: str) -> None:
    body = {"metadata": {"name": "市", "labels": {"gone": None}}}
    with server_saying(Say(content={"metadata": {}})) as (api, script):
        getattr(api, write)(f"{UNITS}/a", body)
    (asked,) = script.asked
    assert asked.headers["content-type"] == content_type
    assert asked.query["fieldManager"] == "govcloud"
    assert asked.query.get("force") == ("true" if write == "apply" else None)
    assert asked.headers["user-agent"] == "govcloud"
    assert asked.body == body


POLICY = "ValidatingAdmissionPolicy 'govcloud-x' with binding 'govcloud-x' denied request: no / 不行"
CLOSING = {"message": "it is being terminated", "details": {"causes": [{"reason": "NamespaceTerminating"}]}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "words"),
    [
        (401, {"message": "Unauthorized"}, Retry, Reason.CLUSTER_UNREACHABLE, "login"),
        (403, {"message": "cannot patch"}, Retry, Reason.CLUSTER_UNREACHABLE, "deploy/rbac"),
        (403, {"message": POLICY}, Stop, Reason.CLUSTER_REFUSED, "denied request: no / 不行"),
        (403, CLOSING, Stop, Reason.CLUSTER_REFUSED, "namespace is being deleted"),
        (404, {"message": "not found"}, Retry, Reason.CONFLICT, "gone"),
        (409, {"message": "modified"}, Retry, Reason.CONFLICT, "at the same time"),
        (422, {"message": "spec.x: Required"}, Stop, Reason.PROGRAM_FAULT, "spec.x: Required"),
        (413, {"message": "too large"}, Stop, Reason.PROGRAM_FAULT, "too large"),
        (429, {"message": "slow down"}, Retry, Reason.CLUSTER_UNREACHABLE, "overloaded"),
        (500, {"message": "etcd"}, Retry, Reason.CLUSTER_UNREACHABLE, "etcd"),
        (503, b"<html>no backend</html>", Retry, Reason.CLUSTER_UNREACHABLE, "no backend"),
    ],
)
def test_failures_are_sorted_by_the_table(
    status: int, body: Any, kind: type[Retry] | type[Stop], reason: Reason, words: str
) -> None:
    with server_saying(Say(status, body)) as (api, _), pytest.raises(kind) as caught:
        api.replace(f"{UNITS}/a/status", {"metadata": {}})
    assert caught.value.reason is reason
    assert words in caught.value.message
    assert f"PUT {UNITS}/a/status" in caught.value.message


def test_the_server_says_how_long_to_wait() -> None:
    with server_saying(Say(429, {"message": "x"}, {"Retry-After": "7"})) as (api, _), pytest.raises(Retry) as caught:
        api.read(UNITS)
    assert caught.value.after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "answer", [HANG_UP, Say(200, b"<html>welcome</html>"), Say(200, b"")], ids=["hang-up", "html", "empty"]
)
def test_an_answer_that_is_none_is_no_answer(answer: Say) -> None:
    """Above all it never looks like an empty list."""
    with server_saying(answer) as (api, _), pytest.raises(Retry) as caught:
        api.every(UNITS)
    assert caught.value.reason is Reason.CLUSTER_UNREACHABLE


def test_a_lost_answer_is_not_asked_for_again() -> None:
    """Whether a write arrived is not known here; whoever knows whether twice is harmless decides."""
    with server_saying(HANG_UP, Say(content={})) as (api, script):
        with pytest.raises(Retry):
            api.create(UNITS, {"metadata": {}})
        assert len(script.asked) == 1


def test_a_server_that_says_nothing_does_not_hold_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        api = client_of(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(Retry, match="does not answer"):
            api.with_patience(0.1).read(UNITS)


def test_nobody_there() -> None:
    with pytest.raises(Retry, match="does not answer") as caught:
        client_of(f"http://127.0.0.1:{unused_port()}").read(UNITS)
    assert caught.value.reason is Reason.CLUSTER_UNREACHABLE
