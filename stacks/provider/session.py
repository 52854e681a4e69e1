"""The only way to OpenStack: a keystoneauth session whose every write stands in the journal before it is sent.

Every request that may change something (neither GET, HEAD nor OPTIONS), except obtaining a token, gets a durable intent
before and an outcome after each single attempt, below keystoneauth, so that redirects and repetitions after an expired
token are recorded too. Timeouts are always set, keystoneauth's own retries (which repeat a POST) are off, and ours go
by method (`retry.py`). Nothing here knows Pulumi, gRPC or a resource kind: other adapters use the same session.
"""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session as ksa_session
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from stacks.provider import retry
from stacks.provider.journal import EffectContext, Journal, Result, Write, WriteOutcome, current_effect

USER_AGENT = "govcloud/0.1"
CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 60.0
POOLED_CONNECTIONS = 32
GLOBAL_REQUEST_ID = "X-OpenStack-Request-ID"
_ANSWERED_REQUEST_IDS = ("x-openstack-request-id", "x-compute-request-id", "x-trans-id")
_TOKENS = "/auth/tokens"
_STATUSES_WITHOUT_CERTAINTY = frozenset({502, 504})


class AnswerLost(Exception):
    """A write was sent and nobody knows what became of it: look at the cloud before doing anything else.

    Attributes:
        request_id: the global request id that the write carried, as in its intent.
    """

    def __init__(self, service: str, request_id: str, why: str) -> None:
        super().__init__(f"the answer of {service} to a write was lost ({why}); request {request_id}")
        self.service = service
        self.request_id = request_id


class Clock(Protocol):
    """The time, as an argument."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def now(self) -> datetime:
        """The wall clock, with its zone."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class _Call:
    """A request as the caller sees it. What the wire cannot see: to which service it goes, and for which project.

    `insisted`: a request made on its way (a token, a discovery) was repeated until its budget was used up. Repeating the whole would
    multiply the two patiences: a cloud that is away would hold a worker for most of a minute instead of seconds.
    """

    service: str
    project: Callable[[], str | None]
    insisted: bool = False


_call: ContextVar[_Call | None] = ContextVar("govcloud_openstack_call", default=None)


class JournaledSession(ksa_session.Session):  # type: ignore[misc]
    """A keystoneauth session for everything this project does in OpenStack.

    Raises (besides keystoneauth's exceptions for answers of 400 and above):
        AnswerLost: a write was sent and no usable answer came back.
        JournalUnavailable: the journal cannot record; the write was not sent.
        NoEffectContext: a write was tried outside of `journal.effect(...)`.
    """

    def __init__(
        self,
        auth: Any,
        journal: Journal,
        *,
        clock: Clock | None = None,
        budget: retry.RetryBudget | None = None,
        verify: bool | str = True,
        connect_timeout: float = CONNECT_TIMEOUT_SECONDS,
        read_timeout: float = READ_TIMEOUT_SECONDS,
        user_agent: str = USER_AGENT,
    ) -> None:
        self._clock = clock or SystemClock()
        self._budget = budget or retry.RetryBudget()
        self._timeouts = (connect_timeout, read_timeout)
        wire = requests.Session()
        for scheme in ("http://", "https://"):
            wire.mount(scheme, _JournaledWire(journal, self._clock, self._timeouts))
        super().__init__(auth=auth, session=wire, verify=verify, user_agent=user_agent, connect_retries=0)
        self._wire = wire

    def request(self, url: str, method: str, **kwargs: Any) -> requests.Response:
        """Send a request, repeating it where its method and the answer allow; arguments are keystoneauth's."""
        raise_exc = kwargs.pop("raise_exc", True)
        # keystoneauth would log bodies: user data, passwords of databases. What matters of a write is in the journal.
        kwargs.setdefault("log", False)
        kwargs["connect_retries"] = kwargs["status_code_retries"] = 0
        kwargs.setdefault("timeout", self._timeouts)
        with _calling(self._describe(kwargs)):
            response = self._request_with_patience(url, method, kwargs)
        if raise_exc and response.status_code >= 400:
            raise ksa_exceptions.from_response(response, method, url)
        return response

    def close(self) -> None:
        """Close the pooled connections; the session is of no use afterwards."""
        self._wire.close()

    def _describe(self, kwargs: dict[str, Any]) -> _Call:
        endpoint_filter = kwargs.get("endpoint_filter") or {}
        auth = kwargs.get("auth") or self.auth
        return _Call(
            service=str(endpoint_filter.get("service_type") or "identity"),
            project=lambda: self.get_project_id(auth) if auth is not None else None,
        )

    def _request_with_patience(self, url: str, method: str, kwargs: dict[str, Any]) -> requests.Response:
        attempt, waited = 1, 0.0
        while True:
            attempt += 1
            pause, response = self._attempt(url, method, kwargs, attempt, waited)
            if pause is None:
                assert response is not None  # noqa: S101 - `_attempt` either pauses, answers or raises
                return response
            self._clock.sleep(pause)
            waited += pause

    def _attempt(
        self, url: str, method: str, kwargs: dict[str, Any], following: int, waited: float
    ) -> tuple[float | None, requests.Response | None]:
        """Send once. Returns the pause before the next attempt, or the answer to keep."""
        repeatable_body = not isinstance(kwargs.get("data"), Iterator) and not hasattr(kwargs.get("data"), "read")
        try:
            response = super().request(url, method, raise_exc=False, **dict(kwargs))
        except (AnswerLost, ksa_exceptions.ConnectFailure, ksa_exceptions.UnknownConnectionError):
            safe = retry.may_repeat_after_lost_connection(method) or _obtains_token(method, url)
            may_repeat = safe and repeatable_body and not _insisted_on_the_way()
            pause = retry.pause_before(following, None, waited, self._budget) if may_repeat else None
            if pause is None:
                raise
            return pause, None
        if not repeatable_body or not retry.may_repeat_after_status(method, response.status_code):
            return None, response
        asked = retry.retry_after(response.headers.get("Retry-After"), self._clock.now())
        pause = retry.pause_before(following, asked, waited, self._budget)
        return (None, response) if pause is None else (pause, None)


