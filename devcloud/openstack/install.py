"""The Python environment of the OpenStack services, in the cache, shared by all checkouts that need the same one."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devcloud.openstack import postgres
from devcloud.openstack.layout import SOURCE

REQUIREMENTS = SOURCE / "requirements.txt"

# Trove's and the shared libraries' test helpers are imported at run time; these are not, and are a fifth of all.
_UNUSED = ("nova/tests", "cinder/tests", "glance/tests", "keystone/tests", "placement/tests", "neutron/tests/functional",
           "neutron/tests/fullstack", "neutron/tests/unit", "os_ken/tests", "openstackclient/tests")  # fmt: skip


class UvMissing(Exception):
    """No uv was found; the message says how to name one."""


def find_uv() -> str:
    """The uv program: $GOVCLOUD_UV, else the one on PATH. Raises UvMissing."""
    found = os.environ.get("GOVCLOUD_UV") or shutil.which("uv")
    if not found:
        raise UvMissing("uv is not on PATH; install it (pip install uv) or name it in GOVCLOUD_UV")
    return found


def environment_key() -> str:
    """Names the environment by what it is made from: the locked requirements, this Python, what is left out."""
    return digest([REQUIREMENTS], [sys.version, *_UNUSED])


def digest(files: list[Path], words: list[str]) -> str:
    """16 hexadecimal digits that change when a file or a word does."""
    total = hashlib.sha256()
    for part in [*(path.read_bytes() for path in files), *(word.encode() for word in words)]:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:16]


def environment(cache: Path) -> Path:
    """Where the environment of these requirements lies, made or not."""
    return cache / "openstack" / f"venv-{environment_key()}"


def ensure_environment(cache: Path) -> Path:
    """Installs the environment unless it is there. Two checkouts may call this at once: one installs, the other waits."""
    target = environment(cache)
    with locked(target):
        if not target.exists():
            with fresh_directory(target) as unfinished:
                _install(find_uv(), unfinished)
    return target


def _install(uv: str, directory: Path) -> None:
    _run(uv, "venv", "--quiet", "--relocatable", "--allow-existing", "--python", sys.executable, str(directory))
    python = str(directory / "bin" / "python")
    _run(uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(REQUIREMENTS))
    for package in _UNUSED:
        shutil.rmtree(next(directory.glob("lib/python*/site-packages")) / package, ignore_errors=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise InstallFailed(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


class InstallFailed(Exception):
    """An installer ended with an error; the message holds its last words."""


def ensure_system_packages() -> None:
    """PostgreSQL's server comes from the system. Root gets it installed; others are told the command (PostgresMissing)."""
    try:
        postgres.binaries()
    except postgres.PostgresMissing:
        if os.geteuid() != 0:
            raise
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql")
        postgres.binaries()


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Lets one process at a time make `target`. Others wait; the lock goes with its holder, however it ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{target}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def fresh_directory(target: Path) -> Iterator[Path]:
    """A directory beside `target` that takes its name if the block succeeds; else `<target>.failed`, to be read."""
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    unfinished.chmod(0o755)
    try:
        yield unfinished
        unfinished.rename(target)
    except BaseException:
        failed = Path(f"{target}.failed")
        shutil.rmtree(failed, ignore_errors=True)
        unfinished.rename(failed)
        raise
