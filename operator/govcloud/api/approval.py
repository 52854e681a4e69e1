"""`CloudServiceApproval`: one decision of one office on one plan. Immutable; a revocation is a new object."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from govcloud.api.common import Condition, Digest, Line, Model, ObjectName, Text, Uid, User, Word


class RequestRef(Model):
    name: ObjectName
    uid: Uid


class Attachment(Model):
    name: Line
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]


class ApprovalSpec(Model):
    request: RequestRef
    step: Word = Field(description="the approval step, as the regulation pack names it, for instance authority")
    decision: Literal["Approved", "Rejected", "Revoked"]
    plan_digest: Digest = Field(description="status.plan.digest of the request: what exactly is decided on")
    office: Line = Field(description="the office that decides; the one that the jurisdiction names for this step")
    approver: User = Field(description="the official; must be the authenticated user")
    document_number: Line = Field(description="number of the decision 批文号; used once")
    valid_until: datetime | None = Field(None, description="after this moment the decision starts nothing any more")
    comment: Text = ""
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=16)] = ()


class ApprovalStatus(Model):
    conditions: tuple[Condition, ...] = Field((), description="Accepted: whether this decision counts, and why not")