class _JournaledWire(HTTPAdapter):
    """Sends single requests; writes the journal around those that may change something."""

    def __init__(self, journal: Journal, clock: Clock, timeouts: tuple[float, float]) -> None:
        self._journal = journal
        self._clock = clock
        self._timeouts = timeouts
        super().__init__(pool_connections=POOLED_CONNECTIONS, pool_maxsize=POOLED_CONNECTIONS, max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or self._timeouts
        method, url = str(request.method), str(request.url)
        if not retry.is_write(method) or _obtains_token(method, url):
            return super().send(request, *args, **kwargs)
        context = current_effect()
        write = _write(request, method, url)
        request.headers[GLOBAL_REQUEST_ID] = write.request_id
        return self._send_write(request, write, context, args, kwargs)

    def _send_write(
        self, request: requests.PreparedRequest, write: Write, context: EffectContext, args: Any, kwargs: Any
    ) -> requests.Response:
        intent = self._journal.intent(context, write)
        started = self._clock.monotonic()
        try:
            response = super().send(request, *args, **kwargs)
            if not kwargs.get("stream"):
                _ = response.content  # an answer that breaks off is a lost answer, whatever its status said
        except requests.exceptions.RequestException as error:
            self._not_answered(intent, write, error, self._clock.monotonic() - started)
            raise
        self._answered(intent, write, response, self._clock.monotonic() - started)
        return response

    def _not_answered(
        self, intent: str, write: Write, error: requests.exceptions.RequestException, seconds: float
    ) -> None:
        """Record a write without an answer; raises AnswerLost unless it certainly never left."""
        never_sent = _never_sent(error)
        result: Result = "failure" if never_sent else "unknown"
        why = type(error).__name__
        self._journal.outcome(intent, WriteOutcome(result, None, (), seconds, why))
        if not never_sent:
            raise AnswerLost(write.service, write.request_id, why) from error

    def _answered(self, intent: str, write: Write, response: requests.Response, seconds: float) -> None:
        status = response.status_code
        uncertain = status in _STATUSES_WITHOUT_CERTAINTY
        result: Result = "unknown" if uncertain else "failure" if status >= 400 else "success"
        ids = tuple(response.headers[name] for name in _ANSWERED_REQUEST_IDS if name in response.headers)
        error = None if status < 400 else f"HTTP {status}"
        self._journal.outcome(intent, WriteOutcome(result, status, ids, seconds, error))
        if uncertain:
            raise AnswerLost(write.service, write.request_id, f"a gateway answered {status}")


@contextmanager
def _calling(call: _Call) -> Iterator[None]:
    outer = _call.get()
    token = _call.set(call)
    try:
        yield
    except Exception:
        if outer is not None:
            outer.insisted = True
        raise
    finally:
        _call.reset(token)


def _insisted_on_the_way() -> bool:
    call = _call.get()
    return call is not None and call.insisted


def _write(request: requests.PreparedRequest, method: str, url: str) -> Write:
    call = _call.get()
    return Write(
        service=call.service if call else "unknown",
        method=method,
        path=urlsplit(url).path,
        request_id=f"req-{uuid.uuid4()}",
        project=call.project() if call else None,
    )


def _obtains_token(method: str, url: str) -> bool:
    return method.upper() == "POST" and urlsplit(url).path.endswith(_TOKENS)


def _never_sent(error: requests.exceptions.RequestException) -> bool:
    """Whether no byte of the request can have reached the service: no connection was ever made."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    causes = [error, *error.args]
    reasons = [getattr(cause, "reason", None) for cause in causes]
    return any(isinstance(item, NewConnectionError | socket.gaierror) for item in [*causes, *reasons])


class ExactUrl(requests.auth.AuthBase):
    """Sends a URL as it is, for Swift, whose objects may have any name: `requests` would take `a/../b` for `b`, in whatever container.

    Give it to a session as `requests_auth`.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.url = self._url
        return request
