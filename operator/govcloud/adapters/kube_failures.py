"""What the Kubernetes API refuses, sorted by a table: waiting helps (`Retry`), or someone must change something (`Stop`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

LONGEST_MESSAGE = 600


@dataclass(frozen=True)
class Answer:
    """What the API server said: HTTP status, headers by lower-case name, and the JSON object of the body."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def message(self) -> str:
        """The server's own sentence, shortened."""
        return str(self.body.get("message") or f"HTTP {self.status}")[:LONGEST_MESSAGE]

    @property
    def retry_after(self) -> timedelta | None:
        """How long the server asks to wait, if it says so in seconds."""
        seconds = self.headers.get("retry-after", "")
        return timedelta(seconds=int(seconds)) if seconds.isdigit() else None


class Forbidden(Retry):
    """The user has no right to this. Who acts for himself is told which one; the controller tries again, for rights can be granted."""


@dataclass(frozen=True)
class _Row:
    kind: type[Retry] | type[Stop]
    reason: Reason
    advice: str
    after: timedelta | None = None


_UNAUTHORIZED = _Row(
    Retry,
    Reason.CLUSTER_UNREACHABLE,
    "the Kubernetes API does not accept this login; renew its token or kubeconfig",
    timedelta(seconds=30),
)
_FORBIDDEN = _Row(
    Forbidden,
    Reason.CLUSTER_UNREACHABLE,
    "a right is missing in the cluster; apply deploy/rbac",
    timedelta(seconds=30),
)
_DENIED = _Row(Stop, Reason.CLUSTER_REFUSED, "an admission policy refuses what the controller wants to write")
_CLOSING = _Row(Stop, Reason.CLUSTER_REFUSED, "the namespace is being deleted, so nothing can be made in it")
_OVERLOADED = _Row(Retry, Reason.CLUSTER_UNREACHABLE, "the Kubernetes API is overloaded", timedelta(seconds=5))
_BROKEN = _Row(Retry, Reason.CLUSTER_UNREACHABLE, "the Kubernetes API is not well", timedelta(seconds=5))
_UNEXPECTED = _Row(Stop, Reason.PROGRAM_FAULT, "the Kubernetes API does not understand the controller; are CRDs and controller of one version?")  # fmt: skip

_BY_STATUS: Mapping[int, _Row] = {
    401: _UNAUTHORIZED,
    403: _FORBIDDEN,
    404: _Row(Retry, Reason.CONFLICT, "the object is gone, or its CRD is not installed (crds/)"),
    409: _Row(Retry, Reason.CONFLICT, "something else changed the object at the same time"),
    410: _Row(Retry, Reason.CONFLICT, "the list changed while it was read"),
    429: _OVERLOADED,
}


def failure(doing: str, answer: Answer) -> Retry | Stop:
    """The exception for an answer that is no success. `doing` names the call, for instance `PUT /apis/…`."""
    row = _row(answer)
    message = f"{row.advice} ({doing}: {answer.status} {answer.message})"
    if issubclass(row.kind, Stop):
        return row.kind(row.reason, message)
    return row.kind(row.reason, message, answer.retry_after or row.after)


def unreachable(doing: str, error: Exception) -> Retry:
    """The exception where there was no answer, or none that could be read."""
    cause = str(error)[:LONGEST_MESSAGE]
    return Retry(Reason.CLUSTER_UNREACHABLE, f"the Kubernetes API does not answer ({doing}: {cause})", _BROKEN.after)


def _row(answer: Answer) -> _Row:
    if _namespace_is_closing(answer.body):
        return _CLOSING
    if "denied request" in answer.message:  # how the API server begins the sentence of a ValidatingAdmissionPolicy
        return _DENIED
    if answer.status >= 500:
        return _BROKEN
    return _BY_STATUS.get(answer.status, _UNEXPECTED)


def _namespace_is_closing(body: Mapping[str, Any]) -> bool:
    causes = (body.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
