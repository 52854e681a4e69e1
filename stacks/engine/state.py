"""What a stack remembers: the deployment as `pulumi stack export` gives it, read and repaired. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.engine.events import logical_name
from stacks.engine.failures import StateDamaged

_OURS = "openstack:"
_STACK = "pulumi:pulumi:Stack"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SIGNS_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a constant of the engine
"""How the engine's documents mark an object that stands for something else, and that it stands for a secret."""


@dataclass(frozen=True)
class Pending:
    """An operation that was under way when its run was interrupted. `kind`: creating, updating, deleting, reading, importing."""

    urn: str
    kind: str

    @property
    def resource(self) -> str:
        """Logical name."""
        return logical_name(self.urn)


@dataclass(frozen=True)
class Remembered:
    """A resource in the state. `doomed`: it was replaced and waits for its deletion."""

    urn: str
    type: str
    id: str
    outputs: Mapping[str, Any]
    doomed: bool

    @property
    def name(self) -> str:
        """Logical name."""
        return logical_name(self.urn)


@dataclass(frozen=True)
class State:
    """A whole exported state, and the document it came from."""

    resources: tuple[Remembered, ...]
    outputs: Mapping[str, Any]
    pending: tuple[Pending, ...]
    document: Mapping[str, Any]


def parse(text: str) -> State:
    """The state in an export.

    Raises:
        StateDamaged: it is none.
    """
    try:
        document = json.loads(text)
        deployment = document["deployment"]
        return State(
            resources=tuple(_resources(deployment)),
            outputs=_outputs(deployment),
            pending=tuple(_pending(deployment)),
            document=document,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateDamaged(f"the exported state is not what the engine writes ({type(error).__name__})") from error


def without_pending(state: State) -> str:
    """The state as JSON for an import, with its pending operations forgotten."""
    deployment = {key: value for key, value in state.document["deployment"].items() if key != "pending_operations"}
    return json.dumps({**state.document, "deployment": deployment})


def _resources(deployment: Mapping[str, Any]) -> Iterator[Remembered]:
    for item in deployment.get("resources") or ():
        if item["type"].startswith(_OURS) and item.get("custom"):
            yield Remembered(
                urn=item["urn"],
                type=item["type"],
                id=item.get("id", ""),
                outputs=_revealed(item.get("outputs") or {}),
                doomed=bool(item.get("delete") or item.get("pendingReplacement")),
            )


def _outputs(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    for item in deployment.get("resources") or ():
        if item["type"] == _STACK:
            outputs = _revealed(item.get("outputs") or {})
            assert isinstance(outputs, dict)  # noqa: S101  a mapping stays a mapping
            return outputs
    return {}


def _pending(deployment: Mapping[str, Any]) -> Iterator[Pending]:
    for item in deployment.get("pending_operations") or ():
        yield Pending(item["resource"]["urn"], item["type"])


def _revealed(value: Any) -> Any:
    """The value with the engine's envelopes for secrets opened; the export was asked to show them."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SIGNS_SECRET and "plaintext" in value:
            return json.loads(value["plaintext"])
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    return value
