"""Where the OpenStack services keep their things, and on which ports they listen.

Paths and ports only. What stands in the files is for settings/; nothing here starts, stops or reads a service.
"""

from __future__ import annotations

import json
import random
import socket
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "devcloud"
"""The password of every user of the development cloud. It listens on loopback only and holds nothing of value."""

REGION = "RegionOne"
HOST = "127.0.0.1"

API_SERVICES = ("keystone", "placement", "glance", "nova", "neutron", "cinder", "swift", "trove")
"""What answers HTTP to clients, in the order in which the services wait for each other."""

PORT_NAMES = (*API_SERVICES, "swift-account", "swift-container", "swift-object", "postgres")
COMPUTE_HOSTS = ("compute1", "compute2")
"""Two, because a resize moves a server to another host."""

SOURCE = Path(__file__).resolve().parent
ROOT = SOURCE.parent.parent


@dataclass(frozen=True)
class Layout:
    """The directories of one development cloud."""

    directory: Path
    """The development state directory, the one that holds clouds.yaml."""

    @property
    def home(self) -> Path:
        return self.directory / "openstack"

    @property
    def conf(self) -> Path:
        return self.home / "conf"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def data(self) -> Path:
        """All that survives a stop, except Trove's databases; a fresh cloud gets a copy of the template here."""
        return self.home / "data"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def volumes(self) -> Path:
        """Cinder's volumes and snapshots, one sparse file each."""
        return self.data / "cinder" / "volumes"

    @property
    def images(self) -> Path:
        return self.data / "glance" / "images"

    @property
    def trove(self) -> Path:
        """One directory and one JSON file (host, port, state) for each database instance."""
        return self.home / "trove"

    @property
    def clouds_yaml(self) -> Path:
        return self.directory / "clouds.yaml"

    @property
    def writes(self) -> Path:
        """The witness: one JSON line for each request that may change something."""
        return self.log / "writes.jsonl"

    @property
    def status(self) -> Path:
        return self.home / "status.json"

    @property
    def ports_file(self) -> Path:
        return self.home / "ports.json"

    def make(self) -> None:
        """Creates the directories. Parents of PostgreSQL's data stay readable for its own user."""
        services = [self.data / name for name in ("keystone", "nova", "neutron", "cinder")]
        for path in (self.conf, self.log, self.run, self.trove, *services):
            path.mkdir(parents=True, exist_ok=True)

    def ports(self) -> dict[str, int]:
        """The ports of this cloud, as chosen at its first start."""
        ports: dict[str, int] = json.loads(self.ports_file.read_text())
        return ports

    def choose_ports(self) -> dict[str, int]:
        """To be called while nothing of this cloud runs: keeps the ports it had, replaces those taken meanwhile."""
        known = self.ports() if self.ports_file.exists() else {}
        ports = {name: known.get(name, 0) for name in PORT_NAMES}
        for name, port in ports.items():
            ports[name] = port if port and is_free(port) else free_port(set(ports.values()))
        self.home.mkdir(parents=True, exist_ok=True)
        self.ports_file.write_text(json.dumps(ports, indent=1))
        return ports


def free_port(taken: set[int]) -> int:
    """A free loopback port that no outgoing connection gets by chance: one below the range of those.

    Raises OSError when none of 1000 tries was free.
    """
    below = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(min(20_000, below - 5000), below)
        if port not in taken and is_free(port):
            return port
    raise OSError("no free port found on loopback")


def is_free(port: int, host: str = HOST) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True
