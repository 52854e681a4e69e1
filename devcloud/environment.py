"""Where everything of one development cloud is: its folders, ports, kubeconfigs and programs.

Chosen at the first start and kept in `environment.json`, so that a cloud that was stopped comes back under the same
addresses. Nothing here starts or stops anything.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devcloud.bootstrap import VENV
from devcloud.failures import DevCloudError
from devcloud.paths import write_atomically
from devcloud.ports import LOOPBACK
from devcloud.processes import Processes

FILE = "environment.json"

ETCD = "etcd"
ETCD_PEERS = "etcd-peers"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
CONTROLLER = "controller"
PORT_NAMES = (ETCD, ETCD_PEERS, API_SERVER, CONTROLLER_MANAGER, CONTROLLER)

# What a person has exported for some other cloud or cluster must not reach ours.
FOREIGN_PREFIXES = ("OS_", "KUBE", "PULUMI_", "ETCD_")


@dataclass(frozen=True)
class Environment:
    """One development cloud's folders, ports and programs."""

    directory: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    programs: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> "Environment":
        """What an earlier `up` chose. Raises `DevCloudError` when there was none in this folder."""
        try:
            kept = json.loads((directory / FILE).read_text())
        except FileNotFoundError:
            raise DevCloudError(f"there is no development cloud in {directory}; make one with:  make up") from None
        return cls(directory, kept["ports"], {name: Path(path) for name, path in kept["programs"].items()})

    @classmethod
    def load_or_new(cls, directory: Path) -> "Environment":
        """What an earlier `up` chose, or an environment in which nothing is chosen yet."""
        return cls.load(directory) if (directory / FILE).exists() else cls(directory)

    def save(self) -> None:
        """Keep it for the next command."""
        programs = {name: str(path) for name, path in self.programs.items()}
        content = {"ports": dict(self.ports), "programs": programs}
        write_atomically(self.directory / FILE, json.dumps(content, indent=2) + "\n")

    def with_ports(self, ports: Mapping[str, int]) -> "Environment":
        """The same environment on other ports."""
        return replace(self, ports=ports)

    def with_programs(self, programs: Mapping[str, Path]) -> "Environment":
        """The same environment with other programs."""
        return replace(self, programs=programs)

    # Folders and files

    @property
    def logs(self) -> Path:
        """The output of every process started here, one file each."""
        return self.directory / "log"

    @property
    def kubernetes(self) -> Path:
        """etcd's data, the certificates, the API server's audit log."""
        return self.directory / "kubernetes"

    @property
    def certificates(self) -> Path:
        """The cluster's authority and all keys; readable by the owner only."""
        return self.kubernetes / "certificates"

    @property
    def kubernetes_audit_log(self) -> Path:
        """What the API server itself wrote down of every request: the second witness beside the project's own log."""
        return self.kubernetes / "audit.log"

    @property
    def controller_state(self) -> Path:
        """The controller's own folder: Pulumi state, audit log, keys (`GOVCLOUD_STATE_DIR`)."""
        return self.directory / "controller"

    @property
    def clouds_file(self) -> Path:
        """The logins to OpenStack (`OS_CLIENT_CONFIG_FILE`)."""
        return self.directory / "clouds.yaml"

    @property
    def kubeconfig(self) -> Path:
        """The cluster administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    def kubeconfig_of(self, user: str) -> Path:
        """The kubeconfig of one persona, or of `controller`."""
        return self.directory / f"kubeconfig-{user}"

    # Programs

    @property
    def kubectl(self) -> Path:
        """The kubectl that the requirement files pin."""
        return VENV / "bin" / "kubectl"

    @property
    def pulumi(self) -> Path:
        """The Pulumi engine built from its Go module."""
        return self.program("pulumi")

    def program(self, name: str) -> Path:
        """A program built from Go modules. Raises `DevCloudError` when it has not been built for this cloud."""
        try:
            return self.programs[name]
        except KeyError:
            raise DevCloudError(f"{name} has not been built yet; build it with:  python -m devcloud tools") from None

    # Addresses

    def url(self, name: str, scheme: str = "https") -> str:
        """The address of one of our own servers."""
        return f"{scheme}://{LOOPBACK}:{self.ports[name]}"

    @property
    def health_url(self) -> str:
        """What answers 200 as soon as the controller does its work."""
        return f"{self.url(CONTROLLER, 'http')}/healthz"

    # Processes

    @property
    def processes(self) -> Processes:
        """The processes of this cloud, running or ended."""
        return Processes(self.directory / "run", self.logs)

    def variables(self) -> dict[str, str]:
        """What a shell needs to look at this cloud as its administrator."""
        path = [str(VENV / "bin"), *sorted({str(program.parent) for program in self.programs.values()})]
        return {
            "GOVCLOUD_DEV_DIR": str(self.directory),
            "KUBECONFIG": str(self.kubeconfig),
            "OS_CLIENT_CONFIG_FILE": str(self.clouds_file),
            "PATH": os.pathsep.join([*path, os.environ.get("PATH", os.defpath)]),
        }


def clean_environment() -> dict[str, str]:
    """This process's environment without what points to other clouds and clusters, and with no proxy to loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    without_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY"), LOOPBACK, "localhost"]))
    return {**kept, "NO_PROXY": without_proxy, "no_proxy": without_proxy, "PYTHONUNBUFFERED": "1"}
