"""The development cloud's OpenStack as one thing: prepare it, start it, stop it, reset it, ask how it is."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from devcloud.failures import DevCloudError, with_log_tail
from devcloud.locks import exclusive
from devcloud.openstack import databases, install, settings, template
from devcloud.openstack.identities import CONTROLLER, CONTROLLER_PROJECTS
from devcloud.openstack.layout import API_SERVICES, HOST, PASSWORD, REGION, SOURCE, Layout
from devcloud.openstack.settings.site import Site
from devcloud.paths import ROOT, write_atomically
from devcloud.patience import PATIENCE
from devcloud.processes import Processes
from devcloud.progress import Say, waiting

"""Seconds that all services together may take to answer. On two busy processors, a cold start has taken 60."""

PROGRAMS = {"services": "parent", "swift": "swift", "trove": "trove"}
"""The processes started here, and the module of services/ that each runs. "services" forks the other projects."""


@dataclass(frozen=True)
class Service:
    """One line of `status`."""

    name: str
    state: str
    """running, or stopped"""
    url: str = ""
    pid: int | None = None
    memory: int | None = None
    """Bytes: its own pages, and its part of those it shares."""


class OpenStack:
    """Keystone, Barbican, Glance, Placement, Nova, Neutron, Cinder, Swift and Trove on loopback.

    `directory` is the state directory (clouds.yaml is written there), `cache` holds what several clouds share,
    `say` gets one sentence for each thing worth knowing while one waits. Every method raises DevCloudError.
    """

    def __init__(self, directory: Path, cache: Path, say: Say) -> None:
        self._layout = Layout(directory.resolve())
        self._cache = cache.resolve()
        self._say = say
        self._processes = Processes(self._layout.run / "processes", self._layout.log)

    def prepare(self) -> None:
        """Installs the environment and makes the template, unless the cache has them. Needs the package index, once.

        A cloud that has a state of its own keeps it, and needs no template.
        """
        install.ensure_environment(self._cache, self._say)
        if not self._layout.postgres.exists():
            self._prepare_template()

    def up(self) -> None:
        """Starts the cloud, or leaves it alone if it runs. Returns when every service answers."""
        if self._is_running():
            self._say("OpenStack runs already")
            return
        self._refuse_older_state()
        self.prepare()
        self._stop()
        if not self._layout.postgres.exists():
            self._restore()
        self._configure()
        self._start()

    def _refuse_older_state(self) -> None:
        known = self._layout.ports() if self._layout.postgres.exists() else {}
        if known and (lacking := [name for name in API_SERVICES if name not in known]):
            told = f"{self._layout.home} is the state of a cloud without {', '.join(lacking)}"
            raise DevCloudError(f"{told}; `make reset` forgets it, and the next start makes a new one")

    def down(self) -> None:
        """Ends what `up` has started, and nothing else. The state stays."""
        self._stop()

    def reset(self) -> None:
        """Forgets all servers, volumes, databases and users; the next `up` starts from the template."""
        self._stop()
        shutil.rmtree(self._layout.home, ignore_errors=True)
        self._layout.clouds_yaml.unlink(missing_ok=True)

    def status(self) -> list[Service]:
        """Every service, running or not, the database server among them."""
        if not self._layout.ports_file.exists():
            return [Service(name, "stopped") for name in (*API_SERVICES, "postgresql")]
        return [*(self._service(name) for name in API_SERVICES), self._database_service()]

    # ---- preparing

    def _prepare_template(self) -> None:
        target = template.path(self._cache)
        if not target.exists():
            with exclusive(self._cache / "locks" / target.name, "making the databases of OpenStack", self._say):
                if not target.exists():
                    self._say("making the databases of OpenStack, once for all clouds of this version")
                    with install.fresh_directory(target) as unfinished:
                        OpenStack(unfinished / "build", self._cache, self._say)._build_template(unfinished / "data")
                    template.prune(self._cache)

    def _build_template(self, target: Path) -> None:
        try:
            self._configure()
            self._make_keys()
            template.create_databases(template.server(self._layout))
            template.create_blank_database(self._layout)
            self._run("migrate")
            self._start()
            self._run("bootstrap")
        finally:
            self._stop()
        self._layout.data.rename(target)
        shutil.rmtree(self._layout.directory)

    def _make_keys(self) -> None:
        """Keystone's keys: for its tokens, and for the credentials that it stores."""
        for repository in ("fernet", "credential"):
            directory = self._layout.data / "keystone" / repository
            directory.mkdir(parents=True, mode=0o700)
            for number in ("0", "1"):
                (directory / number).write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))

    def _restore(self) -> None:
        databases.copy(template.path(self._cache) / "data", self._layout.data)

    # ---- starting and stopping

    def _site(self) -> Site:
        return Site(self._layout, self._layout.ports(), install.environment(self._cache))

    def _configure(self) -> None:
        """Chooses the ports and writes every configuration file. To be called while nothing runs."""
        self._layout.make()
        self._layout.choose_ports()
        settings.write(self._site())
        write_atomically(self._layout.clouds_yaml, json.dumps(clouds(self._site().auth_url), indent=1) + "\n")

    def _start(self) -> None:
        began = time.monotonic()
        template.server(self._layout).start()
        template.relocate(self._layout)
        for name, module in PROGRAMS.items():
            command = self._command(f"services.{module}")
            self._processes.start(name, command, self._environment(), self._layout.run)
        # Beside the services, which take longer; before Trove answers, it waits for nothing.
        # Replicas after what they follow, which may have another address now.
        for are_replicas in (False, True):
            _at_once([each.resume for each in databases.every(self._layout) if bool(each.endpoint.replica_of) is are_replicas])
        self._wait_until_all_answer()
        listing = json.dumps([asdict(service) for service in self.status()], indent=1)
        write_atomically(self._layout.status, listing + "\n")
        self._say(f"OpenStack answers after {time.monotonic() - began:.1f} s")

    def _stop(self) -> None:
        _at_once([partial(self._processes.stop, name) for name in PROGRAMS])
        self._layout.status.unlink(missing_ok=True)
        servers: list[Callable[[], object]] = [database.pause for database in databases.every(self._layout)]
        if self._layout.postgres.exists() and self._layout.ports_file.exists():
            servers.append(template.server(self._layout).stop)
        _at_once(servers)

    def _is_running(self) -> bool:
        return all(self._processes.running(name) for name in PROGRAMS)

    def _wait_until_all_answer(self) -> None:
        ports = self._layout.ports()
        left = list(API_SERVICES)
        deadline = time.monotonic() + PATIENCE
        with waiting("OpenStack is starting", self._say, lambda: f"waiting for {', '.join(left)}"):
            while left := [name for name in left if not _answers(ports[name])]:
                self._complain_if_ended(left)
                if time.monotonic() > deadline:
                    raise DevCloudError(f"{', '.join(left)} did not answer in {PATIENCE:.0f} s: see {self._layout.log}")
                time.sleep(0.05)

    def _complain_if_ended(self, left: Iterable[str]) -> None:
        for program in PROGRAMS:
            if not self._processes.running(program):
                # A project's own output says why it ended; the parent's says which did.
                logs = [self._layout.log / f"{name}.out" for name in left]
                log = next((log for log in logs if "Traceback" in _text(log)), self._processes.log(program))
                raise with_log_tail(f"{program} of OpenStack ended while it was starting", log)

    def _run(self, program: str) -> None:
        """Runs a program of the OpenStack environment to its end."""
        log = self._layout.log / f"{program}.log"
        with log.open("wb") as output, waiting(f"{program} of OpenStack", self._say):
            done = subprocess.run(
                self._command(program), stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
                env=self._environment(), cwd=self._layout.run,
            )  # fmt: skip
        if done.returncode:
            raise with_log_tail(f"{program} of OpenStack failed", log)

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

    # ---- status

    def _service(self, name: str) -> Service:
        port = self._layout.ports().get(name)
        if port is None:  # the cloud was made before this service was part of it
            return Service(name, "stopped")
        url = f"http://{HOST}:{port}"
        pid = self._pid(name)
        if pid is None or not _answers(port):
            return Service(name, "stopped", url)
        return Service(name, "running", url, pid, _memory(pid))

    def _pid(self, name: str) -> int | None:
        program = self._processes.running(name if name in PROGRAMS else "services")
        if program is None or name in PROGRAMS:
            return program.pid if program else None
        projects: dict[str, int] = json.loads(_text(self._layout.pids) or "{}")
        return projects.get({"placement": "keystone"}.get(name, name))

    def _database_service(self) -> Service:
        server = template.server(self._layout)
        pid, url = server.pid(), f"postgresql://{server.host}:{server.port}"
        return Service("postgresql", "running" if pid else "stopped", url, pid, _memory(pid) if pid else None)


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


def _at_once(jobs: Iterable[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(8) as pool:
        for running in [pool.submit(job) for job in jobs]:
            running.result()


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _memory(pid: int) -> int | None:
    """The proportional set size in bytes, where the kernel tells it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)
