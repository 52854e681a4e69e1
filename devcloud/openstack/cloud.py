"""The development cloud's OpenStack as one thing: prepare it, start it, stop it, reset it, ask how it is."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

from devcloud.openstack import install, processes, settings, template
from devcloud.openstack.identities import CONTROLLER, CONTROLLER_PROJECTS
from devcloud.openstack.layout import API_SERVICES, HOST, PASSWORD, REGION, ROOT, SOURCE, Layout
from devcloud.openstack.settings.site import Site

PATIENCE = 240.0
"""Seconds that all services together may take to answer. On two busy processors, a cold start has taken 60."""

_PROGRAMS = {"services": "parent", "swift": "swift", "trove": "trove"}


class OpenStackFailed(Exception):
    """A service did not start; the message names it and the log to read."""


class OpenStack:
    """Keystone, Glance, Placement, Nova, Neutron, Cinder, Swift and Trove on loopback.

    `directory` is the state directory (clouds.yaml is written there), `cache` holds what several clouds share,
    `say` gets one sentence for each thing worth knowing while one waits.
    """

    def __init__(self, directory: Path, cache: Path, say: Callable[[str], None]) -> None:
        self._layout = Layout(directory.resolve())
        self._cache = cache.resolve()
        self._say = say
        self._record = processes.Record(self._layout.run / "processes.json")

    def prepare(self) -> None:
        """Installs the environment and makes the template, unless the cache has them. Needs the package index, once."""
        self._prepare_environment()
        self._prepare_template()

    def up(self) -> None:
        """Starts the cloud, or what of it does not run. Returns when every service answers. Raises OpenStackFailed."""
        self._prepare_environment()
        if self._running():
            self._say("OpenStack is up")
            return
        self._stop()
        if not self._layout.postgres.exists():
            self._prepare_template()
            self._say("data restored from the template")
            self._restore()
        self._configure()
        self._start()

    def down(self) -> None:
        """Ends what `up` has started, and nothing else. The state stays."""
        self._stop()
        self._say("OpenStack is down")

    def reset(self) -> None:
        """Forgets all servers, volumes, databases and users; the next `up` starts from the template."""
        self._stop()
        shutil.rmtree(self._layout.home, ignore_errors=True)

    def status(self) -> dict[str, object]:
        """What runs, under which address: {"running": bool, "services": {name: {"url": …, "answers": bool}}}."""
        if not self._layout.ports_file.exists():
            return {"running": False, "services": {}}
        ports = self._layout.ports()
        services = {
            name: {"url": f"http://{HOST}:{ports[name]}", "answers": _answers(ports[name])} for name in API_SERVICES
        }
        return {"running": self._running(), "services": services, "clouds": str(self._layout.clouds_yaml)}

    # ---- preparing

    def _prepare_environment(self) -> None:
        install.ensure_system_packages()
        if not install.environment(self._cache).exists():
            self._say("installing the OpenStack services")
        install.ensure_environment(self._cache)

    def _prepare_template(self) -> None:
        target = template.path(self._cache)
        with install.locked(target):
            if not target.exists():
                self._say("making the databases of OpenStack (once)")
                with install.fresh_directory(target) as unfinished:
                    OpenStack(unfinished / "build", self._cache, self._say)._build_template(unfinished)

    def _build_template(self, unfinished: Path) -> None:
        layout = self._layout
        try:
            self._configure()
            self._make_keys()
            template.create_databases(template.server(layout))
            self._run("migrate")
            self._start()
            self._run("bootstrap")
        finally:
            self._stop()
        layout.data.rename(unfinished / "data")
        shutil.rmtree(layout.directory)

    def _make_keys(self) -> None:
        """Keystone's keys: for its tokens, and for the credentials that it stores."""
        for repository in ("fernet", "credential"):
            directory = self._layout.data / "keystone" / repository
            directory.mkdir(parents=True, mode=0o700)
            for number in ("0", "1"):
                (directory / number).write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))

    def _restore(self) -> None:
        self._layout.make()
        template.copy(template.path(self._cache) / "data", self._layout.data)

    # ---- starting and stopping

    def _site(self) -> Site:
        return Site(self._layout, self._layout.ports(), install.environment(self._cache))

    def _configure(self) -> None:
        self._layout.make()
        self._layout.choose_ports()
        settings.write(self._site())
        self._layout.clouds_yaml.write_text(json.dumps(clouds(self._site().auth_url), indent=1) + "\n")

    def _start(self) -> None:
        began = time.monotonic()
        database = template.server(self._layout)
        database.start()
        template.relocate(self._layout)
        for name, program in _PROGRAMS.items():
            log = self._layout.log / f"{name}.out"
            command = self._command(f"services.{program}")
            self._record.add(name, processes.start(command, log, self._environment(), self._layout.run))
        self._wait_until_all_answer()
        self._layout.status.write_text(json.dumps(self.status(), indent=1) + "\n")
        self._say(f"OpenStack answers after {time.monotonic() - began:.1f} s")

    def _stop(self) -> None:
        processes.end(list(self._record.alive().values()))
        self._record.forget()
        self._layout.status.unlink(missing_ok=True)
        if self._layout.postgres.exists():
            template.server(self._layout).stop()

    def _running(self) -> bool:
        return set(self._record.alive()) == set(_PROGRAMS)

    def _wait_until_all_answer(self) -> None:
        ports = self._layout.ports()
        waiting = list(API_SERVICES)
        deadline = time.monotonic() + PATIENCE
        while waiting := [name for name in waiting if not _answers(ports[name])]:
            if not self._running() or time.monotonic() > deadline:
                raise OpenStackFailed(f"{', '.join(waiting)} did not start: see {self._layout.log}")
            time.sleep(0.05)

    def _run(self, program: str) -> None:
        """Runs a program of the OpenStack environment to its end. Raises OpenStackFailed."""
        log = self._layout.log / f"{program}.out"
        running = processes.start(self._command(program), log, self._environment(), self._layout.run)
        if running.wait():
            raise OpenStackFailed(f"{program} failed:\n{log.read_text()[-3000:]}")

    def _command(self, program: str) -> list[str]:
        python = str(install.environment(self._cache) / "bin" / "python")
        return [python, "-W", "ignore", "-m", f"devcloud.openstack.{program}", str(self._layout.directory)]

    def _environment(self) -> dict[str, str]:
        """Only what the services need: a proxy, a cloud or a Python path of the caller's would lead them astray."""
        return {
            "PATH": f"{install.environment(self._cache) / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": f"{ROOT}:{SOURCE / 'entry_points'}",
            "PYTHONSAFEPATH": "1",
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "OS_CINDER_DISABLE_EVENTLET_PATCHING": "1",
            "MALLOC_ARENA_MAX": "2",
        }


def clouds(auth_url: str) -> dict[str, object]:
    """clouds.yaml: the administrator, and the controller's user in each of its projects."""
    logins = {"admin": ("admin", "admin"), **{project: (CONTROLLER, project) for project in CONTROLLER_PROJECTS}}
    entries = {
        name: {
            "auth_type": "password",
            "region_name": REGION,
            "identity_api_version": 3,
            "auth": {
                "auth_url": auth_url, "username": user, "password": PASSWORD, "project_name": project,
                "user_domain_id": "default", "project_domain_id": "default",
            },
        }
        for name, (user, project) in logins.items()
    }  # fmt: skip
    return {"clouds": entries}


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True
