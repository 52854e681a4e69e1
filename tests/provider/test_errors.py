"""A failure becomes one sentence with a code; nothing secret and nothing internal is in it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions as ksa

from stacks.provider import errors
from stacks.provider.errors import Code, ProviderError, QuarantinedDuplicates
from stacks.provider.journal import JournalUnavailable
from stacks.provider.session import AnswerLost


def answered(status: int, body: Any = None, text: str | None = None) -> ksa.HttpError:
    """What keystoneauth raises for such an answer."""
    response = requests.Response()
    response.status_code = status
    response._content = text.encode() if text is not None else requests.compat.json.dumps(body or {}).encode()
    response.headers["Content-Type"] = "application/json" if text is None else "text/html"
    response.headers["x-openstack-request-id"] = "req-1"
    error = ksa.from_response(response, "POST", "http://cloud/v3/volumes")
    assert isinstance(error, ksa.HttpError)
    return error


NEUTRON_QUOTA = {
    "NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port'].", "detail": ""}
}
NEUTRON_BUSY = {
    "NeutronError": {"type": "NetworkInUse", "message": "Unable to complete operation on network.", "detail": ""}
}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (answered(409, NEUTRON_QUOTA), Code.QUOTA_EXCEEDED),
        (answered(403, {"forbidden": {"message": "Quota exceeded for cores", "code": 403}}), Code.QUOTA_EXCEEDED),
        (
            answered(413, {"overLimit": {"message": "VolumeSizeExceedsAvailableQuota", "code": 413}}),
            Code.QUOTA_EXCEEDED,
        ),
        (answered(403, {"forbidden": {"message": "Policy doesn't allow it", "code": 403}}), Code.UNAUTHORIZED),
        (answered(403, {"NeutronError": {"message": "rule:get_quota is disallowed by policy"}}), Code.UNAUTHORIZED),
        (answered(401, {"error": {"message": "The request requires authentication.", "code": 401}}), Code.UNAUTHORIZED),
        (answered(404, {"itemNotFound": {"message": "Image x could not be found.", "code": 404}}), Code.NOT_FOUND),
        (answered(409, NEUTRON_BUSY), Code.CONFLICT),
        (answered(400, {"badRequest": {"message": "Invalid input", "code": 400}}), Code.INVALID),
        (answered(400, {"badRequest": {"message": "Key manager error", "code": 400}}), Code.UNREACHABLE),
        (answered(500, {"computeFault": {"message": "Unexpected API Error.", "code": 500}}), Code.UNREACHABLE),
        (answered(503, text="<html>down</html>"), Code.UNREACHABLE),
        (answered(429, {}), Code.UNREACHABLE),
        (ksa.ConnectFailure("no route"), Code.UNREACHABLE),
        (ksa.EndpointNotFound(), Code.UNREACHABLE),
        (JournalUnavailable("disk full"), Code.JOURNAL_UNAVAILABLE),
        (AnswerLost("compute", "req-2", "ReadTimeout"), Code.ANSWER_LOST),
        (ProviderError(Code.TIMEOUT, "too long"), Code.TIMEOUT),
        (ValueError("a bug with s3cret inside"), Code.FAILED),
    ],
)
def test_every_failure_has_its_code(error: Exception, code: Code) -> None:
    told = errors.in_words(error, "compute Instance web-0")
    assert told.code is code
    assert str(told).startswith(f"{code.value}: ")
    assert errors.code_in(f"error: 1 error occurred: {told}") is code


def test_the_services_own_words_and_its_request_id_are_told() -> None:
    told = errors.in_words(answered(409, NEUTRON_BUSY), "networking Network net")
    assert str(told) == "Conflict: networking Network net: Unable to complete operation on network. (request req-1)"


def test_a_page_of_a_proxy_is_not_repeated() -> None:
    assert "html" not in str(errors.in_words(answered(502, text="<html>internal</html>"), "x"))


def test_an_unexpected_exception_shows_its_type_and_not_its_words() -> None:
    told = errors.in_words(RuntimeError("password=hunter2"), "x")
    assert "hunter2" not in str(told)
    assert "RuntimeError" in str(told)


def test_a_value_that_the_service_echoes_is_hidden_if_it_is_secret() -> None:
    body = {"badRequest": {"message": "Invalid input for field adminPass. Value: hunter2", "code": 400}}
    told = errors.in_words(answered(400, body), "compute Instance web", secrets=("hunter2",))
    assert "hunter2" not in str(told)
    assert "[secret]" in str(told)


def test_a_sentence_is_one_line_of_bounded_length() -> None:
    body = {"badRequest": {"message": "first\nsecond\x1b[31m\u202e" + "x" * 5000, "code": 400}}
    told = errors.in_words(answered(400, body), "x")
    assert "\n" not in str(told)
    assert "\x1b" not in str(told)
    assert len(str(told)) < 500


def test_duplicates_list_what_was_found() -> None:
    error = QuarantinedDuplicates("compute Instance", "k" * 32, ["b", "a"])
    assert error.ids == ("a", "b")
    assert str(error) == f"Duplicates: 2 objects carry the mark {'k' * 32} of one compute Instance: a, b"


def test_text_without_a_code_has_none() -> None:
    assert errors.code_in("error: something else: Failure: x") is None
