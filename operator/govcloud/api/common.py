"""Words and shapes that several kinds share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from stacks.kind import Model, Money, Name

GROUP = "govcloud.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/resources"
UNIT_LABEL = f"{GROUP}/unit"
WAITING_LABEL = f"{GROUP}/waiting-for"

ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", max_length=253)]
Uid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$", max_length=36)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+$")]
"""One line of text for people: no control characters, nothing that reorders what is shown."""
Text = Annotated[str, StringConstraints(max_length=2048)]
User = Annotated[str, StringConstraints(min_length=1, max_length=256)]

Stage = Literal["Trial", "Production", "Terminated"]

__all__ = ["API_VERSION", "FINALIZER", "GROUP", "UNIT_LABEL", "VERSION", "WAITING_LABEL", "Condition", "Digest", "Line", "Model",
           "Money", "Name", "ObjectName", "Stage", "Text", "Uid", "User", "Word"]  # fmt: skip


class Condition(Model):
    """A condition as in `metav1.Condition`: a program reads type, status and reason; a person reads the message."""

    type: Annotated[str, StringConstraints(max_length=64)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, StringConstraints(max_length=64)]
    message: Annotated[str, StringConstraints(max_length=4096)] = ""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    last_transition_time: datetime
