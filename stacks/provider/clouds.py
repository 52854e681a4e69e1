"""Connections: one login, one session, the few verbs that the rest of the provider uses. Closed at the end of a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ksa
from keystoneauth1.identity import v3

from stacks.provider.errors import Code, ProviderError
from stacks.provider.journal import Journal
from stacks.provider.runs import CloudLogin
from stacks.provider.session import AnswerLost, Clock, ExactUrl, JournaledSession
from stacks.provider.sharing import SharedCalls

# Catalogs name these services without a version or with one; keystoneauth asks the service only in the first case.
_VERSIONS = {"identity": "3", "network": "2", "image": "2", "block-storage": "3"}
Query = Sequence[tuple[str, str]]


class Cloud:
    """One login's view of OpenStack. Safe for threads."""

    def __init__(self, login: CloudLogin, session: JournaledSession) -> None:
        self.login = login
        self.session = session
        self._lock = threading.Lock()
        self._adapters: dict[str, Any] = {}
        self._shared = SharedCalls()
        self._known: dict[tuple[str, ...], Any] = {}

    @property
    def project_id(self) -> str:
        """The project that the login is scoped to."""
        return str(self.session.get_project_id())

    @property
    def user_id(self) -> str:
        """The user behind the login."""
        return str(self.session.get_user_id())

    def endpoint(self, service: str) -> str:
        """Where the cloud's catalog says that the service is, for this login's project.

        Raises:
            keystoneauth1.exceptions.ClientException: nobody can be asked.
            ProviderError: the catalog has no such service.
        """
        found = self._adapter(service).get_endpoint()
        if not found:
            raise ProviderError(Code.NOT_FOUND, f"the cloud's catalog has no {service} service")
        return str(found).rstrip("/")

    def get(self, service: str, path: str, *, query: Query = (), microversion: str = "") -> dict[str, Any]:
        """Read one thing.

        Raises:
            keystoneauth1.exceptions.ClientException: it could not be read; `NotFound` if it is not there.
        """
        response = self._send("GET", service, path, query=query, microversion=microversion)
        return _document(response, service)

    def find(self, service: str, path: str, *, query: Query = (), microversion: str = "") -> dict[str, Any] | None:
        """Read one thing that may not be there: then None."""
        try:
            return self.get(service, path, query=query, microversion=microversion)
        except ksa.NotFound:
            return None

    def head(self, service: str, path: str) -> dict[str, str] | None:
        """The headers that describe a thing, in lower case; None if it is not there."""
        try:
            response = self._send("HEAD", service, path)
        except ksa.NotFound:
            return None
        return {name.lower(): value for name, value in response.headers.items()}

    def write(
        self,
        method: str,
        service: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        microversion: str = "",
    ) -> dict[str, Any]:
        """Change something; the answer's document, empty if it has none.

        Raises:
            AnswerLost: nobody knows whether it was changed.
            keystoneauth1.exceptions.ClientException: it was refused.
        """
        extra: dict[str, Any] = {} if body is None else {"json": body}
        response = self._send(
            method, service, path, query=query, microversion=microversion, headers=dict(headers or {}), **extra
        )
        if not response.content or "json" not in response.headers.get("Content-Type", ""):
            return {}
        try:
            return _document(response, service)
        except ProviderError as error:
            request = response.request.headers.get("X-OpenStack-Request-ID", "")
            raise AnswerLost(service, request, "the answer cannot be read") from error

    def delete_exactly(self, service: str, path: str) -> None:
        """Delete what lies at precisely this path, dots and double slashes included; what is not there is deleted.

        Raises:
            AnswerLost, keystoneauth1.exceptions.ClientException: as `write`.
        """
        url = f"{self._adapter(service).get_endpoint()}{path}"
        # The filter changes nothing about a whole URL; the journal learns from it which service is written to.
        where = {"service_type": service}
        with suppress(ksa.NotFound):
            self.session.request(url, "DELETE", requests_auth=ExactUrl(url), endpoint_filter=where)

    def listing(
        self, service: str, path: str, plural: str, *, query: Query = (), microversion: str = ""
    ) -> list[dict[str, Any]]:
        """All objects of a list, page by page; shared with callers who ask for the same list at the same time.

        Raises:
            ProviderError: an answer is no list. A list that cannot be read is never taken for an empty one.
        """
        key = ("list", service, path, tuple(query), microversion)
        found = self._shared.ask(key, lambda: self._all_pages(service, path, plural, query, microversion))
        return list(found)

    def array(self, service: str, path: str, *, query: Query = ()) -> list[dict[str, Any]]:
        """A list that has no envelope (Swift).

        Raises:
            ProviderError: the answer is no list.
        """
        response = self._send("GET", service, path, query=query)
        try:
            items = json.loads(response.content) if response.content else []
        except ValueError:
            items = None
        if not isinstance(items, list):
            raise ProviderError(Code.UNREACHABLE, f"{service} answered something that is no list")
        return items

    def remembered(self, key: tuple[str, ...], question: Callable[[], Any]) -> Any:
        """The answer to a question whose answer does not change during a run (the id of a flavor)."""
        with self._lock:
            if key in self._known:
                return self._known[key]
        answer = self._shared.ask(key, question)
        with self._lock:
            return self._known.setdefault(key, answer)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def _all_pages(self, service: str, path: str, plural: str, query: Query, microversion: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        seen: set[tuple[tuple[str, str], ...]] = set()
        page: Query | None = tuple(query)
        while page is not None and tuple(page) not in seen:
            seen.add(tuple(page))
            document = self.get(service, path, query=page, microversion=microversion)
            found += _items(document, plural, service)
            page = _next_page(document, plural)
        return found

    def _send(
        self, method: str, service: str, path: str, *, query: Query = (), microversion: str = "", **rest: Any
    ) -> Any:
        extra = {"microversion": microversion} if microversion else {}
        return self._adapter(service).request(path, method, params=list(query), **extra, **rest)

    def _adapter(self, service: str) -> Any:
        with self._lock:
            if service not in self._adapters:
                version = {"version": _VERSIONS[service]} if service in _VERSIONS else {}
                self._adapters[service] = adapter.Adapter(
                    self.session,
                    service_type=service,
                    interface=self.login.interface,
                    region_name=self.login.region or None,
                    **version,
                )
            return self._adapters[service]


class Clouds:
    """Connections by login, so that one run opens each only once. Safe for threads."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[CloudLogin, Cloud] = {}

    def of(self, login: CloudLogin) -> Cloud:
        """The connection of that login; nothing is sent before it is used."""
        with self._lock:
            if login not in self._open:
                self._open[login] = Cloud(login, self._session(login))
            return self._open[login]

    def session_of(self, login: CloudLogin) -> JournaledSession:
        """The session of that login's connection."""
        return self.of(login).session

    def close_all_but(self, needed: frozenset[CloudLogin]) -> None:
        """Close what no run needs any more."""
        with self._lock:
            closing = [self._open.pop(login) for login in list(self._open) if login not in needed]
        for cloud in closing:
            cloud.close()

    def _session(self, login: CloudLogin) -> JournaledSession:
        return JournaledSession(auth_of(login), self._journal, clock=self._clock, verify=login.cacert or True)


def auth_of(login: CloudLogin) -> Any:
    """The keystoneauth plugin for a login."""
    url = login.auth_url.rstrip("/")
    url = url if url.endswith("/v3") else f"{url}/v3"
    if login.application_credential_id:
        return v3.ApplicationCredential(
            url,
            application_credential_id=login.application_credential_id,
            application_credential_secret=login.application_credential_secret,
        )
    return v3.Password(url, username=login.username, password=login.password, **_user_domain(login), **_scope(login))


def _user_domain(login: CloudLogin) -> dict[str, str]:
    if login.user_domain_id:
        return {"user_domain_id": login.user_domain_id}
    return {"user_domain_name": login.user_domain}


def _scope(login: CloudLogin) -> dict[str, str]:
    if login.project_id:
        return {"project_id": login.project_id}
    if login.project_domain_id:
        return {"project_name": login.project_name, "project_domain_id": login.project_domain_id}
    return {"project_name": login.project_name, "project_domain_name": login.project_domain}


def _document(response: Any, service: str) -> dict[str, Any]:
    try:
        document = json.loads(response.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ProviderError(Code.UNREACHABLE, f"{service} answered something that is not its API (a proxy in between?)")
    return document


def _items(document: Mapping[str, Any], plural: str, service: str) -> list[dict[str, Any]]:
    items = document.get(plural)
    if not isinstance(items, list):
        raise ProviderError(Code.UNREACHABLE, f"{service} answered a list without {plural}")
    return items


def _next_page(document: Mapping[str, Any], plural: str) -> Query | None:
    """The query of the next page; only the query, because links may name a host that is not ours to reach."""
    links = document.get(f"{plural}_links") or document.get("links") or ()
    if isinstance(links, Mapping):  # Keystone
        links = [{"rel": rel, "href": href} for rel, href in links.items()]
    following = next((link.get("href") for link in links if link.get("rel") == "next"), None)
    return tuple(parse_qsl(urlsplit(following).query)) if following else None
