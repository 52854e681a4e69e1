"""What must come from Debian and not from a package index: PostgreSQL's server, qemu-img, zstd."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcloud.bootstrap import run_quietly
from devcloud.failures import DevCloudError
from devcloud.locks import exclusive
from devcloud.paths import cache_root
from devcloud.progress import Say

# Debian's package would at once make and start a database server of its own, which nobody here has asked for.
NO_MAIN_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")


@dataclass(frozen=True)
class SystemPackage:
    """A Debian package, and how to see whether what we need of it is there, wherever it came from."""

    name: str
    is_present: Callable[[], bool]


def _has_postgresql_server() -> bool:
    return shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def _on_path(program: str) -> Callable[[], bool]:
    return lambda: shutil.which(program) is not None


NEEDED = (
    SystemPackage("postgresql", _has_postgresql_server),
    SystemPackage("qemu-utils", _on_path("qemu-img")),
    SystemPackage("zstd", _on_path("zstd")),
)


def _missing(needed: Sequence[SystemPackage]) -> list[str]:
    return [package.name for package in needed if not package.is_present()]


def _install(packages: list[str], say: Say) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        names = " ".join(packages)
        command = f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
        raise DevCloudError(f"the system lacks {names}. Install with:\n  {command}")
    say(f"installing {', '.join(packages)} with apt-get")
    if "postgresql" in packages and not NO_MAIN_CLUSTER.exists():
        NO_MAIN_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        NO_MAIN_CLUSTER.write_text("create_main_cluster = false\n")
    run_quietly(["apt-get", "update"], "reading Debian's package lists", say)
    options = ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]
    run_quietly(
        ["apt-get", "install", "-y", *options, *packages],
        f"installing {', '.join(packages)}",
        say,
        DEBIAN_FRONTEND="noninteractive",
    )


def ensure(
    say: Say, needed: Sequence[SystemPackage] = NEEDED, install: Callable[[list[str], Say], None] = _install
) -> None:
    """Install what is missing when we are root; otherwise raise `DevCloudError` with the command to run.

    Two clouds may call this at once: one installs, the other waits.
    """
    if _missing(needed):
        with exclusive(cache_root() / "locks" / "system-packages", "installing system packages", say):
            if missing := _missing(needed):
                install(missing, say)
