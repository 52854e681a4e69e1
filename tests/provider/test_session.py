"""Every write has an intent before it and an outcome after it; nothing is repeated that may have happened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import noauth, token_endpoint
from keystoneauth1.identity import v3
from provider.provider_kit import EFFECT, Answer, FastClock, MemoryJournal, Script, Seen, Served, serve, unused_port

from devcloud.patience import PATIENCE
from stacks.provider.journal import JournalUnavailable, NoEffectContext, effect
from stacks.provider.retry import RetryBudget
from stacks.provider.session import AnswerLost, JournaledSession


def session_to(url: str, journal: MemoryJournal, clock: FastClock | None = None, **kwargs: Any) -> JournaledSession:
    return JournaledSession(token_endpoint.Token(url, "token"), journal, clock=clock or FastClock(), **kwargs)


def in_turn(*answers: Answer) -> Script:
    """Give these answers one after the other, then the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_write_stands_in_the_journal_with_what_it_belongs_to_and_both_request_ids() -> None:
    journal = MemoryJournal()
    answer = Answer(202, {"volume": {}}, {"x-openstack-request-id": "req-a", "x-compute-request-id": "req-b"})
    with serve(in_turn(answer)) as cloud, effect(EFFECT):
        session_to(cloud.url, journal).post(f"{cloud.url}/v3/volumes?x=1", json={"volume": {}})
    (context, write), (intent, outcome) = journal.intents[0], journal.outcomes[0]
    assert context == EFFECT
    assert (write.method, write.path) == ("POST", "/v3/volumes")
    assert write.request_id.startswith("req-")
    assert cloud.seen[0].headers["X-OpenStack-Request-ID"] == write.request_id
    assert (intent, outcome.result, outcome.status) == ("0", "success", 202)
    assert outcome.service_request_ids == ("req-a", "req-b")


def test_the_cloud_sees_our_name() -> None:
    with serve(in_turn(Answer())) as cloud:
        session_to(cloud.url, MemoryJournal()).get(f"{cloud.url}/")
    assert cloud.seen[0].headers["User-Agent"].startswith("govcloud/")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_no_effect_and_leaves_no_record(method: str) -> None:
    journal = MemoryJournal()
    with serve(in_turn(Answer())) as cloud:
        try:
            session_to(cloud.url, journal).request(f"{cloud.url}/", method)
        except ksa_exceptions.HttpError as error:  # the scripted server does not know OPTIONS
            assert error.http_status == 501
    assert journal.intents == []


def test_a_write_without_an_effect_is_not_sent() -> None:
    with serve(in_turn(Answer())) as cloud, pytest.raises(NoEffectContext):
        session_to(cloud.url, MemoryJournal()).delete(f"{cloud.url}/v3/volumes/1")
    assert cloud.seen == []


def test_a_write_that_cannot_be_recorded_is_not_sent() -> None:
    with serve(in_turn(Answer())) as cloud, effect(EFFECT), pytest.raises(JournalUnavailable):
        session_to(cloud.url, MemoryJournal(full=True)).post(f"{cloud.url}/v3/volumes", json={})
    assert cloud.seen == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_write_whose_answer_was_lost_is_unknown_and_is_not_repeated(method: str) -> None:
    journal, clock = MemoryJournal(), FastClock()
    with serve(in_turn(Answer(drop=True))) as cloud, effect(EFFECT), pytest.raises(AnswerLost) as lost:
        session_to(cloud.url, journal, clock).request(f"{cloud.url}/v3/volumes", method, json={})
    assert len(cloud.seen) == 1
    assert [outcome.result for _, outcome in journal.outcomes] == ["unknown"]
    assert journal.outcomes[0][1].status is None
    assert lost.value.request_id == journal.intents[0][1].request_id


