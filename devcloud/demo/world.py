"""The hands of the demo: kubectl as each persona, openstacksdk as the cloud's administrator, the controller's own process.

What is verified is read from the API server and from OpenStack, never from the controller's memory.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openstack
import yaml

from devcloud.bootstrap import VENV
from devcloud.demo.telling import NotAsExpected, Teller
from devcloud.environment import Environment
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Answer:
    """What kubectl said."""

    code: int
    out: str
    err: str

    @property
    def refused(self) -> bool:
        """Whether the API server did not do it."""
        return self.code != 0

    @property
    def sentence(self) -> str:
        """What it complained of, without the preamble that names the policy."""
        said = (self.err or self.out).strip().splitlines()
        return said[-1].rpartition("denied request: ")[2] if said else ""


@dataclass
class World:
    """Everything that the steps act with, and what they hand on to each other in `memory`."""

    environment: Environment
    teller: Teller
    memory: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    # Kubernetes

    def kubectl(self, persona: str | None, *arguments: str, stdin: str | None = None) -> Answer:
        """Run kubectl as a persona; None is the administrator."""
        kubeconfig = self.environment.kubeconfig_of(persona) if persona else self.environment.kubeconfig
        command = [str(self.environment.kubectl), f"--kubeconfig={kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def must(self, persona: str | None, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and expect it to succeed; what it printed."""
        answer = self.kubectl(persona, *arguments, stdin=stdin)
        if answer.refused:
            raise NotAsExpected(f"kubectl {' '.join(arguments)} as {persona or 'administrator'}: {answer.err.strip()}")
        return answer.out

    def must_refuse(self, persona: str | None, *arguments: str, because: str, stdin: str | None = None) -> str:
        """Run kubectl and expect a refusal that says `because`; the sentence."""
        answer = self.kubectl(persona, *arguments, stdin=stdin)
        if not answer.refused or because not in answer.err:
            raise NotAsExpected(f"kubectl {' '.join(arguments)} as {persona} should be refused with {because!r}: {answer.out}{answer.err}")
        return answer.sentence

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """An object as the API server has it."""
        where = ["-n", namespace] if namespace else []
        document: dict[str, Any] = json.loads(self.must(None, "get", kind, name, *where, "-o", "json"))
        return document

    def apply(self, persona: str, manifest: Mapping[str, Any]) -> str:
        """Apply one manifest as a persona."""
        return self.must(persona, "apply", "-f", "-", stdin=yaml.safe_dump(dict(manifest), allow_unicode=True))

    def until(self, what: str, seen: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Wait for something to be seen; what was seen. Says so when it takes over two seconds."""
        began, said = time.monotonic(), False
        while not (found := seen()):
            waited = time.monotonic() - began
            if waited > seconds:
                raise NotAsExpected(f"not seen within {seconds:.0f} s: {what}")
            if waited > 2 and not said:
                self.teller.waiting(f"waiting for: {what}")
                said = True
            time.sleep(0.3)
        return found

    def now(self) -> datetime:
        """The moment by the controller's clock, which may be ahead of the machine's."""
        kept = self.must(None, "get", "configmap", "govcloud-dev-clock", "-n", "govcloud-system", "--ignore-not-found", "-o", "json")
        ahead = (json.loads(kept).get("data") or {}).get("offsetSeconds", "0") if kept else "0"
        return datetime.now(UTC) + timedelta(seconds=int(ahead))

    # OpenStack

    def cloud(self, name: str = "admin") -> Any:
        """A connection of openstacksdk, by its entry in clouds.yaml."""
        config = openstack.config.OpenStackConfig(config_files=[str(self.environment.clouds_file)])
        return openstack.connection.Connection(config=config.get_one(cloud=name))

    # The controller

    def govcloud(self, *arguments: str, kubeconfig: Path | None = None) -> Answer:
        """Run the project's own command line; against the cluster as somebody else where `kubeconfig` says so."""
        variables = {**self.environment.variables(), "GOVCLOUD_STATE_DIR": str(self.environment.controller_state)}
        variables |= {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
        done = subprocess.run(
            [str(VENV / "bin" / "python"), "-m", "govcloud", *arguments],
            env=variables, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)

    @property
    def audit_log(self) -> Path:
        return self.environment.controller_state / "audit"

    def saw(self, evidence: str) -> None:
        self.teller.saw(evidence)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Fail the step unless something holds."""
        if not holds:
            raise NotAsExpected(otherwise)
