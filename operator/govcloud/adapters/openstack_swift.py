"""Containers and objects of any account, through Swift. Object names are hostile input: every URL is quoted here, once.

Another project's account is read with the backup login, which the cloud must allow (Swift's reseller admin role).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

import requests

from govcloud.adapters.openstack_failures import SOON, translated
from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_object_lines import Listed
from govcloud.adapters.openstack_reading import CHUNK, Reading, read_all
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

_PAGE = 10_000
"""Swift's own limit of a listing."""

_KEPT_HEADERS = (
    "content-type",
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
)
"""What describes an object besides its bytes and is copied with it, like its X-Object-Meta-* headers. An expiry date
(X-Delete-At) is not: a backup that deletes itself would be none."""
_META = "x-container-meta-"
_VERSIONED = "x-versions-enabled"
_VERSIONS_ELSEWHERE = ("x-versions-location", "x-history-location")
_DELETE_MARKER = "application/x-deleted;swift_versions_deleted=1"
_LONGEST_NAME = 1024
"""Bytes of an object's name, unless the cluster is configured otherwise."""


@dataclass(frozen=True)
class Container:
    """One container of one account, through one login."""

    login: Login
    account: str
    name: str

    def exists(self) -> bool:
        return self._send("HEAD", missing_ok=True).status_code != 404

    def metadata(self) -> dict[str, str]:
        """The container's metadata with the names that its marks have elsewhere: lower case, underscores. Empty if it is gone."""
        headers = self._send("HEAD", missing_ok=True).headers
        named = {
            name.lower().removeprefix(_META): value for name, value in headers.items() if name.lower().startswith(_META)
        }
        return {name.replace("-", "_"): value for name, value in named.items()}

    def keeps_old_versions_elsewhere(self) -> bool:
        """Whether older versions of objects lie in another container, as Swift's former ways of versioning have it."""
        headers = self._send("HEAD").headers
        return any(headers.get(name) for name in _VERSIONS_ELSEWHERE)

    def make(self, marks: Mapping[str, str]) -> None:
        """Make the container; one that is there keeps its objects and gets the marks."""
        headers = {_META + name.replace("_", "-"): quote(value) for name, value in marks.items()}
        self._send("PUT", headers=headers)

    def delete(self) -> None:
        self._send("DELETE", missing_ok=True)

    def objects(self, prefix: str = "") -> Iterator[Listed]:
        """All current objects whose names begin so, over all pages, in the order of their names' bytes.

        Raises:
            Stop: there is no such container.
        """
        marker = ""
        while page := self._page(marker=marker, prefix=prefix):
            yield from (Listed(entry["name"], entry["bytes"], entry["hash"]) for entry in page)
            marker = page[-1]["name"]

    def old_versions(self) -> Iterator[Listed]:
        """Every older version of every object, over all pages; none where versions were never kept.

        What only says that an object was deleted holds nothing and is left out.
        """
        if _VERSIONED not in {name.lower() for name in self._send("HEAD").headers}:
            return
        after = {"marker": ""}
        while page := self._page(versions="true", **after):
            for entry in page:
                if not entry["is_latest"] and entry["content_type"] != _DELETE_MARKER:
                    yield Listed(entry["name"], entry["bytes"], entry["hash"], entry["version_id"])
            after = {"marker": page[-1]["name"], "version_marker": page[-1]["version_id"]}

    def _page(self, **query: str) -> list[dict[str, Any]]:
        asked = urlencode({"format": "json", "limit": _PAGE, **query}, quote_via=quote)
        response = self._send("GET", query=asked, headers={"X-Newest": "true"}, missing_ok=True)
        if response.status_code == 404:
            raise Stop(Reason.RESOURCE_FAILED, f"container {self.name} of account {self.account} does not exist")
        return _list(response)

    def open(self, name: str, version: str = "") -> requests.Response:
        """Begin to read an object, or an older version of it. The caller closes the answer.

        Raises:
            Retry: it is listed, but Swift does not give it (it expired, or a replica is behind).
        """
        response = self.find(name, version)
        if response is None:
            raise self.not_given(name)
        return response

    def not_given(self, name: str) -> Retry:
        """What is said of an object that is listed and not given."""
        told = f"object {name!r} of container {self.name} is listed but cannot be read: it expired, or a copy of it is behind"
        return Retry(Reason.CONFLICT, told, SOON)

    def find(self, name: str, version: str = "") -> requests.Response | None:
        """Begin to read an object that may not be there. The caller closes the answer."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "X-Newest": "true"}
        query = urlencode({"version-id": version}) if version else ""
        response = self._send("GET", name, query, missing_ok=True, stream=True, headers=headers)
        return None if response.status_code == 404 else response

    def read(self, name: str, version: str = "") -> tuple[int, str]:
        """Read every byte of an object: how many there are, and their SHA-256 as hexadecimal digits."""
        with translated(f"read object {name!r} of container {self.name}"):
            reading = read_all(self.open(name, version))
        return reading.bytes, reading.sha256

    def content(self, name: str) -> bytes | None:
        """All of a small object; None where there is no such object or container."""
        response = self.find(name)
        if response is None:
            return None
        with translated(f"read object {name!r} of container {self.name}"), response:
            return response.content

    def last(self, prefix: str) -> str | None:
        """The last of the objects' names that begin so, in the order of their bytes; None where there is none."""
        query = urlencode({"format": "json", "limit": 1, "prefix": prefix, "reverse": "true"}, quote_via=quote)
        response = self._send("GET", query=query, headers={"X-Newest": "true"}, missing_ok=True)
        page = [] if response.status_code == 404 else _list(response)
        return str(page[0]["name"]) if page else None

    def put(self, name: str, content: bytes, content_type: str, *, only_new: bool = False) -> None:
        """Store a small object; Swift refuses it if it does not arrive as it was sent, or if `only_new` and it is there."""
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        condition = {"If-None-Match": "*"} if only_new else {}
        self._send("PUT", name, data=content, headers={"Content-Type": content_type, "ETag": etag, **condition})

    def put_new(self, name: str, content: BinaryIO) -> None:
        """Store a file under a name that nothing has yet; whoever needs to know that it arrived reads it back.

        Raises:
            Stop: the name is taken, and what is there stays.
        """
        headers = {"Content-Type": "application/octet-stream", "If-None-Match": "*"}
        self._send("PUT", name, data=content, headers=headers)

    def copy_from(self, source: Container, name: str, version: str = "", under: str = "") -> Reading:
        """Copy an object (or an older version of it) and what describes it, streaming it through this process; what was read of it.

        A large object (SLO, DLO) becomes an ordinary one with all its content. `under` is its name here, where that is another.

        Raises:
            Stop: it is larger than what Swift takes as one object, or its name here is too long.
            Retry: it is listed, but Swift does not give it.
        """
        reading = self.copy_if_there(source, name, version, under)
        if reading is None:
            raise source.not_given(name)
        return reading

    def copy_if_there(self, source: Container, name: str, version: str = "", under: str = "") -> Reading | None:
        """The same for an object that may be gone: None where it is, and nothing is copied."""
        stored_as = under or name
        if len(stored_as.encode()) > _LONGEST_NAME:
            told = f"a copy of object {name!r} of container {source.name} would have a name of more than {_LONGEST_NAME} bytes"
            raise Stop(Reason.INVALID_INPUT, f"{told}; give the object a shorter name")
        with translated(f"copy object {name!r} from container {source.name} to {self.name}"):
            response = source.find(name, version)
            if response is None:
                return None
            with response:
                body = _Body(response, _length(response, name))
                stored = self._send("PUT", stored_as, data=body if len(body) else b"", headers=_kept(response.headers))
        if stored.headers.get("ETag", "").strip('"') != body.md5():
            told = f"object {name!r} did not arrive in container {self.name} as it was sent"
            raise Retry(Reason.CLOUD_UNREACHABLE, told, SOON)
        return body.reading()

    def remove(self, name: str) -> None:
        """Delete an object; that it is gone already is no error."""
        self._send("DELETE", name, missing_ok=True)

    def _send(self, method: str, name: str | None = None, query: str = "", **options: Any) -> requests.Response:
        url = f"{account_url(self.login, self.account)}/{quote(self.name, safe='')}"
        if name is not None:
            url += f"/{quote(name, safe='/')}"
        return self.login.exactly(method, f"{url}?{query}" if query else url, **options)


