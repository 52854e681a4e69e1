"""The Kubernetes API over HTTP: one client for all threads, timeouts always, lists in pages. Knows no kinds and decides nothing.

The official client's generated classes know built-in kinds only and hide which patch is sent; its connection layer (TLS, kubeconfig,
tokens that expire) is what is used here, under paths and bodies of our own. It never retries by itself: every repetition is decided by
whoever knows whether a second time is harmless.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from govcloud.adapters.kube_failures import Answer, failure, unreachable

Raw = dict[str, Any]

FIELD_MANAGER = "govcloud"
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
RESTARTS_OF_A_LIST = 3

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def path_of(resource: str, name: str | None = None, *, namespace: str | None = None, under: str | None = None) -> str:
    """The path of a collection, an object, or what lies `under` it, for instance its status.

    `resource` is written `<group>/<version>/<plural>`, without a group for the oldest kinds: `v1/namespaces`.
    """
    *group, version, plural = resource.split("/")
    start = ["apis", *group] if group else ["api"]
    inside = ["namespaces", namespace] if namespace else []
    parts = [*start, version, *inside, plural, *([name] if name else []), *([under] if under else [])]
    return "/" + "/".join(quote(part, safe="") for part in parts)


def in_pod() -> bool:
    """Whether the cluster is the one that this process runs in, and who asks is the pod's service account."""
    return "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ


class KubeApi:
    """One API server, as one user.

    Args:
        read_seconds: how long the server may take for one answer.
        page: how many objects of a list are asked for at once.
    """

    def __init__(self, client: ApiClient, read_seconds: float = READ_SECONDS, page: int = 500) -> None:
        self._client = client
        self._page = page
        self._timeout = (CONNECT_SECONDS, read_seconds)
        client.user_agent = FIELD_MANAGER

    @classmethod
    def from_environment(cls) -> KubeApi:
        """By `$KUBECONFIG` (or ~/.kube/config); in a pod without one, by its service account.

        Raises:
            kubernetes.config.ConfigException: there is neither, or the file is damaged.
        """
        configuration = Configuration()
        if in_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(client_configuration=configuration)
        configuration.retries = False
        return cls(ApiClient(configuration))

    def with_patience(self, read_seconds: float) -> KubeApi:
        """The same server and connections, with another limit for an answer."""
        return KubeApi(self._client, read_seconds)

    def read(self, path: str) -> Raw | None:
        """The object at a path, or None where there is none.

        Raises:
            Retry, Stop: as `govcloud.adapters.kube_failures` sorts them; so do all methods here.
        """
        answer = self.ask("GET", path, accept=(404,))
        return None if answer.status == 404 else dict(answer.body)

    def every(self, path: str, *, labels: str = "") -> list[Raw]:
        """All objects of a collection, read page by page."""
        for _ in range(RESTARTS_OF_A_LIST):
            pages = list(self._pages(path, labels))
            if None not in pages:
                return [item for page in pages if page is not None for item in page]
        raise failure(f"GET {path}", Answer(410, {}, {"message": "the list expired again and again"}))

    def _pages(self, path: str, labels: str) -> Iterator[list[Raw] | None]:
        """The pages of a list; None where the server no longer knows the state that the first page was of."""
        proceed: str | None = ""
        while proceed is not None:
            query = {"limit": str(self._page), "labelSelector": labels, "continue": proceed}
            answer = self.ask("GET", path, query={key: value for key, value in query.items() if value}, accept=(410,))
            yield None if answer.status == 410 else list(answer.body.get("items") or ())
            proceed = (answer.body.get("metadata") or {}).get("continue") or None

    def time(self, path: str) -> datetime:
        """The server's own clock, to the second, as it answers for a collection. By it objects get the time of their creation."""
        said = self.ask("GET", path, query={"limit": "1"}).headers.get("date", "")
        try:
            return parsedate_to_datetime(said)
        except ValueError as error:
            raise unreachable(f"GET {path}", error) from error

    def create(self, path: str, body: Mapping[str, Any]) -> Raw | None:
        """Create an object; None where one of this name exists already."""
        answer = self.ask("POST", path, body=body, query=_MANAGED, accept=(409,))
        return None if answer.status == 409 else dict(answer.body)

    def replace(self, path: str, body: Mapping[str, Any]) -> Raw:
        """Replace an object, or its status; its `resourceVersion` is the condition."""
        return dict(self.ask("PUT", path, body=body, query=_MANAGED).body)

    def merge(self, path: str, patch: Mapping[str, Any]) -> Raw:
        """Change some fields; None removes one. A `resourceVersion` in it is a condition."""
        return dict(self.ask("PATCH", path, body=patch, content=MERGE_PATCH, query=_MANAGED).body)

    def apply(self, path: str, body: Mapping[str, Any]) -> Raw:
        """Create the object or make it what `body` says (server-side apply): fields that we wrote before and that are left out go."""
        return dict(self.ask("PATCH", path, body=body, content=APPLY_PATCH, query={**_MANAGED, "force": "true"}).body)

    def delete(self, path: str, uid: str) -> None:
        """Delete the object of this uid; one that is gone is no error."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        self.ask("DELETE", path, body=body, accept=(404,))

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content: str = JSON,
        accept: Sequence[int] = (),
    ) -> Answer:
        """One call. A status of 400 and more that is not in `accept` raises."""
        answer = self._send(method, path, body, query or {}, content)
        if answer.status >= 400 and answer.status not in accept:
            raise failure(f"{method} {path}", answer)
        return answer

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str], content: str
    ) -> Answer:
        request = self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": JSON, "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*request, _request_timeout=self._timeout)
            headers = {key.lower(): value for key, value in response.headers.items()}
            return Answer(response.status, headers, _parsed(response.read(), response.status))
        except (HTTPError, ApiException, OSError, ValueError) as error:
            raise unreachable(f"{method} {path}", error) from error


_MANAGED = {"fieldManager": FIELD_MANAGER}


def _parsed(text: bytes, status: int) -> Mapping[str, Any]:
    """The body as an object. A proxy in between may answer a failure in words of its own; a success must be JSON."""
    try:
        parsed = json.loads(text)
    except ValueError:
        if status < 400:
            raise
        return {"message": text.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)}
