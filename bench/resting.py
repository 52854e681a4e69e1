"""What it costs to look at many requests of which none needs anything, as every resync does, against reading each of them once and no more.

    GOVCLOUD_DEV_DIR=build/bench-cloud python -m devcloud run -- python bench/resting.py [--requests 300] [--decisions 5] [--rounds 3]

Requests that wait for an office, each with decisions that do not count. A change of the Jurisdiction wakes every one of them; measured is the time
until all were looked at, and the processor time of the controller and of the API server. The floor reads each request once, with the same client, and
decides nothing. Prints one JSON object; seconds belong to one machine, the ratios travel.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests
from kubernetes.config import new_client_from_config

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "operator")]

from devcloud import controller  # noqa: E402
from devcloud.demo.requests import Request  # noqa: E402
from devcloud.demo.telling import Teller  # noqa: E402
from devcloud.demo.world import EXAMPLES, World  # noqa: E402
from devcloud.environment import Environment  # noqa: E402
from devcloud.paths import state_directory  # noqa: E402
from govcloud.adapters.kube_api import KubeApi  # noqa: E402
from govcloud.adapters.kube_cluster import KubeCluster  # noqa: E402

JURISDICTION = "jiujiang"
_AT_ONCE = 200
"""Manifests in one call of kubectl."""
_CALM_SECONDS = 3


@dataclass(frozen=True)
class Measured:
    """One look at every request. Seconds; `passes` may be more than there are requests."""

    seconds: float
    passes: int
    controller_cpu: float
    api_server_cpu: float


def main() -> None:
    arguments = _arguments()
    teller = Teller(ROOT / "build" / "bench-report.json", sys.stderr)
    with teller.step("bench"):
        world = World(Environment.load(state_directory()), teller)
        names = _waiting_requests(world, arguments.requests, arguments.decisions)
        looks = [_every_request_looked_at(world, len(names)) for _ in range(arguments.rounds)]
        floor = _each_read_once(world, names)
        print(json.dumps(_report(arguments, looks, floor), indent=2))


def _report(arguments: argparse.Namespace, looks: list[Measured], floor: float) -> Mapping[str, Any]:
    seconds = statistics.median(look.seconds for look in looks)
    return {
        "requests": arguments.requests,
        "decisions": arguments.requests * arguments.decisions,
        "looks": [asdict(look) for look in looks],
        "floorSeconds": floor,
        "ratio": round(seconds / floor, 1),
        "millisecondsEach": round(1000 * seconds / arguments.requests, 1),
    }


# What is looked at


def _waiting_requests(world: World, count: int, decisions: int) -> list[tuple[str, str]]:
    """Namespaces and names."""
    world.must("platform-engineer", "apply", "-f", str(EXAMPLES / "platform"))
    request = Request(world, "requests/health-survey.yaml")
    request.apply()
    step = request.until_planned("Provision")["steps"][0]
    manifests = [_named(request.manifest, f"resting-{number}") for number in range(count)]
    _create(world, "applicant", manifests)
    found = {each["metadata"]["name"]: each["metadata"]["uid"] for each in _requests(world)}
    about = [(name, uid) for name, uid in found.items() if name.startswith("resting-") for _ in range(decisions)]
    _create(world, step, [_decision(request, step, name, uid) for name, uid in about])
    world.until("everybody waits", lambda: all(_waits(each) for each in _requests(world)), 900)
    _until_calm(world)
    return [(request.namespace, name) for name in found]


def _named(manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def _decision(request: Request, step: str, name: str, uid: str) -> dict[str, Any]:
    """On a plan that there is not: it is judged, and stays."""
    manifest = request.approval(step, step, "Approved", planDigest=f"sha256:{'0' * 64}")
    manifest["spec"]["request"] = {"name": name, "uid": uid}
    return manifest


def _create(world: World, persona: str, manifests: list[dict[str, Any]]) -> None:
    for start in range(0, len(manifests), _AT_ONCE):
        items = manifests[start : start + _AT_ONCE]
        world.must(persona, "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def _requests(world: World) -> list[dict[str, Any]]:
    return list(json.loads(world.must(None, "get", "csreq", "-A", "-o", "json"))["items"])


def _waits(request: Mapping[str, Any]) -> bool:
    return bool((request.get("status", {}).get("nextAction") or {}).get("waitingFor"))


# Looking


def _every_request_looked_at(world: World, count: int) -> Measured:
    pids = [controller.pid(world.environment), world.environment.processes.running("kube-apiserver").pid]  # type: ignore[union-attr]
    passes, cpu, began = _passes(world), [_cpu(pid) for pid in pids], time.monotonic()
    world.must("platform-engineer", "annotate", "juris", JURISDICTION, f"bench={began}", "--overwrite")
    world.until("all were looked at", lambda: _passes(world) >= passes + count, 3600)
    seconds = round(time.monotonic() - began, 2)
    _until_calm(world)
    used = [round(_cpu(pid) - before, 2) for pid, before in zip(pids, cpu, strict=True)]
    return Measured(seconds, int(_passes(world) - passes), *used)


def _each_read_once(world: World, names: list[tuple[str, str]]) -> float:
    cluster = KubeCluster(KubeApi(new_client_from_config(str(world.environment.kubeconfig_of("controller")))), (), "bench")
    began = time.monotonic()
    for namespace, name in names:
        assert cluster.request(namespace, name) is not None
    return round(time.monotonic() - began, 2)


def _until_calm(world: World) -> None:
    """Until no pass ends for a while."""
    seen = -1.0
    while seen != (seen := _passes(world)):
        time.sleep(_CALM_SECONDS)


def _passes(world: World) -> float:
    answer = requests.get(world.environment.health_url.replace("/healthz", "/metrics"), timeout=30)
    name = "govcloud_pass_seconds_count "
    return float(next(line for line in answer.text.splitlines() if line.startswith(name)).removeprefix(name))


def _cpu(pid: int | None) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300, help="how many wait (default: 300)")
    parser.add_argument("--decisions", type=int, default=5, help="of each (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="looks at all of them (default: 3); the median counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