def test_an_answer_that_breaks_off_is_a_lost_answer() -> None:
    journal = MemoryJournal()
    answer = Answer(201, {"volume": {"id": "1" * 50}}, cut_after=10)
    with serve(in_turn(answer)) as cloud, effect(EFFECT), pytest.raises(AnswerLost):
        session_to(cloud.url, journal).post(f"{cloud.url}/v3/volumes", json={})
    assert journal.outcomes[0][1].result == "unknown"


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_service_leaves_a_write_unknown(status: int) -> None:
    journal = MemoryJournal()
    with serve(in_turn(Answer(status))) as cloud, effect(EFFECT), pytest.raises(AnswerLost):
        session_to(cloud.url, journal).post(f"{cloud.url}/v3/volumes", json={})
    assert (journal.outcomes[0][1].result, journal.outcomes[0][1].status) == ("unknown", status)
    assert len(cloud.seen) == 1


def test_a_service_that_was_never_reached_did_nothing() -> None:
    journal = MemoryJournal()
    url = f"http://127.0.0.1:{unused_port()}"
    with effect(EFFECT), pytest.raises(ksa_exceptions.ConnectFailure):
        session_to(url, journal).post(f"{url}/v3/volumes", json={})
    assert [outcome.result for _, outcome in journal.outcomes] == ["failure"]


def test_a_host_without_an_address_was_never_reached() -> None:
    journal = MemoryJournal()
    url = "http://no-such-host.invalid"
    with effect(EFFECT), pytest.raises(ksa_exceptions.ConnectFailure):
        session_to(url, journal).post(f"{url}/v3/volumes", json={})
    assert [outcome.result for _, outcome in journal.outcomes] == ["failure"]


def test_a_refused_write_is_a_failure_with_its_status() -> None:
    journal = MemoryJournal()
    with serve(in_turn(Answer(409, {}))) as cloud, effect(EFFECT), pytest.raises(ksa_exceptions.Conflict):
        session_to(cloud.url, journal).post(f"{cloud.url}/v3/volumes", json={})
    assert (journal.outcomes[0][1].result, journal.outcomes[0][1].status) == ("failure", 409)


@pytest.mark.parametrize("trouble", [Answer(503), Answer(502), Answer(504), Answer(drop=True)])
def test_deleting_by_id_is_repeated_and_each_attempt_is_recorded(trouble: Answer) -> None:
    journal, clock = MemoryJournal(), FastClock()
    with serve(in_turn(trouble, trouble, Answer(204))) as cloud, effect(EFFECT):
        session_to(cloud.url, journal, clock).delete(f"{cloud.url}/v3/volumes/1")
    assert len(cloud.seen) == len(journal.intents) == len(journal.outcomes) == 3
    assert journal.outcomes[-1][1].result == "success"
    assert len({write.request_id for _, write in journal.intents}) == 3
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    ("header", "slept"), [("7", [7.0]), ("Sun, 01 Mar 2026 12:00:20 GMT", [20.0]), ("nonsense", [0.5])]
)
def test_haste_is_repeated_when_the_service_says(header: str, slept: list[float]) -> None:
    journal, clock = MemoryJournal(), FastClock()
    script = in_turn(Answer(429, headers={"Retry-After": header}), Answer(202, {}))
    with serve(script) as cloud, effect(EFFECT):
        session_to(cloud.url, journal, clock).post(f"{cloud.url}/v3/volumes", json={})
    assert clock.slept == slept
    assert [outcome.status for _, outcome in journal.outcomes] == [429, 202]


def test_a_service_that_wants_an_hour_is_not_waited_for() -> None:
    clock = FastClock()
    script = in_turn(Answer(429, headers={"Retry-After": "3600"}))
    with serve(script) as cloud, effect(EFFECT), pytest.raises(ksa_exceptions.HttpError) as refused:
        session_to(cloud.url, MemoryJournal(), clock).post(f"{cloud.url}/v3/volumes", json={})
    assert refused.value.http_status == 429
    assert clock.slept == []


def test_reading_gives_up_after_its_attempts() -> None:
    clock = FastClock()
    with serve(in_turn(Answer(503))) as cloud, pytest.raises(ksa_exceptions.ServiceUnavailable):
        session_to(cloud.url, MemoryJournal(), clock, budget=RetryBudget(attempts=3)).get(f"{cloud.url}/v3/volumes")
    assert len(cloud.seen) == 3


