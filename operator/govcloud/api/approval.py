"""`CloudServiceApproval`: one decision of one office on one plan. Immutable; a revocation is a new object."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from govcloud.api.common import (
    Base64,
    Conditions,
    Digest,
    Line,
    Model,
    Moment,
    ObjectName,
    Sha256,
    SignatureAlgorithm,
    Text,
    Uid,
    User,
    Word,
)
from govcloud.api.marks import checked_by, immutable


class RequestRef(Model):
    """The request that is decided on."""

    name: ObjectName = Field(description="name of the request, in the approval's own namespace")
    uid: Uid = Field(description="metadata.uid of the request: a later one of the same name is another")


class Attachment(Model):
    """A document that belongs to the decision, by its digest. Never its content."""

    name: Line
    sha256: Sha256


class Signature(Model):
    """The office's own detached signature over the decision: what exactly is signed stands in docs/approvals.md."""

    algorithm: SignatureAlgorithm
    key_id: Sha256 = Field(description="SHA-256 of the public key (DER, SubjectPublicKeyInfo), in hexadecimal digits")
    signed_at: Moment = Field(description="when it was signed; it is signed as well")
    value: Base64 = Field(description="the signature in base64: 64 bytes (Ed25519), or DER (SM2)")


class ApprovalSpec(Model):
    """What is decided, on which plan, by whom."""

    model_config = checked_by(
        immutable(
            "a decision cannot be edited; to take it back, create a new one with decision: Revoked / 审批决定不可修改"
        )
    )

    request: RequestRef
    step: Word = Field(description="the approval step, as the regulation pack names it, for instance authority")
    decision: Literal["Approved", "Rejected", "Revoked"] = Field(
        description="Revoked takes back what the same office approved before"
    )
    plan_digest: Digest = Field(description="status.plan.digest of the request: what exactly is decided on")
    office: Line = Field(description="the office that decides; the one that the jurisdiction names for this step")
    approver: User = Field(description="the official; must be the authenticated user")
    document_number: Line = Field(description="number of the decision 批文号; no other decision carries it")
    valid_until: Moment | None = Field(None, description="after this moment the decision starts nothing any more")
    comment: Text = ""
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=16)] = ()
    signature: Signature | None = Field(
        None, description="verified when it is there; the jurisdiction may demand it (spec.approvals.signaturesRequired)"
    )


class ApprovalStatus(Model):
    """What the controller says of the decision."""

    conditions: Conditions = Field((), description="Accepted: whether this decision counts, and why not")
