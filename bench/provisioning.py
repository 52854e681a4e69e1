"""How long a request takes from its last approval to Ready, against a plain openstacksdk script that makes the same objects in parallel.

    GOVCLOUD_DEV_DIR=build/bench-cloud python -m devcloud run -- python bench/provisioning.py [--machines 1 20] [--rounds 3]

Everything is measured in one run on one development cloud, the two in turns. Calls are counted by the services' own witness. Prints one
JSON object; seconds belong to one machine, the ratios travel.
"""

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "operator")]

from devcloud.cloud import Cloud, Part  # noqa: E402
from devcloud.demo.requests import Request  # noqa: E402
from devcloud.demo.telling import Teller  # noqa: E402
from devcloud.demo.world import EXAMPLES, World  # noqa: E402
from devcloud.environment import Environment  # noqa: E402
from devcloud.paths import state_directory  # noqa: E402

AT_ONCE = 20
"""Machines that the script makes side by side."""


@dataclass(frozen=True)
class Measured:
    """One round of one contender: seconds, and calls as the services saw them (`between` are the services' calls to each other)."""

    seconds: float
    writes: int
    reads: int


def main() -> None:
    arguments = _arguments()
    teller = Teller(ROOT / "build" / "bench-report.json", sys.stderr)
    with teller.step("bench"):
        world = World(Environment.load(state_directory()), teller)
        world.must("platform-engineer", "apply", "-f", str(EXAMPLES / "platform"))
        _controllers_round(world, 1)  # makes the unit's project, which the script does not make either
        results = [_compared(world, machines, arguments.rounds) for machines in arguments.machines]
        print(json.dumps({"results": results, "controllerMemoryMiB": _memory(world)}, indent=2))


def _compared(world: World, machines: int, rounds: int) -> dict[str, Any]:
    ours, scripts = [], []
    for _ in range(rounds):
        scripts.append(_scripts_round(world, machines))
        ours.append(_controllers_round(world, machines))
    seconds = [statistics.median(measured.seconds for measured in side) for side in (ours, scripts)]
    return {
        "machines": machines,
        "controller": [asdict(each) for each in ours],
        "script": [asdict(each) for each in scripts],
        "ratio": round(seconds[0] / seconds[1], 2),
        "secondsMore": round(seconds[0] - seconds[1], 2),
    }


# Ours


def _controllers_round(world: World, machines: int) -> Measured:
    """A request is approved; what counts begins with the last approval and ends when the API server shows Ready."""
    request = Request(world, "requests/health-survey.yaml")
    request.manifest["metadata"]["name"] = f"bench-{uuid.uuid4().hex[:8]}"
    request.service("survey")["count"] = machines
    request.apply()
    last = _approved_but_for_the_last(request)
    with _measuring(world, "govcloud/") as measured:
        request.decide(last)
        name = ["csreq", request.name, "-n", request.namespace]
        world.must(None, "wait", "--for=condition=Ready", *name, "--timeout=600s")
    return measured()


def _approved_but_for_the_last(request: Request) -> str:
    *before, last = request.until_planned("Provision")["steps"]
    for step in before:
        request.must_count(request.decide(step))
    request.until(f"waits for {last}", lambda status: (status.get("nextAction") or {}).get("waitingFor") == last)
    return str(last)


# The script


def _scripts_round(world: World, machines: int) -> Measured:
    """The same objects with plain openstacksdk, as a person would who is in a hurry: in order what must be, the rest side by side."""
    with _project(world) as cloud, _measuring(world, "openstacksdk") as measured:
        made = _network(cloud)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda number: _machine(cloud, made, number), range(machines)))
        measured()
    return measured()


def _network(cloud: Any) -> dict[str, Any]:
    network = cloud.network.create_network(name="office")
    subnet = cloud.network.create_subnet(network_id=network.id, cidr="10.30.0.0/24", ip_version=4, name="office-subnet")
    outside = cloud.network.find_network("public", ignore_missing=False)
    router = cloud.network.create_router(name="office-router", external_gateway_info={"network_id": outside.id})
    cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
    group = cloud.network.create_security_group(name="survey-group")
    image = cloud.image.find_image("cirros", ignore_missing=False)
    flavor = cloud.compute.find_flavor("m1.tiny", ignore_missing=False)
    return {"network": network.id, "router": router, "subnet": subnet.id, "group": group.id, "image": image.id, "flavor": flavor.id}


