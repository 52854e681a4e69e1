"""The admission policies, as the administrator deletes and restores them, and what is waited for where an API server takes its time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from devcloud.demo.world import Answer, World
from devcloud.paths import ROOT
from govcloud.adapters.kube_admission import installed_manifests, marks_of
from govcloud.adapters.kube_guard import NAME as RECORD
from govcloud.core.guard import Guard

AWAY = ("approval-by-its-office", "approval-stays-as-made", "status-by-controller")
ADMISSION = ROOT / "deploy" / "admission"


def take_away(world: World) -> None:
    files = [argument for guard in AWAY for argument in ("-f", str(ADMISSION / f"{guard}.yaml"))]
    world.must(None, "delete", *files)


def put_back(world: World) -> None:
    world.must(None, "apply", "--server-side", "--force-conflicts", "-f", str(ADMISSION))


def are_all_there(world: World) -> bool:
    return len(_marks(world)) == len(installed_manifests())


def record(world: World) -> Guard:
    """What the controller published of the policies."""
    kept = world.get("configmap", RECORD, "govcloud-system").get("data") or {}
    return Guard.model_validate_json(kept.get("record", "{}"))


def until_decisions_count(world: World) -> None:
    """Wait until the controller has seen the policies as they are now and in force, and the time is over in which it trusts nobody."""

    def guarded() -> bool:
        seen, now = record(world), datetime.now(UTC)
        return seen.marks == _marks(world) and seen.counts_from is not None and seen.counts_from <= now

    world.until("decisions count", guarded)


def _marks(world: World) -> dict[str, str]:
    both = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    live = json.loads(world.must(None, "get", both, "-o", "json"))["items"]
    return marks_of(installed_manifests(), live)


def until_kept_out(world: World, attempt: Callable[[], Answer]) -> None:
    """Wait until the API server has taken up the policies: a controller that looks before finds that it enforces none."""
    world.until("the API server has taken up the policies", lambda: attempt().refused)


def until_let_in(world: World, attempt: Callable[[], Answer]) -> Answer:
    """What an API server refuses until it has forgotten a policy that was deleted."""

    def tried() -> Answer | None:
        answer = attempt()
        return None if answer.refused else answer

    found: Answer = world.until("the API server has forgotten the policy", tried)
    return found
