"""kubectl as one of the users of a development cloud."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devcloud.environment import Environment, clean_environment
from devcloud.failures import DevCloudError


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl with one kubeconfig."""

    program: Path
    kubeconfig: Path

    @classmethod
    def as_administrator(cls, environment: Environment) -> "Kubectl":
        """As the cluster's administrator."""
        return cls(environment.kubectl, environment.kubeconfig)

    @classmethod
    def as_user(cls, environment: Environment, user: str) -> "Kubectl":
        """As one of the personas."""
        return cls(environment.kubectl, environment.kubeconfig_of(user))

    def try_to(self, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl with these arguments and `given` as its input; the caller looks at the result."""
        command = [str(self.program), *map(str, arguments)]
        variables = {**clean_environment(), "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(command, env=variables, input=given, text=True, capture_output=True, check=False)

    def do(self, *arguments: str | Path, given: str = "") -> str:
        """Run kubectl and return what it printed. Raises `DevCloudError` with its words when it fails."""
        done = self.try_to(*arguments, given=given)
        if done.returncode != 0:
            raise DevCloudError(f"kubectl {' '.join(map(str, arguments))}:\n{done.stderr.strip()}")
        return done.stdout.strip()

    def apply(self, *files: Path, given: str = "") -> list[str]:
        """Server-side apply of files and folders, or of `given`; the lines that kubectl prints, one for each object."""
        sources: Sequence[str | Path] = [part for file in files for part in ("-f", file)] or ["-f", "-"]
        flags = ("--server-side", "--force-conflicts", "--field-manager=govcloud-dev", "--recursive")
        return self.do("apply", *flags, *sources, given=given).splitlines()
