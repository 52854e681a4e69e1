"""The API server's own audit log, as files of JSON lines (audit.k8s.io/v1), rotated and packed or not.

Only what was carried out is told: stage ResponseComplete, no dry runs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from govcloud.adapters.kube_rights import binding_from, role_from
from govcloud.core.rights import Binding, Role
from govcloud.core.witnessed import Act


class UnreadableLog(Exception):
    """The file is not an audit log of an API server; says which file and line."""


def acts_in(path: Path) -> Iterator[Act]:
    """Every request that stands in a log when this is called, its rotated predecessors (`audit-2026-05-01T08-00-00.000.log`, `.gz`) first.

    The last line may be unfinished: the API server may be writing it. What it writes afterwards is left out, however late the requests are read:
    whoever looks for their records reads these later, and finds all that there have to be. Raises `OSError`; `UnreadableLog` while they are read.
    """
    written, before = path.stat().st_size, rotated(path)
    growing = _acts(path) if _is_packed(path) else _acts(path, written)
    return chain(chain.from_iterable(map(_acts, before)), growing)


def rotated(path: Path) -> list[Path]:
    """What the API server moved aside of this log, oldest first."""
    ends = (path.suffix, f"{path.suffix}.gz")
    aside = (file for file in path.parent.iterdir() if file.name.startswith(f"{path.stem}-"))
    return sorted(file for file in aside if file.name.endswith(ends))


def _acts(file: Path, size: int | None = None) -> Iterator[Act]:
    """Those in the first so many bytes of a file, or in all of it."""
    read = 0
    with _opened(file) as stream:
        for number, line in enumerate(stream, start=1):
            read += len(line.encode())
            if not line.endswith("\n") or (size is not None and read > size):
                return
            event = _event(file, number, line)
            if event.get("stage") == "ResponseComplete" and "dryRun=" not in str(event.get("requestURI", "")):
                yield _act(file, number, event)


def _opened(file: Path) -> TextIO:
    return gzip.open(file, "rt", encoding="utf-8") if _is_packed(file) else file.open(encoding="utf-8")


def _is_packed(file: Path) -> bool:
    return file.suffix == ".gz"


def _event(file: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        event = json.loads(line)
        if event["kind"] == "Event":
            return dict(event)
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableLog(f"{file}, line {number}: this is no event of an API server's audit log") from error
    raise UnreadableLog(f"{file}, line {number}: this is a {event['kind']}, not an Event")


def _act(file: Path, number: int, event: Mapping[str, Any]) -> Act:
    on = event.get("objectRef") or {}
    try:
        return Act(
            id=str(event["auditID"]),
            began=datetime.fromisoformat(event["requestReceivedTimestamp"]),
            ended=datetime.fromisoformat(event["stageTimestamp"]),
            user=str((event.get("impersonatedUser") or event["user"])["username"]),
            verb=str(event["verb"]),
            resource=str(on.get("resource", "")),
            subresource=str(on.get("subresource", "")),
            namespace=str(on.get("namespace", "")),
            name=str(on.get("name") or _made_name(event)),
            code=int((event.get("responseStatus") or {}).get("code", 0)),
            made=_made(str(on.get("resource", "")), event.get("responseObject") or {}),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadableLog(f"{file}, line {number}: the event lacks {error}") from error


def _made(resource: str, answered: dict[str, Any]) -> Role | Binding | None:
    """The role or binding as it was stored; None where the policy does not keep it, or the answer is a Status."""
    if resource in ("roles", "clusterroles") and "rules" in answered:
        return role_from(answered)
    return binding_from(answered) if resource in ("rolebindings", "clusterrolebindings") and "roleRef" in answered else None


def _made_name(event: Mapping[str, Any]) -> str:
    """The name that the API server chose (`generateName`), where the policy keeps the answer."""
    made = event.get("responseObject") or {}
    return str((made.get("metadata") or {}).get("name", ""))
