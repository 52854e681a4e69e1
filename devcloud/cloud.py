"""One development cloud as a whole: prepare, up, down, reset, status. What each part does stands in its own module."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from devcloud import controller, kubernetes, manifests, ports, system_packages, tools
from devcloud.environment import (
    API_SERVER,
    CONTROLLER,
    CONTROLLER_MANAGER,
    ETCD,
    ETCD_PEERS,
    PORT_NAMES,
    Environment,
)
from devcloud.locks import exclusive
from devcloud.paths import cache_root
from devcloud.processes import uptime_seconds
from devcloud.progress import Say

if TYPE_CHECKING:
    from devcloud.openstack import OpenStack


class Part(StrEnum):
    """What can be started. The controller needs both others."""

    KUBERNETES = "kubernetes"
    OPENSTACK = "openstack"
    CONTROLLER = "controller"


EVERYTHING = frozenset(Part)


@dataclass(frozen=True)
class Row:
    """One line of `status`."""

    part: Part
    name: str
    state: str
    url: str = ""
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_seconds: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether this part works."""
        return self.state == "running"


class Cloud:
    """The development cloud in one state directory."""

    def __init__(self, directory: Path, say: Say) -> None:
        self._directory = directory
        self._say = say

    @property
    def environment(self) -> Environment:
        """Where everything of it is. Raises `DevCloudError` before the first `up`."""
        return Environment.load(self._directory)

    def up(self, parts: frozenset[Part] = EVERYTHING) -> Environment:
        """Install, build and start whatever of `parts` is not there yet. Does nothing to what already runs."""
        with self._alone():
            programs = self._prepare(parts)
            # A port is chosen before its server takes it: another cloud that starts meanwhile could choose the same.
            with exclusive(cache_root() / "locks" / "start", "starting a development cloud", self._say):
                environment = self._with_ports(Environment.load_or_new(self._directory).with_programs(programs))
                self._start(environment, parts)
        return environment

    def down(self) -> None:
        """End what `up` started, and nothing else. The data stays."""
        if self._directory.exists():
            with self._alone():
                self._stop()

    def reset(self) -> None:
        """Make the databases and the controller's state fresh; what ran is stopped for it and stays stopped."""
        with self._alone():
            self._stop()
            environment = Environment.load_or_new(self._directory)
            for folder in (environment.kubernetes / "etcd", environment.controller_state, environment.logs):
                shutil.rmtree(folder, ignore_errors=True)
            for log in environment.kubernetes.glob("audit*.log"):
                log.unlink()
            self._openstack().reset()
            self._say("databases, controller state and logs are fresh")

    def status(self) -> list[Row]:
        """Every server of the cloud, running or not."""
        environment = Environment.load_or_new(self._directory)
        return [*_own_rows(environment), *self._openstack_rows()]

    def _prepare(self, parts: frozenset[Part]) -> dict[str, Path]:
        """Install and build at the same time; the programs built."""
        jobs: list[Callable[[], object]] = []
        if Part.OPENSTACK in parts:
            system_packages.ensure(self._say)
            jobs.append(self._openstack().prepare)
        with _at_once(jobs):
            return tools.build(tools.ALL, self._say)

    def _start(self, environment: Environment, parts: frozenset[Part]) -> None:
        jobs: list[Callable[[], object]] = []
        if Part.OPENSTACK in parts:
            jobs.append(self._openstack().up)
        with _at_once(jobs):
            if Part.KUBERNETES in parts:
                self._start_kubernetes(environment)
        if Part.CONTROLLER in parts:
            controller.start(environment, say=self._say)

    def _start_kubernetes(self, environment: Environment) -> None:
        control_plane = kubernetes.Kubernetes(environment, self._say)
        control_plane.up()
        manifests.install(environment, self._say)
        manifests.write_controller_login(environment, control_plane.authority)

    def _with_ports(self, environment: Environment) -> Environment:
        running = [name for name in PORT_NAMES if environment.processes.running(_server_at(name))]
        candidates = ports.CONTROL_PLANE_CANDIDATES
        chosen = ports.choose(PORT_NAMES, environment.ports, keep=running, candidates=candidates)
        moved = {name for name in environment.ports if environment.ports[name] != chosen.get(name)}
        if moved:
            self._say(f"other programs have taken the ports of {', '.join(sorted(moved))}: choosing new ones")
        environment = environment.with_ports(chosen)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment.save()
        return environment

    def _stop(self) -> None:
        environment = Environment.load_or_new(self._directory)
        # The controller first, so that it does not meet a cloud that is going away.
        if controller.stop(environment):
            self._say("stopped the controller")
        with _at_once([self._openstack().down]):
            kubernetes.stop(environment, self._say)

    def _openstack(self) -> "OpenStack":
        from devcloud.openstack import OpenStack  # here, because not every command needs it

        return OpenStack(self._directory, cache_root(), self._say)

    def _openstack_rows(self) -> Iterator[Row]:
        for service in self._openstack().status():
            uptime = None if service.pid is None else uptime_seconds(service.pid)
            yield Row(Part.OPENSTACK, service.name, service.state, service.url, service.pid, service.memory, uptime)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with exclusive(self._directory / "lock", f"the development cloud in {self._directory}", self._say):
            yield


@contextmanager
def _at_once(jobs: list[Callable[[], object]]) -> Iterator[None]:
    """Run the jobs beside the block; leave when all have ended, with the first error of any."""
    with ThreadPoolExecutor(max(1, len(jobs))) as pool:
        running = [pool.submit(job) for job in jobs]
        yield
        for job in running:
            job.result()


def _server_at(port_name: str) -> str:
    return ETCD if port_name == ETCD_PEERS else port_name


def _own_rows(environment: Environment) -> Iterator[Row]:
    for name in (ETCD, API_SERVER, CONTROLLER_MANAGER, CONTROLLER):
        process = environment.processes.get(name)
        url = environment.url(name, "http" if name == CONTROLLER else "https") if name in environment.ports else ""
        part = Part.CONTROLLER if name == CONTROLLER else Part.KUBERNETES
        if process is None:
            yield Row(part, name, "stopped", url)
        elif process.is_running:
            yield Row(part, name, "running", url, process.pid, process.memory_bytes, uptime_seconds(process.pid))
        else:
            yield Row(part, name, "died", url)
