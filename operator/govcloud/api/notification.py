"""Notifications of state changes: where a jurisdiction wants them, and what a request's status keeps of them until they were told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from govcloud.api.common import Model, ObjectName, Token

MOST_NOTICES = 16

Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9._~\[\]:/%-]+$", max_length=1024)]
"""Without user, query and fragment: what is secret belongs into the Secret."""


class SecretKey(Model):
    """One value of a Secret in the controller's namespace."""

    name: ObjectName = "govcloud-notifications"
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = Field(
        description="the value's key in the Secret, for instance the jurisdiction's name"
    )


class Notifications(Model):
    """State changes of requests are told here: CloudEvents 1.0 by HTTP POST, signed as Standard Webhooks are."""

    url: Url = Field(description="https; redirects are not followed")
    secret_ref: SecretKey = Field(description="the key that signs: `whsec_` and base64, or at least 24 bytes as they are")


class Notice(Model):
    """A state that a request came into. `number` counts a request's notices from 1."""

    number: int
    at: datetime
    phase: Token
    ready: Token = Field(description="reason of the condition Ready")
    stalled: Token | None = Field(None, description="reason of the condition Stalled, where it is True")
    plan: int | None = None
    transition: Token | None = None
    waiting_for: Token | None = None
    office: Token | None = None
    deadline: datetime | None = None
    overdue: bool = False
