"""What OpenStack's failures mean to us: a table from foreign exceptions to `Retry` and `Stop` (design, section 10).

Only what is in the table is translated. Anything else is a fault of ours and rises as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import requests
import urllib3
from keystoneauth1 import exceptions as keystone

from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.errors import service_message
from stacks.provider.journal import JournalUnavailable
from stacks.provider.session import AnswerLost

SOON = timedelta(seconds=5)
LATER = timedelta(minutes=1)
MUCH_LATER = timedelta(minutes=5)
"""After this long a quota may have room again: somebody must delete something, or raise it."""


class LostAnswer(Retry):
    """A write was sent and nobody knows what became of it. Whoever repeats it must look first."""


@dataclass(frozen=True)
class _Verdict:
    """One row: which answers it is about, and what they mean. `after` None means that waiting will not help."""

    statuses: range
    says: str
    reason: Reason
    after: timedelta | None


def _one(status: int) -> range:
    return range(status, status + 1)


_VERDICTS = (
    _Verdict(_one(401), "", Reason.CLOUD_UNAUTHORIZED, LATER),
    _Verdict(_one(403), "disallowed by policy", Reason.CLOUD_UNAUTHORIZED, None),  # Neutron, whose rules have names like get_quota
    _Verdict(_one(403), "quota|exceed|limit", Reason.QUOTA_EXCEEDED, MUCH_LATER),  # Nova
    _Verdict(_one(403), "", Reason.CLOUD_UNAUTHORIZED, None),
    _Verdict(_one(404), "", Reason.CONFLICT, SOON),  # it was there a moment ago: look at everything again
    _Verdict(_one(409), "quota", Reason.QUOTA_EXCEEDED, MUCH_LATER),  # Neutron
    _Verdict(_one(409), "", Reason.CONFLICT, SOON),
    # Swift's words for one object that is larger than it takes; everything else of that number is a quota, Cinder's or Swift's.
    _Verdict(_one(413), r"your request (is|was) too large", Reason.INVALID_INPUT, None),
    _Verdict(_one(413), "", Reason.QUOTA_EXCEEDED, MUCH_LATER),
    _Verdict(_one(429), "", Reason.CLOUD_UNREACHABLE, LATER),
    # Cinder answers 400 for what is in the wrong state now and will be in the right one soon.
    _Verdict(_one(400), r"invalid (volume|snapshot|backup)\b|status must be", Reason.CONFLICT, SOON),
    _Verdict(range(400, 500), "", Reason.INVALID_INPUT, None),
    _Verdict(range(500, 600), "", Reason.CLOUD_UNREACHABLE, LATER),
)

_NO_ANSWER = (
    keystone.ConnectFailure,
    keystone.ConnectionError,
    keystone.UnknownConnectionError,
    keystone.DiscoveryFailure,
    keystone.EndpointNotFound,
    keystone.EmptyCatalog,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
)
_LOGIN_REFUSED = (keystone.AuthorizationFailure, keystone.AuthPluginException, keystone.MissingAuthPlugin)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Let only our own exceptions out.

    Args:
        doing: what was being done, as the beginning of a sentence (`read volume 4711`); starts every message.

    Raises:
        Retry: waiting helps; LostAnswer when a write may or may not have happened.
        Stop: someone must change something.
        AuditUnavailable: the write was not recorded, so it was not sent.
    """
    try:
        yield
    except AnswerLost as error:
        raise LostAnswer(Reason.CLOUD_UNREACHABLE, f"{doing}: {error}", SOON) from error
    except JournalUnavailable as error:
        raise AuditUnavailable(f"{doing}: not sent, because it could not be recorded: {error}") from error
    except keystone.HttpError as error:
        raise verdict(doing, error) from error
    except _LOGIN_REFUSED as error:
        raise Retry(Reason.CLOUD_UNAUTHORIZED, f"{doing}: the login was refused: {error}", LATER) from error
    except _NO_ANSWER as error:
        raise Retry(Reason.CLOUD_UNREACHABLE, f"{doing}: OpenStack does not answer: {error}", SOON) from error


def verdict(doing: str, error: keystone.HttpError) -> Retry | Stop:
    """What an HTTP answer of 400 or above means."""
    said = service_message(error) or str(error)
    row = next(row for row in _VERDICTS if error.http_status in row.statuses and re.search(row.says, said, re.I))
    request = f" (request {error.request_id})" if error.request_id else ""
    message = f"{doing}: {said} [HTTP {error.http_status}]{request}"
    return Stop(row.reason, message) if row.after is None else Retry(row.reason, message, row.after)
