"""What a stack remembers: the deployment as `pulumi stack export` gives it, read and repaired. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stacks.engine.events import logical_name
from stacks.engine.failures import StateDamaged
from stacks.provider.properties import UNFINISHED

_OURS = "openstack:"
_STACK = "pulumi:pulumi:Stack"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SIGNS_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a constant of the engine
"""How the engine's documents mark an object that stands for something else, and that it stands for a secret."""


@dataclass(frozen=True)
class Pending:
    """An operation that was under way when its run was interrupted.

    Attributes:
        urn, type: of the resource.
        kind: creating, updating, deleting, reading or importing.
        login: name of the login that was used.
        inputs: by wire names; secrets in plain where the export was asked to show them.
    """

    urn: str
    type: str
    kind: str
    login: str
    inputs: Mapping[str, Any] = field(repr=False)

    @property
    def resource(self) -> str:
        """Logical name."""
        return logical_name(self.urn)


@dataclass(frozen=True)
class Remembered:
    """A resource in the state. `doomed`: it was replaced and waits for its deletion. `login`: name of the login that made it."""

    urn: str
    type: str
    id: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)
    login: str
    doomed: bool

    @property
    def name(self) -> str:
        """Logical name."""
        return logical_name(self.urn)


@dataclass(frozen=True)
class State:
    """A whole exported state, and the document it came from."""

    resources: tuple[Remembered, ...]
    outputs: Mapping[str, Any] = field(repr=False)
    pending: tuple[Pending, ...]
    written_at: datetime | None
    document: Mapping[str, Any] = field(repr=False)


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
            written_at=_written_at(deployment),
            document=document,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateDamaged(f"the exported state is not what the engine writes ({type(error).__name__})") from error


def repaired(state: State, found: Mapping[str, str]) -> str:
    """The state as JSON for an import, with nothing pending any more.

    What was being created and was found in the cloud (`found`: URN -> id) is remembered as made but not finished, so that the engine
    asks for it to be finished, or deletes it where no program wants it. What was being updated is read anew before the next update:
    nobody knows how far that came. What was being finished is still to be finished. What was being deleted is still remembered, and is deleted again.
    """
    deployment = dict(state.document["deployment"])
    pending = deployment.pop("pending_operations", None) or []
    updating = {item["resource"]["urn"] for item in pending if item["type"] == "updating"}
    creating = {item["resource"]["urn"]: item["resource"] for item in pending if item["type"] == "creating"}
    made = {urn: _unfinished(resource, found[urn]) for urn, resource in creating.items() if urn in found}
    known = [_to_read_anew(item, updating) for item in deployment.get("resources") or ()]
    deployment["resources"] = _joined(known, made)
    return json.dumps({**state.document, "deployment": deployment})


def to_be_read_anew(state: State, names: Set[str]) -> str:
    """The state as JSON for an import, in which the resources of these names are read from the cloud before they are compared with a program."""
    deployment = dict(state.document["deployment"])
    urns = {item.urn for item in state.resources if item.name in names}
    deployment["resources"] = [_to_read_anew(item, urns) for item in deployment.get("resources") or ()]
    return json.dumps({**state.document, "deployment": deployment})


def _joined(known: list[Mapping[str, Any]], made: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What was made comes in as the engine demands it: one of each URN, and before what depends on it and what is still to be deleted.

    Where it replaces what is gone, it takes its place. The engine forgets no create under way by itself, so one that a later run took over
    stands in the state already, and stays as it is.
    """
    taken_over = {item["urn"] for item in known if not _has_to_go(item)}
    left = {urn: item for urn, item in made.items() if urn not in taken_over}
    joined: list[Mapping[str, Any]] = []
    for item in known:
        replaced = item["urn"] in left and item.get("pendingReplacement")
        if _has_to_go(item) and item["urn"] in left:
            joined.append(left.pop(item["urn"]))
        joined += [] if replaced else [item]
    return [*joined, *left.values()]


def _has_to_go(resource: Mapping[str, Any]) -> bool:
    """Whether another one takes its place, or has taken it."""
    return bool(resource.get("delete") or resource.get("pendingReplacement"))


def _unfinished(resource: Mapping[str, Any], identity: str) -> dict[str, Any]:
    inputs = resource.get("inputs") or {}
    return {**resource, "id": identity, "outputs": {**inputs, UNFINISHED: True}, "initErrors": ["the run that made it was interrupted"]}


def _to_read_anew(resource: Mapping[str, Any], updating: set[str]) -> Mapping[str, Any]:
    """What was never finished is left to be finished: the engine takes what it has read for finished."""
    if resource["urn"] not in updating or resource.get("delete") or resource.get("initErrors"):
        return resource
    return {**resource, "refreshBeforeUpdate": True}


def _resources(deployment: Mapping[str, Any]) -> Iterator[Remembered]:
    for item in deployment.get("resources") or ():
        if item["type"].startswith(_OURS) and item.get("custom"):
            yield Remembered(
                urn=item["urn"],
                type=item["type"],
                id=item.get("id", ""),
                inputs=_revealed(item.get("inputs") or {}),
                outputs=_revealed(item.get("outputs") or {}),
                login=_login_of(item.get("provider", "")),
                doomed=_has_to_go(item),
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
        resource = item["resource"]
        yield Pending(
            urn=resource["urn"],
            type=resource["type"],
            kind=item["type"],
            login=_login_of(resource.get("provider", "")),
            inputs=_revealed(resource.get("inputs") or {}),
        )


def _login_of(provider: str) -> str:
    """The login's name out of a reference to a provider resource: `<urn>::<id>`."""
    return logical_name(provider.rpartition("::")[0])


def _written_at(deployment: Mapping[str, Any]) -> datetime | None:
    """When the engine last wrote the state; None for a state that nobody has written yet."""
    text = deployment["manifest"]["time"]
    return None if text.startswith("0001-") else datetime.fromisoformat(text)


def _revealed(value: Any) -> Any:
    """The value with the engine's envelopes for secrets opened; the export was asked to show them."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SIGNS_SECRET and "plaintext" in value:
            return json.loads(value["plaintext"])
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    return value
