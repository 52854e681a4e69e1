"""What the engine would do with a request's stack, told by a copy of it: no write to the cloud, none to the state, no wait for the controller.

The provider runs as the executable `pulumi-resource-openstack`, as for people who run the engine by hand, and keeps no journal: it
sends no write, whatever it is asked.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from govcloud.adapters.master_key import derive, load_or_create
from govcloud.adapters.pulumi_failures import translated
from govcloud.adapters.pulumi_names import request_stack
from govcloud.adapters.pulumi_runs import StackRuns
from govcloud.adapters.pulumi_units import UnitStacks, known_of_cloud
from govcloud.api.request import RequestKey
from govcloud.core.objects import UnitObject
from stacks.engine.commands import Installation
from stacks.engine.copies import copied
from stacks.engine.events import Performed
from stacks.engine.runner import Engine
from stacks.engine.state import Pending
from stacks.program import Program
from stacks.provider.clouds import Clouds
from stacks.provider.finding import Finder
from stacks.provider.plugin import JsonLinesJournal
from stacks.provider.runs import CloudLogin, Runs
from stacks.provider.session import SystemClock

_PLUGINS = Path(sys.executable).parent
"""Where `pulumi-resource-openstack` was installed, beside this interpreter."""


class PulumiPreviews:
    """`desk.Previews`, where the controller's state and its logins are at hand."""

    def __init__(self, installation: Installation, master_key: bytes, controller: CloudLogin, finder: Finder) -> None:
        self._installation = installation
        self._controller = controller
        self._running = StackRuns(Engine(installation, dict), finder, master_key)

    def preview(self, key: RequestKey, unit: UnitObject, plan: int, program: Program) -> tuple[tuple[str, str], ...]:
        """Each resource with what would befall it, in the engine's order. Resources of an interrupted run count as not made.

        Raises:
            Retry, Stop: it cannot be told, and why.
        """
        with translated(), TemporaryDirectory(prefix="govcloud-preview-") as folder:
            # Anew each time: somebody else works on the unit's stack meanwhile.
            units = UnitStacks(self._running, Runs(), self._controller, lambda: 0)
            access = units.required(unit)
            unit_login = units.login(access)
            clouds = _clouds_file(Path(folder) / "clouds.yaml", {"unit": unit_login, "admin": self._controller})
            stack, home = request_stack(key.uid), Path(folder) / "engine"
            engine = Engine(copied(self._installation, stack, home), lambda: _by_hand(clouds, key.uid, plan), settle=0)
            known = known_of_cloud(program, access, self._controller, lambda service: self._running.endpoint(unit_login, service))
            remembered = engine.remembered(stack)
            made = frozenset(item.name for item in remembered.resources) if remembered else frozenset()
            inputs = replace(self._running.inputs(key.uid, known), made=made)
            return tuple(map(_said, engine.preview(stack, program, inputs, _nothing_made)))


@contextmanager
def open_previews(state_dir: Path, pulumi: str, controller: CloudLogin, backend: str = "") -> Iterator[PulumiPreviews]:
    """The previews of a controller's state.

    Args:
        state_dir: the controller's, with `master.key` and `pulumi/`.
        pulumi: the Pulumi CLI.
        controller: the controller's own login.
        backend: URL of Pulumi's state backend; empty: files below `state_dir`.

    Raises:
        MasterKeyUnusable: the key is missing or cannot be used.
    """
    master_key = load_or_create(state_dir / "master.key", may_create=False)
    clock = SystemClock()
    clouds = Clouds(JsonLinesJournal(None), clock)
    try:
        installation = Installation(pulumi, state_dir / "pulumi", derive(master_key, "pulumi/passphrase"), backend)
        yield PulumiPreviews(installation, master_key, controller, Finder(clouds, clock))
    finally:
        clouds.close_all_but(frozenset())


def _said(performed: Performed) -> tuple[str, str]:
    return performed.resource, performed.operation


def _nothing_made(_: Pending) -> None:
    """The copy is not gone on with, so nothing has to be looked up for it."""


def _by_hand(clouds: Path, owner: str, plan: int) -> Mapping[str, str]:
    """How the CLI finds the executable, and the executable its logins and marks."""
    return {
        "PATH": f"{_PLUGINS}{os.pathsep}{os.environ.get('PATH', '')}",
        "OS_CLIENT_CONFIG_FILE": str(clouds),
        "GOVCLOUD_OWNER": owner,
        "GOVCLOUD_PLAN": str(plan),
    }


def _clouds_file(path: Path, logins: Mapping[str, CloudLogin]) -> Path:
    """Logins by name for an executable that reads them as every OpenStack client does. JSON is YAML."""
    path.touch(mode=0o600)
    path.write_text(json.dumps({"clouds": {name: _entry(login) for name, login in logins.items()}}), encoding="utf-8")
    return path


def _entry(login: CloudLogin) -> dict[str, object]:
    names = {
        "auth_url": login.auth_url,
        "application_credential_id": login.application_credential_id,
        "application_credential_secret": login.application_credential_secret,
        "username": login.username,
        "password": login.password,
        "project_name": login.project_name,
        "project_id": login.project_id,
    }
    domains = {"user_domain_name": login.user_domain, "project_domain_name": login.project_domain} if login.username else {}
    entry: dict[str, object] = {"auth": {name: value for name, value in {**names, **domains}.items() if value}}
    if login.application_credential_id:
        entry["auth_type"] = "v3applicationcredential"
    return {**entry, "region_name": login.region, "interface": login.interface, **({"cacert": login.cacert} if login.cacert else {})}
