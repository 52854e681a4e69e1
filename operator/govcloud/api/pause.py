"""`Pause`: the controller leaves one request, or every request, as it is until the object is deleted."""

from __future__ import annotations

from pydantic import Field

from govcloud.api.common import Line, Model, ObjectName, Token
from govcloud.api.marks import checked_by, immutable


class PausedRequest(Model):
    """The request that is left alone. It need not exist yet."""

    namespace: Token
    name: ObjectName


class PauseSpec(Model):
    """What is paused, by whom, and why. Deleting the object resumes it."""

    model_config = checked_by(immutable("a pause stays as it was ordered; delete it and order another one / 暂停指令不可修改"))

    request: PausedRequest | None = Field(None, description="only this request; without it, every request of the cluster")
    by: Line = Field(description="who orders it: the user's own name, as the API server knows it")
    reason: Line = Field(description="why, for whoever looks next; goes into the audit log")


class PauseStatus(Model):
    """Nothing: what a pause does is seen at the requests."""
