"""Runs the real engine on small programs against the real provider, for the tests of this folder only.

The product has its own way to run the engine; this one is kept apart on purpose, so that a fault of one does not hide in the other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from provider.provider_kit import MemoryJournal
from pulumi import automation

from stacks.provider.clouds import Cloud, auth_of
from stacks.provider.journal import EffectContext, effect
from stacks.provider.runs import CloudLogin, Run, Runs
from stacks.provider.server import ProviderServer
from stacks.provider.session import JournaledSession

ROOT = Path(__file__).parents[2]
PROJECT = "govcloud"
CLOUD = "unit"
Program = Callable[[], None]


def pulumi_binary() -> Path:
    """The engine's command line: on PATH, or as the dev cloud's tools know it."""
    found = shutil.which("pulumi")
    if found:
        return Path(found)
    done = subprocess.run(
        [sys.executable, "-m", "devcloud", "tools"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return next(path for line in done.stdout.splitlines() for path in map(Path, line.split()) if path.name == "pulumi" and path.is_absolute())


def login_of(entry: str) -> CloudLogin:
    """A login of the dev cloud's clouds.yaml."""
    file = Path(os.environ.get("GOVCLOUD_DEV_DIR", ".dev")) / "clouds.yaml"
    cloud = yaml.safe_load(file.read_text())["clouds"][entry]
    auth = cloud["auth"]
    return CloudLogin(
        auth_url=auth["auth_url"],
        region=cloud["region_name"],
        username=auth["username"],
        password=auth["password"],
        project_name=auth["project_name"],
    )


@dataclass
class Tenant:
    """A project of its own with a user of its own, and an administrator's view of it."""

    name: str
    project: str
    login: CloudLogin
    cloud: Cloud
    admin: Cloud

    def listed(self, service: str, path: str, plural: str, microversion: str = "") -> list[dict[str, Any]]:
        """What the tenant's project holds, past the provider."""
        return self.cloud.listing(service, path, plural, microversion=microversion)


@contextmanager
def tenant() -> Iterator[Tenant]:
    """Make a project and a user; delete them at the end."""
    admin = Cloud(login_of("admin"), JournaledSession(auth_of(login_of("admin")), MemoryJournal()))
    name = f"provider-test-{uuid.uuid4().hex[:8]}"
    with _by_hand():
        project = admin.write("POST", "identity", "/projects", {"project": {"name": name}})["project"]["id"]
        user = {"name": name, "password": "correct horse", "default_project_id": project}
        user_id = admin.write("POST", "identity", "/users", {"user": user})["user"]["id"]
        for role in admin.listing("identity", "/roles", "roles"):
            if role["name"] == "member":
                admin.write("PUT", "identity", f"/projects/{project}/users/{user_id}/roles/{role['id']}")
    login = CloudLogin(
        admin.login.auth_url, admin.login.region, username=name, password="correct horse", project_id=project
    )
    try:
        yield Tenant(name, project, login, Cloud(login, JournaledSession(auth_of(login), MemoryJournal())), admin)
    finally:
        with _by_hand():
            admin.write("DELETE", "identity", f"/users/{user_id}")
            own = (("project_id", project),)
            for group in admin.listing("network", "/security-groups", "security_groups", query=own):
                if group["name"] == "default":  # Neutron makes it by itself and forgets it with nobody
                    admin.write("DELETE", "network", f"/security-groups/{group['id']}")
            admin.write("DELETE", "identity", f"/projects/{project}")


def _by_hand() -> Any:
    return effect(EffectContext("test", "test", "test", "test", "create", "test", 0))


@dataclass
class Engine:
    """One stack with its state in a directory, and a provider of its own."""

    home: Path
    clouds: Mapping[str, CloudLogin]
    owner: str = "5c2f2a52-0000-4000-8000-000000000001"
    stack: str = "csreq-1"
    plan: int = 1
    allowed: frozenset[tuple[str, str]] | None = None
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    runs: Runs = field(default_factory=Runs)

    port: int = 0
    attached: bool = True

    def __post_init__(self) -> None:
        if not self.port:
            self.server = ProviderServer(self.runs, self.journal)
            self.port = self.server.start()
        for name in ("state", "root/bin"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        binary = self.home / "root" / "bin" / "pulumi"
        if not binary.exists():
            binary.symlink_to(pulumi_binary())

    def sibling(self, home: Path, clouds: Mapping[str, CloudLogin], stack: str) -> Engine:
        """Another stack with a state of its own, on the same provider."""
        return Engine(home, clouds, self.owner, stack, journal=self.journal, runs=self.runs, port=self.port)

    def close(self) -> None:
        """Stop the provider."""
        self.server.stop(1.0)

    @property
    def environment(self) -> dict[str, str]:
        """What the engine needs to know."""
        return {
            "PULUMI_BACKEND_URL": f"file://{self.home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_HOME": str(self.home),
            **({"PULUMI_DEBUG_PROVIDERS": f"openstack:{self.port}"} if self.attached else {}),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def _selected(self, program: Program) -> automation.Stack:
        options = automation.LocalWorkspaceOptions(
            env_vars=self.environment,
            pulumi_command=automation.PulumiCommand(str(self.home / "root"), skip_version_check=True),
        )
        return automation.create_or_select_stack(self.stack, PROJECT, program, opts=options)

    def _run(self) -> Run:
        return Run(self.stack, self.owner, self.plan, self.clouds, self.allowed)

    def up(self, program: Program) -> Mapping[str, int]:
        """Carry the program out; how many resources were touched by what."""
        with self.runs.running(self._run()):
            result = _reaching_the_engine(lambda: self._selected(program).up(parallel=16))
        return dict(result.summary.resource_changes or {})

    def preview(self, program: Program) -> Mapping[str, int]:
        """What would be done."""
        with self.runs.running(self._run()):
            result = _reaching_the_engine(lambda: self._selected(program).preview())
        return {str(key): n for key, n in result.change_summary.items()}

    def refresh(self, program: Program) -> Mapping[str, int]:
        """Read everything again."""
        with self.runs.running(self._run()):
            return dict(self._selected(program).refresh().summary.resource_changes or {})

    def recover(self) -> None:
        """Take the state back from a run that is known to be dead: its lock, and the operations it left open."""
        stack = self._selected(lambda: None)
        stack.cancel()
        state = stack.export_stack()
        (state.deployment or {}).pop("pending_operations", None)
        stack.import_stack(state)

    def destroy(self) -> None:
        """Delete everything."""
        with self.runs.running(self._run()):
            self._selected(lambda: None).destroy()

    def outputs(self, program: Program = lambda: None) -> dict[str, Any]:
        """What the stack gives out."""
        return {name: value.value for name, value in self._selected(program).outputs().items()}

    def state(self) -> str:
        """All that is kept of the stack, as it lies on the disk."""
        return "".join(file.read_text() for file in (self.home / "state").rglob("*.json"))


def _reaching_the_engine(run: Callable[[], Any]) -> Any:
    """Try once more where the program did not reach the engine. The SDK shares its connections by address: where the kernel gives an engine
    the port of one that died, they count as dead for a while (the product's own are not shared: stacks/engine/hosting.py)."""
    try:
        return run()
    except automation.CommandError as error:
        if "Resource monitor has terminated" not in str(error):
            raise
        return run()
