"""How long an object store has held something, by its own clock: from the Date and Last-Modified of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

from govcloud.adapters.openstack_failures import SOON
from govcloud.failures import Retry
from govcloud.reasons import Reason


def age_by(headers: Mapping[str, str], where: str) -> timedelta:
    """Raises `Retry` where the answer does not say; `where` is told then. The headers' names are lower case, or of any."""
    try:
        now, since = (parsedate_to_datetime(headers[name]) for name in ("date", "last-modified"))
    except (KeyError, ValueError) as error:
        told = f"{where} was answered without a readable Date and Last-Modified"
        raise Retry(Reason.CLOUD_UNREACHABLE, told, SOON) from error
    return max(now - since, timedelta(0))  # Swift rounds Last-Modified up to the next second
