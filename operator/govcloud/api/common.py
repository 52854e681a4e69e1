"""Words and shapes that several kinds share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from govcloud.api.marks import keyed_by
from stacks.kind import Model, Money, Name

GROUP = "govcloud.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/resources"
UNIT_LABEL = f"{GROUP}/unit"
WAITING_LABEL = f"{GROUP}/waiting-for"
PLAN_LABEL = f"{GROUP}/plan"
"""On the ControllerRevision that pins a plan: the uid of its request."""
REQUEST_LABEL = f"{GROUP}/request"
"""On the Secret with a request's credentials, and on its backup sets: the uid of the request."""
LIVE_REQUESTS_LABEL = f"{GROUP}/live-requests"
"""On a namespace while a request in it holds resources: admission refuses to delete such a namespace."""

ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", max_length=253)]
Uid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$", max_length=36)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+$")
]
"""One line of text for people: no control characters, nothing that reorders what is shown."""
Text = Annotated[str, StringConstraints(max_length=2048)]
User = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Token = Annotated[str, StringConstraints(max_length=256)]
"""A name, id or address that the controller writes into a status."""

Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", min_length=4, max_length=256)]
Moment = Annotated[AwareDatetime, Field(json_schema_extra={"pattern": r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"})]
"""A moment with its zone, for instance `2026-12-31T16:00:00Z`: without one, nobody could say when it is."""
SignatureAlgorithm = Literal["Ed25519", "SM2"]
"""RFC 8032, and GB/T 32918 with SM3. There is no other: what is not in this list cannot be written down."""

Stage = Literal["Trial", "Production", "Terminated"]


class Condition(Model):
    """A condition as in `metav1.Condition`: a program reads type, status and reason; a person reads the message."""

    type: Annotated[str, StringConstraints(max_length=64)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, StringConstraints(max_length=64)]
    message: Annotated[str, StringConstraints(max_length=4096)] = ""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    last_transition_time: datetime


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=keyed_by("type"))]
Quantities = Annotated[dict[str, int], Field(max_length=64)]
"""Amounts by name, for instance a project's quota."""

__all__ = [
    "API_VERSION", "FINALIZER", "GROUP", "LIVE_REQUESTS_LABEL", "PLAN_LABEL", "REQUEST_LABEL", "UNIT_LABEL", "VERSION", "WAITING_LABEL",
    "Base64", "Condition", "Conditions", "Digest", "Line", "Model", "Moment", "Money", "Name", "ObjectName", "Quantities", "Sha256",
    "SignatureAlgorithm", "Stage", "Text", "Token", "Uid", "User", "Word",
]  # fmt: skip


def as_written(model: BaseModel) -> dict[str, Any]:
    """A model as it goes into the cluster: JSON, names in camelCase, and what is not set left out (a schema there knows no null)."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