def test_a_stream_that_was_read_once_is_not_sent_again() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"data"

    journal = MemoryJournal()
    script = in_turn(Answer(429, headers={"Content-Length": "0"}), Answer(201))
    with serve(script) as cloud, effect(EFFECT), pytest.raises(ksa_exceptions.HttpError):
        session_to(cloud.url, journal).put(f"{cloud.url}/v1/c/o", data=chunks(), headers={"Connection": "close"})
    assert len(cloud.seen) == 1


def _keystone(served: list[Served], expired: set[str]) -> Script:
    """A keystone whose tokens expire when told, and a service behind it."""
    issued: list[str] = []

    def script(request: Seen) -> Answer:
        if request.path == "/v3/auth/tokens":
            issued.append(f"token-{len(issued)}")
            catalog = [
                {
                    "type": "block-storage",
                    "name": "cinder",
                    "endpoints": [
                        {"interface": "public", "region": "R", "region_id": "R", "url": f"{served[0].url}/v3"}
                    ],
                }
            ]
            token = {
                "methods": ["password"],
                "expires_at": "2099-01-01T00:00:00Z",
                "catalog": catalog,
                "project": {"id": "p1", "name": "p", "domain": {"id": "d", "name": "d"}},
                "user": {"id": "u1", "name": "u", "domain": {"id": "d", "name": "d"}},
                "roles": [],
            }
            return Answer(201, {"token": token}, {"X-Subject-Token": issued[-1]})
        return Answer(401) if request.headers.get("X-Auth-Token") in expired else Answer(202, {"volume": {"id": "v"}})

    return script


def test_a_token_that_expired_in_mid_operation_is_renewed_and_both_attempts_are_recorded() -> None:
    journal, served = MemoryJournal(), list[Served]()
    with serve(lambda request: _script(request)) as cloud, effect(EFFECT):
        served.append(cloud)
        _script = _keystone(served, {"token-0"})
        auth = v3.Password(
            f"{cloud.url}/v3", username="u", password="p", project_name="p", user_domain_id="d", project_domain_id="d"
        )
        session = JournaledSession(auth, journal, clock=FastClock())
        session.post("/volumes", json={}, endpoint_filter={"service_type": "block-storage", "region_name": "R"})
    assert journal.writes() == ["POST /v3/volumes", "POST /v3/volumes"]
    assert [outcome.status for _, outcome in journal.outcomes] == [401, 202]
    assert {(write.service, write.project) for _, write in journal.intents} == {("block-storage", "p1")}


def test_no_body_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        serve(in_turn(Answer(202, {"user": {"password": "hunter2"}}))) as cloud,
        effect(EFFECT),
    ):
        session_to(cloud.url, MemoryJournal()).post(f"{cloud.url}/v3/users", json={"user": {"password": "hunter2"}})
    assert "hunter2" not in caplog.text


def test_a_silent_service_is_not_waited_for_without_end() -> None:
    given_up = threading.Event()

    def silent(_: Seen) -> Answer:
        given_up.wait(PATIENCE)
        return Answer(202, {})

    journal = MemoryJournal()
    with serve(silent) as cloud, effect(EFFECT):
        with pytest.raises(AnswerLost):
            session_to(cloud.url, journal, read_timeout=0.1).post(f"{cloud.url}/v3/volumes", json={})
        given_up.set()
    assert journal.outcomes[0][1].result == "unknown"


def test_a_session_without_authentication_still_journals() -> None:
    journal = MemoryJournal()
    with serve(in_turn(Answer(202, {}))) as cloud, effect(EFFECT):
        JournaledSession(noauth.NoAuth(endpoint=cloud.url), journal).post(f"{cloud.url}/x", json={})
    assert journal.writes() == ["POST /x"]


def test_what_was_tried_long_enough_on_the_way_is_not_tried_again_with_the_whole() -> None:
    """A cloud that is away must not hold a worker for the product of two patiences."""
    clock, url = FastClock(), f"http://127.0.0.1:{unused_port()}/v3"
    login = v3.Password(url, username="u", password="p", user_domain_id="default", project_id="p")
    with pytest.raises(ksa_exceptions.ConnectFailure):
        JournaledSession(login, MemoryJournal(), clock=clock).get("/servers", endpoint_filter={"service_type": "compute"})
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]
