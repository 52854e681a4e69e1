"""What the engine did, by its own event stream: `--event-log` writes one JSON object a line. Pure, but for reading the file.

Resources that are not OpenStack's (the stack itself, the logins) are left out everywhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stacks.engine.failures import Diagnostic

_OURS = "openstack:"
_OPERATIONS: Mapping[str, str] = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "same": "same",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "refresh": "refresh",
    "read": "same",
}


@dataclass(frozen=True)
class Performed:
    """One operation on one resource that succeeded (or, in a preview, would be tried)."""

    resource: str
    type: str
    operation: str


@dataclass(frozen=True)
class Events:
    """What an event log says."""

    performed: tuple[Performed, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def operations(self) -> dict[str, int]:
        """How many resources each operation befell; a replace counts once, however many steps it takes."""
        each = {(item.resource, item.type, item.operation) for item in self.performed}
        return dict(Counter(operation for _, _, operation in sorted(each)))


def logical_name(urn: str) -> str:
    """The name that a program gave to the resource of this URN."""
    return urn.split("::", 3)[-1] if urn.count("::") >= 3 else ""


def read_events(path: Path) -> Events:
    """Read an event log. A last line that was cut off by a crash is left out."""
    return from_lines(path.read_text(encoding="utf-8").splitlines()) if path.exists() else Events((), ())


def from_lines(lines: Iterable[str]) -> Events:
    """What the lines of an event log say."""
    events = list(_parsed(lines))
    return Events(
        performed=tuple(_performed(events)),
        diagnostics=tuple(_diagnostics(events)),
    )


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _performed(events: Iterable[Mapping[str, Any]]) -> Iterator[Performed]:
    for event in events:
        metadata = event.get("resOutputsEvent", {}).get("metadata")
        if metadata and str(metadata.get("type", "")).startswith(_OURS):
            operation = _OPERATIONS.get(metadata["op"], metadata["op"])
            yield Performed(logical_name(metadata["urn"]), metadata["type"], operation)


def _diagnostics(events: Iterable[Mapping[str, Any]]) -> Iterator[Diagnostic]:
    for event in events:
        diagnostic = event.get("diagnosticEvent") or event.get("diagEvent")
        if diagnostic and diagnostic.get("severity") == "error":
            yield Diagnostic(logical_name(diagnostic.get("urn", "")), _plain(diagnostic.get("message", "")))


def _plain(message: str) -> str:
    """The message without the engine's colour directives."""
    for mark in ("<{%reset%}>", "<{%fg 1%}>", "<{%bold%}>"):
        message = message.replace(mark, "")
    return message.strip()
