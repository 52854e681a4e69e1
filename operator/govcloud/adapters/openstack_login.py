"""Logins to OpenStack, one per project, and the few HTTP verbs that the adapters need. Failures leave it translated.

Nothing here knows a resource kind. keystoneauth finds endpoints, renews tokens and speaks HTTP; API versions are pinned, so
that a newer cloud behaves as this code expects.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1.session import Session
from openstack.config import OpenStackConfig
from openstack.exceptions import ConfigException
from os_service_types import ServiceTypes

from govcloud.adapters.openstack_failures import SOON, translated
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.clouds import auth_of
from stacks.provider.journal import Journal
from stacks.provider.runs import CloudLogin
from stacks.provider.session import ExactUrl, JournaledSession

Json = dict[str, Any]
Service = Literal["compute", "block-storage", "network", "image", "database", "object-store", "identity", "load-balancer", "shared-file-system"]

_OFFICIAL = ServiceTypes()

# Cinder 3.59 (Train): backups with metadata (3.43), volumes from backups (3.47). Nova 2.79 (Train), as the provider's.
_MICROVERSIONS: Mapping[Service, str] = {"compute": "2.79", "block-storage": "3.59", "shared-file-system": "2.45"}
# These put no version into the catalog: keystoneauth asks the service where this one lives.
_MAJOR_VERSIONS: Mapping[Service, tuple[int, ...]] = {"network": (2, 0), "image": (2,), "identity": (3,)}


@dataclass(frozen=True)
class Login:
    """A session whose token is scoped to one project. Safe to use from several threads."""

    session: Session
    region: str | None = None

    @property
    def project_id(self) -> str:
        """Id of the project of the token."""
        with translated("log in to OpenStack"):
            return str(self.session.get_project_id())

    def services(self, *, anew: bool = False) -> frozenset[str]:
        """Service types in the catalog, by their official names: a cloud may still call block storage `volumev3`.

        Args:
            anew: ask Keystone, although the token at hand still has a catalog.
        """
        with translated("read the catalog of the cloud"):
            if anew:
                self.session.invalidate()
            catalog = self.session.auth.get_access(self.session).service_catalog
            return frozenset(_OFFICIAL.get_service_type(entry["type"]) or entry["type"] for entry in catalog.catalog)

    def endpoint(self, service: Service) -> str:
        """URL of a service as the catalog has it, without a slash at its end."""
        with translated(f"find the endpoint of {service}"):
            url = self.session.get_endpoint(service_type=service, interface="public", region_name=self.region)
        if not url:
            raise Retry(Reason.CLOUD_UNREACHABLE, f"the catalog of the cloud has no endpoint for {service}", SOON)
        return str(url).rstrip("/")

    def get(self, service: Service, path: str, **query: Any) -> Json:
        """Read one JSON document."""
        return _json(self._send(service, "GET", path, params=query))

    def find(self, service: Service, path: str, **query: Any) -> Json | None:
        """Read one JSON document; None where there is none (404)."""
        response = self._send(service, "GET", path, params=query, missing_ok=True)
        return None if response.status_code == 404 else _json(response)

    def pages(self, service: Service, path: str, key: str, **query: Any) -> Iterator[Json]:
        """All entries of a list, over all its pages. A page that fails raises: a part never looks like the whole."""
        seen: set[str] = set()
        while True:
            body = self.get(service, path, **query)
            yield from _entries(body, key, path)
            following = _next_page(body, key)
            if following is None:
                return
            if (marker := following.get("marker", "")) in seen:
                raise Retry(Reason.CLOUD_UNREACHABLE, f"{service} lists {path} in circles", SOON)
            seen.add(marker)
            query = {**query, **following}

    def post(self, service: Service, path: str, body: Json, microversion: str | None = None) -> Json:
        """Make something, with a newer API than the usual one where that is given. An empty answer is an empty document."""
        newer: Json = {"microversion": microversion} if microversion else {}
        response = self._send(service, "POST", path, json=body, **newer)
        return _json(response) if response.content else {}

    def put(self, service: Service, path: str, body: Json) -> Json:
        """Change something: what the body names is then as the body says."""
        return _json(self._send(service, "PUT", path, json=body))

    def delete(self, service: Service, path: str) -> None:
        """Delete something; that it is gone already is no error."""
        self._send(service, "DELETE", path, missing_ok=True)

    def stream(self, service: Service, path: str) -> requests.Response:
        """Begin to read bytes. The caller closes the answer."""
        return self._send(service, "GET", path, stream=True, headers={"Accept": "*/*", "Accept-Encoding": "identity"})

    def exactly(self, method: str, url: str, missing_ok: bool = False, **options: Any) -> requests.Response:
        """Send a request to precisely this URL, dots and double slashes included. For Swift, whose names may be anything."""
        with translated(f"{method} {urlsplit(url).path}"):
            # The filter changes nothing about a whole URL; the journal learns from it which service is written to.
            where = {"service_type": "object-store"}
            return self._raw(url, method, missing_ok, requests_auth=ExactUrl(url), endpoint_filter=where, **options)

    def _send(
        self, service: Service, method: str, path: str, missing_ok: bool = False, **options: Any
    ) -> requests.Response:
        where: Json = {"service_type": service, "interface": "public", "region_name": self.region}
        if major := _MAJOR_VERSIONS.get(service):
            where |= {"min_version": major, "max_version": (major[0], "latest")}
        if microversion := _MICROVERSIONS.get(service):
            options = {"microversion": microversion, **options}
        with translated(f"{method} {path} of {service}"):
            return self._raw(path, method, missing_ok, endpoint_filter=where, **options)

    def _raw(self, url: str, method: str, missing_ok: bool, **options: Any) -> requests.Response:
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        try:
            response = self.session.request(url, method, headers=headers, **options)
        except keystone.NotFound as error:
            if not missing_ok:
                raise
            response = error.response
        assert isinstance(response, requests.Response)  # noqa: S101  keystoneauth has no other
        return response


class CloudLogins:
    """Logins by project name, made from one entry of clouds.yaml and kept while the process lives. Safe to use from threads.

    The entry's user must have a role on each project that is asked for. Every write of every login goes to `journal`. Without
    `clouds_yaml`, the file is looked for where every OpenStack client does ($OS_CLIENT_CONFIG_FILE, ., ~/.config/openstack).
    """

    def __init__(self, cloud: str, journal: Journal, clouds_yaml: Path | None = None) -> None:
        self._cloud = cloud
        self._journal = journal
        self._files = None if clouds_yaml is None else [str(clouds_yaml)]
        self._logins: dict[str | None, Login] = {}
        self._lock = threading.Lock()

    def __call__(self, project: str | None = None) -> Login:
        """The login scoped to a project; without a name, to the entry's own.

        Raises:
            Stop: clouds.yaml lacks the entry, or the entry lacks what a login needs.
        """
        with self._lock:
            if project not in self._logins:
                self._logins[project] = self._opened(project)
            return self._logins[project]

    def _opened(self, project: str | None) -> Login:
        try:
            region = OpenStackConfig(config_files=self._files).get_one(cloud=self._cloud, **_other_project(project))
            session = JournaledSession(region.get_auth(), self._journal, verify=region.get_requests_verify_args()[0])
        except ConfigException as error:
            raise Stop(
                Reason.CLOUD_UNAUTHORIZED, f"entry {self._cloud} of clouds.yaml cannot be used: {error}"
            ) from error
        return Login(session, region.get_region_name())


def login_with(login: CloudLogin, journal: Journal) -> Login:
    """The login that the provider would use, for the adapters: a unit's own."""
    session = JournaledSession(auth_of(login), journal, verify=login.cacert or True)
    return Login(session, login.region or None)


def _other_project(project: str | None) -> dict[str, Any]:
    return {} if project is None else {"project_name": project, "project_id": None}


def _json(response: requests.Response) -> Json:
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError as error:
        raise Retry(
            Reason.CLOUD_UNREACHABLE, f"{response.url} answered {response.status_code} without JSON", SOON
        ) from error
    if not isinstance(body, dict):
        raise Retry(Reason.CLOUD_UNREACHABLE, f"{response.url} answered with something else than a JSON object", SOON)
    return body


def _entries(body: Json, key: str, path: str) -> list[Json]:
    entries = body.get(key)
    if not isinstance(entries, list):
        raise Retry(Reason.CLOUD_UNREACHABLE, f"the list {path} has no {key!r}: it is not taken for an empty one", SOON)
    return entries


def _next_page(body: Json, key: str) -> dict[str, Any] | None:
    """What to ask for the following page, from whichever kind of link the service gives."""
    links = body.get(f"{key}_links") or body.get("links") or {"next": body.get("next")}  # the last: Glance
    if not isinstance(links, dict):  # Keystone has a mapping, all others a list
        links = {link.get("rel"): link.get("href") for link in links}
    return None if links.get("next") is None else dict(parse_qsl(urlsplit(links["next"]).query))
