"""The audit log against what others wrote down: the API server's own log, and OpenStack's lists."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml

from devcloud.demo.requests import Request
from devcloud.demo.world import Answer, World
from devcloud.paths import ROOT


def compare_with_the_second_witness(world: World) -> None:
    """The API server's own log and OpenStack's lists agree with the audit log; what was done behind its back, or did not happen, is found"""
    kubernetes = world.environment.kubernetes_audit_log
    agreed = _reconciled(world, kubernetes, "--cloud", "govcloud")
    world.expect(agreed.code == 0, f"govcloud audit reconcile: {agreed.out}{agreed.err}")
    world.saw(f"govcloud audit reconcile: {agreed.err.strip()}")
    missed = _reconciled(world, _without_credentials(kubernetes))
    world.expect(missed.code == 1 and "unconfirmed" in missed.out, f"a Secret that was never written was not missed: {missed.out}{missed.err}")
    world.saw(f"without the writing of a Secret: {missed.out.splitlines()[-1][:150]}")
    _plant_a_secret(world)
    found = _reconciled(world, kubernetes)
    world.expect(found.code == 1 and "/planted" in found.out, f"a planted Secret was not found: {found.out}{found.err}")
    world.saw(f"a Secret made with the controller's stolen login: {found.out.splitlines()[-1][:150]}")


def _reconciled(world: World, kubernetes: Path, *more: str) -> Answer:
    since = datetime.fromtimestamp(world.began, UTC).isoformat()
    return world.govcloud("audit", "reconcile", "--log", str(world.audit_log), "--kubernetes-log", str(kubernetes), "--since", since, *more)


def _without_credentials(kubernetes: Path) -> Path:
    """A copy of the API server's log from which every line about credentials is gone."""
    shortened = ROOT / "build" / "demo" / "kubernetes-audit.log"
    shortened.parent.mkdir(parents=True, exist_ok=True)
    with kubernetes.open(encoding="utf-8") as lines:
        shortened.write_text("".join(line for line in lines if "-credentials" not in line), encoding="utf-8")
    return shortened


def _plant_a_secret(world: World) -> None:
    request: Request = world.memory["survey"]
    metadata = {"name": "planted", "namespace": request.namespace, "labels": {"govcloud.dev/request": request.uid}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    world.must("controller", "create", "-f", "-", stdin=yaml.safe_dump(secret))
    world.must(None, "delete", "secret", "planted", "-n", request.namespace)
