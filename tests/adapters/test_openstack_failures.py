"""What each failure of OpenStack means: waiting helps, or somebody must change something."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
import urllib3
from keystoneauth1 import exceptions as keystone

from govcloud.adapters.openstack_failures import LostAnswer, translated
from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.journal import JournalUnavailable, NoEffectContext
from stacks.provider.session import AnswerLost


def answered(status: int, message: str = "") -> keystone.HttpError:
    """The exception that keystoneauth makes of such an answer."""
    response = requests.Response()
    response.status_code = status
    response.headers["x-openstack-request-id"] = "req-1"
    response.headers["Content-Type"] = "application/json"
    response._content = f'{{"error": {{"message": "{message}"}}}}'.encode()
    return keystone.from_response(response, "GET", "http://cloud/x")  # type: ignore[no-any-return]


def verdict_on(error: Exception) -> Retry | Stop:
    with pytest.raises((Retry, Stop)) as raised, translated("read volume 1"):
        raise error
    return raised.value


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (401, "", Reason.CLOUD_UNAUTHORIZED),
        (403, "Quota exceeded for instances", Reason.QUOTA_EXCEEDED),
        (404, "", Reason.CONFLICT),
        (409, "Quota exceeded for resources: ['port']", Reason.QUOTA_EXCEEDED),
        (409, "container not empty", Reason.CONFLICT),
        (413, "VolumeLimitExceeded", Reason.QUOTA_EXCEEDED),
        (413, "Upload exceeds quota.", Reason.QUOTA_EXCEEDED),
        (413, "", Reason.QUOTA_EXCEEDED),
        (429, "", Reason.CLOUD_UNREACHABLE),
        (400, "Invalid volume: Volume status must be available", Reason.CONFLICT),
        (400, "Invalid snapshot: in use", Reason.CONFLICT),
        (500, "", Reason.CLOUD_UNREACHABLE),
        (503, "", Reason.CLOUD_UNREACHABLE),
    ],
)
def test_answers_after_which_waiting_helps(status: int, message: str, reason: Reason) -> None:
    verdict = verdict_on(answered(status, message))
    assert isinstance(verdict, Retry) and verdict.reason is reason and verdict.after


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (400, "Invalid input received: size", Reason.INVALID_INPUT),
        (403, "Policy doesn't allow volume:create", Reason.CLOUD_UNAUTHORIZED),
        (403, "rule:get_quota is disallowed by policy", Reason.CLOUD_UNAUTHORIZED),
        (405, "", Reason.INVALID_INPUT),
        (413, "Your request is too large.", Reason.INVALID_INPUT),
        (422, "", Reason.INVALID_INPUT),
    ],
)
def test_answers_after_which_someone_must_change_something(status: int, message: str, reason: Reason) -> None:
    verdict = verdict_on(answered(status, message))
    assert isinstance(verdict, Stop) and verdict.reason is reason


@pytest.mark.parametrize("status", [403, 409, 413])
def test_a_full_quota_is_waited_for_longer_than_anything_else(status: int) -> None:
    full, busy = verdict_on(answered(status, "quota exceeded")), verdict_on(answered(503))
    assert isinstance(full, Retry) and isinstance(busy, Retry) and full.after and busy.after
    assert full.after > busy.after >= timedelta(seconds=5)


def test_the_sentence_says_what_was_done_what_the_service_said_and_under_which_request() -> None:
    message = verdict_on(answered(400, "Invalid input received: size")).message
    assert message == "read volume 1: Invalid input received: size [HTTP 400] (request req-1)"


@pytest.mark.parametrize(
    "error",
    [
        keystone.ConnectFailure("refused"),
        keystone.ConnectTimeout("slow"),
        keystone.UnknownConnectionError("odd", OSError()),
        keystone.EndpointNotFound("no volume service"),
        keystone.EmptyCatalog("nothing"),
        keystone.DiscoveryFailure("html"),
        requests.exceptions.ChunkedEncodingError("broke off"),
        urllib3.exceptions.ProtocolError("broke off"),
        urllib3.exceptions.ReadTimeoutError(None, "", "slow"),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_is_waited_for(error: Exception) -> None:
    verdict = verdict_on(error)
    assert isinstance(verdict, Retry) and verdict.reason is Reason.CLOUD_UNREACHABLE


def test_a_refused_login_is_told_apart_from_a_silent_cloud() -> None:
    verdict = verdict_on(keystone.AuthorizationFailure("wrong password"))
    assert isinstance(verdict, Retry) and verdict.reason is Reason.CLOUD_UNAUTHORIZED


def test_a_lost_answer_is_known_as_such() -> None:
    assert isinstance(verdict_on(AnswerLost("volumev3", "req-2", "ReadTimeout")), LostAnswer)


def test_a_write_that_could_not_be_recorded_is_the_audit_logs_failure() -> None:
    with pytest.raises(AuditUnavailable, match="not sent"), translated("make a volume"):
        raise JournalUnavailable("no space left on device")


@pytest.mark.parametrize("error", [KeyError("id"), AssertionError(), NoEffectContext("no effect"), TypeError()])
def test_a_fault_of_ours_rises_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), translated("read volume 1"):
        raise error


@pytest.mark.parametrize("error", [Retry(Reason.CONFLICT, "x"), Stop(Reason.INVALID_INPUT, "y")])
def test_what_is_translated_already_passes_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translated("outer"), translated("inner"):
        raise error
    assert raised.value is error
