"""What the failures of a store that speaks S3 mean to us: a table from foreign exceptions to `Retry` and `Stop`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError, SSLError

from govcloud.adapters.openstack_failures import LATER, SOON
from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.journal import JournalUnavailable, Result

_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, SSLError)
_WITHOUT_CERTAINTY = frozenset({500, 502, 504})
_NO_BUCKET = "NoSuchBucket"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a store answered with: its own word for it, the HTTP status, and a sentence."""

    code: str
    status: int
    said: str


def refusal(error: ClientError) -> Refusal:
    """What is in the answer. The answer to a HEAD has no body, and its status for a code."""
    told = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(told.get("Code", status))
    return Refusal(code, status, f"{told.get('Message') or 'refused'} [{code}, HTTP {status}]")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Let only our own exceptions out; `doing` begins every message.

    Raises:
        Retry: waiting helps.
        Stop: someone must change something.
        AuditUnavailable: the write was not recorded, so it was not sent.
    """
    try:
        yield
    except JournalUnavailable as error:
        raise AuditUnavailable(f"{doing}: not sent, because it could not be recorded: {error}") from error
    except ClientError as error:
        raise _verdict(doing, refusal(error)) from error
    except (BotoCoreError, urllib3.exceptions.HTTPError) as error:
        raise Retry(Reason.CLOUD_UNREACHABLE, f"{doing}: the object store does not answer: {error}", SOON) from error


def _verdict(doing: str, refused: Refusal) -> Retry | Stop:
    said = f"{doing}: {refused.said}"
    match refused.status:
        case 401 | 403:
            return Stop(Reason.CLOUD_UNAUTHORIZED, f"{said}; the key may not do this, or is no key of this store")
        case 404 if refused.code == _NO_BUCKET:
            return Stop(Reason.RESOURCE_FAILED, f"{said}; whoever administers the store makes it, with Object Lock turned on")
        case 404 | 409:
            return Retry(Reason.CONFLICT, said, SOON)
        case 412:
            return Stop(Reason.INVALID_INPUT, f"{said}: the name is taken, and what is there stays")
        case 429:
            return Retry(Reason.CLOUD_UNREACHABLE, said, LATER)
        case status if 400 <= status < 500:
            return Stop(Reason.INVALID_INPUT, said)
    return Retry(Reason.CLOUD_UNREACHABLE, said, LATER)


def result_of(error: Exception) -> tuple[Result, int | None]:
    """What became of a write that ended so, and the HTTP status where there was one."""
    if isinstance(error, ClientError):
        status = refusal(error).status
        return ("unknown" if status in _WITHOUT_CERTAINTY else "failure"), status
    return ("failure" if isinstance(error, _NEVER_SENT) else "unknown"), None