def _machine(cloud: Any, made: dict[str, Any], number: int) -> None:
    port = cloud.network.create_port(network_id=made["network"], name=f"port-{number}", security_groups=[made["group"]])
    volume = cloud.block_storage.create_volume(size=1, name=f"boot-{number}", image_id=made["image"], volume_type="standard")
    cloud.block_storage.wait_for_status(volume, "available", interval=0.5, wait=300)
    device = {"boot_index": 0, "uuid": volume.id, "source_type": "volume", "destination_type": "volume"}
    server = cloud.compute.create_server(
        name=f"survey-{number}", flavor_id=made["flavor"], networks=[{"port": port.id}], block_device_mapping=[device]
    )
    cloud.compute.wait_for_server(server, interval=0.5, wait=300)


@contextmanager
def _project(world: World) -> Iterator[Any]:
    """A project with room for everything, and what is in it taken away afterwards."""
    admin = world.cloud()
    project = admin.identity.create_project(name=f"bench-{uuid.uuid4().hex[:8]}", domain_id="default")
    admin.identity.assign_project_role_to_user(project, admin.current_user_id, admin.identity.find_role("admin"))
    admin.compute.put(f"/os-quota-sets/{project.id}", json={"quota_set": {"instances": 100, "cores": 100, "ram": 102400}})
    admin.block_storage.put(f"/os-quota-sets/{project.id}", json={"quota_set": {"volumes": 100, "gigabytes": 200}})
    cloud = admin.connect_as_project(project.name)
    try:
        yield cloud
    finally:
        _emptied(cloud)


def _emptied(cloud: Any) -> None:
    for server in list(cloud.compute.servers(details=False)):
        cloud.compute.delete_server(server)
        cloud.compute.wait_for_delete(server, interval=0.3, wait=300)
    for volume in list(cloud.block_storage.volumes(details=False)):
        cloud.block_storage.delete_volume(volume)
    for router in cloud.network.routers(project_id=cloud.current_project_id):
        for port in cloud.network.ports(device_id=router.id, device_owner="network:router_interface"):
            cloud.network.remove_interface_from_router(router, port_id=port.id)
        cloud.network.delete_router(router)
    for port in cloud.network.ports(project_id=cloud.current_project_id):
        cloud.network.delete_port(port)
    for network in cloud.network.networks(project_id=cloud.current_project_id):
        cloud.network.delete_network(network)


# Measuring


@contextmanager
def _measuring(world: World, user_agent: str) -> Iterator[Callable[[], Measured]]:
    """Time and calls of the block. The function that it gives may be called in the block, to end the measurement there, and after it."""
    log = world.environment.directory / "openstack" / "log"
    offsets = {name: (log / name).stat().st_size for name in ("writes.jsonl", "reads.jsonl")}
    began, ended = time.monotonic(), [0.0]
    result: list[Measured] = []

    def measured() -> Measured:
        if not result:
            calls = [_calls(log / name, offset, user_agent) for name, offset in offsets.items()]
            result.append(Measured(round((ended[0] or time.monotonic()) - began, 2), *calls))
        return result[0]

    yield measured
    ended[0] = time.monotonic()
    measured()


def _calls(journal: Path, offset: int, user_agent: str) -> int:
    with journal.open(encoding="utf-8") as lines:
        lines.seek(offset)
        return sum(1 for line in lines if str(json.loads(line).get("user_agent") or "").startswith(user_agent))


def _memory(world: World) -> float:
    """Resident memory of the controller's process, in MiB."""
    rows = Cloud(world.environment.directory, lambda _: None).status()
    found = next(row.memory_bytes for row in rows if row.part is Part.CONTROLLER)
    return round((found or 0) / 2**20, 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 20], help="sizes of the request (default: 1 20)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default: 3); the median counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