def containers_of(login: Login, account: str) -> Iterator[Container]:
    """All containers of an account, over all pages; none where the account was never used."""
    marker = ""
    while True:
        query = urlencode({"format": "json", "limit": _PAGE, "marker": marker}, quote_via=quote)
        response = login.exactly("GET", f"{account_url(login, account)}?{query}", missing_ok=True)
        page = [] if response.status_code == 404 else _list(response)
        yield from (Container(login, account, entry["name"]) for entry in page)
        if not page:
            return
        marker = page[-1]["name"]


class _Body:
    """An answer's bytes as the body of a request: of known length, so that one that breaks off is never taken for whole.

    It can be read once. Having `read` tells the session so: it never sends such a request again.
    """

    def __init__(self, response: requests.Response, length: int) -> None:
        self._raw = response.raw
        self._length = length
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._count = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK):
            yield chunk

    def read(self, size: int) -> bytes:
        """The next bytes, as they are stored. May give more than asked for: the network is asked for large pieces."""
        chunk: bytes = self._raw.read(max(size, CHUNK), decode_content=False)
        self._md5.update(chunk)
        self._sha256.update(chunk)
        self._count += len(chunk)
        return chunk

    def md5(self) -> str:
        return self._md5.hexdigest()

    def reading(self) -> Reading:
        """What was read."""
        return Reading(self._sha256.hexdigest(), self._count)


def account_url(login: Login, project: str) -> str:
    """URL of the account of another project: the catalog has the one of the login's own project.

    Raises:
        Stop: this Swift does not name its accounts after projects.
    """
    own_url, own = login.endpoint("object-store"), login.project_id
    head, found, rest = own_url.rpartition(own)
    if not found or rest:
        raise Stop(
            Reason.CLOUD_UNAUTHORIZED, f"the object store's address {own_url} does not end with project id {own}"
        )
    return f"{head}{project}"


def _length(response: requests.Response, name: str) -> int:
    length = response.headers.get("Content-Length")
    if length is None:
        told = f"Swift does not say how long object {name!r} is (a dynamic large object of very many segments)"
        raise Stop(Reason.RESOURCE_FAILED, f"{told}; join its segments into one object or a static large object")
    return int(length)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS or name.lower().startswith("x-object-meta-")
    }


def _list(response: requests.Response) -> list[dict[str, Any]]:
    try:
        entries = response.json()
    except requests.exceptions.JSONDecodeError as error:
        raise Retry(
            Reason.CLOUD_UNREACHABLE, f"Swift answered a listing with {response.status_code} and no JSON", SOON
        ) from error
    if not isinstance(entries, list):
        raise Retry(Reason.CLOUD_UNREACHABLE, "Swift answered a listing with something else than a list", SOON)
    return entries
