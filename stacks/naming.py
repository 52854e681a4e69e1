"""How things are called and marked: logical names, names in OpenStack, marks as metadata or tags. Pure.

A mark is `key=value`. It goes into metadata where the type has it, else into tags, else into the description. What has none of
the three (servers' groups, database instances) carries the owner's uid in its name.
"""

from __future__ import annotations

from collections.abc import Mapping

from stacks.kind import Scope
from stacks.program import Value

OWNER_MARK = "govcloud_request"
UNIT_MARK = "govcloud_unit"
STAGE_MARK = "govcloud_stage"


def named(service: str, *parts: str | int) -> str:
    """Logical name of a part of a service: `web`, 0 and `port` make `web-0-port`."""
    return "-".join([service, *(str(part) for part in parts)])


def tags(marks: Mapping[str, Value]) -> tuple[Value, ...]:
    """Marks as the tags of a type that has no metadata."""
    return tuple(f"{key}={value}" for key, value in sorted(marks.items()))


def owner_note(owner: str) -> str:
    """The mark for a description. It holds no stage: a description that cannot be changed would rebuild its resource at a promotion."""
    return f"{OWNER_MARK}={owner}"


def owned(scope: Scope, name: str) -> str:
    """A name that carries its owner, for what carries no marks or must be unique in the unit's project."""
    return f"{name}-{scope.owner}"
