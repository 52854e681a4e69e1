"""Where the OpenStack services keep their things, and on which ports they listen.

Paths and ports only. What stands in the files is for settings/; nothing here starts, stops or reads a service.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from devcloud.paths import write_atomically
from devcloud.ports import LOOPBACK, choose

PASSWORD = "devcloud"
"""The password of every user of the development cloud. It listens on loopback only and holds nothing of value."""

REGION = "RegionOne"
HOST = LOOPBACK

API_SERVICES = ("keystone", "placement", "barbican", "glance", "nova", "neutron", "cinder", "swift", "trove")
"""What answers HTTP to clients, in the order in which the services wait for each other."""

PORT_NAMES = (*API_SERVICES, "swift-account", "swift-container", "swift-object", "postgres")
COMPUTE_HOSTS = ("compute1", "compute2")
"""Two, because a resize moves a server to another host."""

SOURCE = Path(__file__).resolve().parent


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
    def blank_database(self) -> Path:
        """What the data directory of a new Trove instance is a copy of."""
        return self.data / "blank-database"

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
    def reads(self) -> Path:
        """One short JSON line for each request that only reads, for counting."""
        return self.log / "reads.jsonl"

    @property
    def status(self) -> Path:
        return self.home / "status.json"

    @property
    def pids(self) -> Path:
        """The process of each project, written by their parent."""
        return self.run / "pids.json"

    @property
    def ports_file(self) -> Path:
        return self.home / "ports.json"

    def make(self) -> None:
        """Creates the directories. Parents of PostgreSQL's data stay readable for its own user."""
        services = [self.data / name for name in ("keystone", "barbican", "nova", "neutron", "cinder")]
        for path in (self.conf, self.log, self.run, self.trove, *services):
            path.mkdir(parents=True, exist_ok=True)

    def ports(self) -> dict[str, int]:
        """The ports of this cloud, as chosen at its first start."""
        ports: dict[str, int] = json.loads(self.ports_file.read_text())
        return ports

    def choose_ports(self) -> dict[str, int]:
        """To be called while nothing of this cloud runs: keeps the ports it had, replaces those taken meanwhile."""
        known = self.ports() if self.ports_file.exists() else {}
        chosen = choose(PORT_NAMES, known)
        write_atomically(self.ports_file, json.dumps(chosen, indent=1) + "\n")
        return chosen
