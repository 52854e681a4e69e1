"""How an object in the cloud says which operation made it and for whom; and how the saying is read back.

The mark is put into the create request itself (metadata, tags, description or name, as the service allows), so that no
object of ours is ever without it, not even when the process dies with the answer on its way. Observers use `marks_of`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.provider.declarations.model import MARK_OPERATION, MARK_OWNER, MarkIn

KEY_LENGTH = 32
_IN_DESCRIPTION = re.compile(
    rf"\s*\[{MARK_OPERATION}=(?P<key>[0-9a-f]{{{KEY_LENGTH}}}) {MARK_OWNER}=(?P<owner>[^\]\s]*)\]$"
)
_IN_NAME = re.compile(rf"-(?P<key>[0-9a-f]{{{KEY_LENGTH}}})$")


@dataclass(frozen=True)
class Marks:
    """What an object says of its origin.

    Attributes:
        key: operation key, see `operation_key`; None when the object does not carry one.
        owner: uid of the request or unit it was made for; None when unknown (a name carries only the key).
    """

    key: str | None
    owner: str | None = None


def operation_key(owner: str, urn: str, plan: int) -> str:
    """The key of the operation that makes this resource under this plan: 32 hexadecimal digits, no slash.

    It begins with the owner's fingerprint, so that an object which carries nothing but the key still says whose it is.
    """
    text = "\n".join((owner, urn, str(plan)))
    own = owner_fingerprint(owner)
    return own + hashlib.sha256(text.encode()).hexdigest()[: KEY_LENGTH - len(own)]


def owner_fingerprint(owner: str) -> str:
    """The first eight digits of every operation key of this owner."""
    return hashlib.sha256(owner.encode()).hexdigest()[:8]


def in_metadata(metadata: Mapping[str, str] | None, marks: Marks) -> dict[str, str]:
    """Metadata with the marks; what a program says about the owner itself stands."""
    owner = {MARK_OWNER: marks.owner} if marks.owner else {}
    key = {MARK_OPERATION: marks.key} if marks.key else {}
    return {**owner, **dict(metadata or {}), **key}


def in_tags(tags: Sequence[str] | None, marks: Marks) -> list[str]:
    """Tags with the marks, sorted."""
    own = {f"{MARK_OPERATION}={marks.key}"} if marks.key else set()
    if marks.owner:
        own.add(f"{MARK_OWNER}={marks.owner}")
    return sorted({*(tags or ()), *own})


def in_description(description: str | None, marks: Marks) -> str:
    """A description with the marks at its end."""
    mark = f"[{MARK_OPERATION}={marks.key} {MARK_OWNER}={marks.owner or ''}]"
    return f"{description} {mark}" if description else mark


def in_name(name: str, marks: Marks) -> str:
    """A name with the whole key at its end."""
    return f"{name}-{marks.key}"


def out_of_metadata(metadata: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Metadata as its program wrote it: without the marks, unless the program wrote one itself."""
    return {key: value for key, value in metadata.items() if key in wanted or key not in (MARK_OPERATION, MARK_OWNER)}


def out_of_tags(tags: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Tags as their program wrote them, sorted."""
    return sorted(tag for tag in tags if tag in wanted or tag.partition("=")[0] not in (MARK_OPERATION, MARK_OWNER))


def out_of_description(description: str) -> str:
    """A description as its program wrote it."""
    return _IN_DESCRIPTION.sub("", description)


def out_of_name(name: str) -> str:
    """A name as its program wrote it."""
    return _IN_NAME.sub("", name)


def marks_of(shown: Mapping[str, Any]) -> Marks:
    """The marks of an object as any OpenStack service shows it, wherever they stand.

    Looks into `metadata`, then `tags`, then `description`, then `name`.
    """
    metadata = shown.get("metadata")
    if isinstance(metadata, Mapping) and MARK_OPERATION in metadata:
        return Marks(metadata[MARK_OPERATION], metadata.get(MARK_OWNER))
    in_pairs = dict(tag.partition("=")[::2] for tag in shown.get("tags") or () if isinstance(tag, str))
    if MARK_OPERATION in in_pairs:
        return Marks(in_pairs[MARK_OPERATION], in_pairs.get(MARK_OWNER))
    if found := _IN_DESCRIPTION.search(str(shown.get("description") or "")):
        return Marks(found["key"], found["owner"] or None)
    if found := _IN_NAME.search(str(shown.get("name") or "")):
        return Marks(found["key"])
    return Marks(None)


def put_into(body: dict[str, Any], place: MarkIn, marks: Marks) -> dict[str, Any]:
    """A create or update body with the marks in their place."""
    match place:
        case MarkIn.METADATA:
            return {**body, "metadata": in_metadata(body.get("metadata"), marks)}
        case MarkIn.TAGS:
            return {**body, "tags": in_tags(body.get("tags"), marks)}
        case MarkIn.DESCRIPTION:
            return {**body, "description": in_description(body.get("description"), marks)}
        case MarkIn.NAME:
            return {**body, "name": in_name(str(body.get("name") or ""), marks)}
        case MarkIn.NOTHING:
            return body
