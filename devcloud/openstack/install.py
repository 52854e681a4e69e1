"""The Python environment of the OpenStack services, in the cache, shared by all checkouts that need the same one."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devcloud.bootstrap import BASE_PYTHON, ensure_uv, run_quietly
from devcloud.locks import exclusive
from devcloud.openstack.layout import SOURCE
from devcloud.progress import Say

REQUIREMENTS = SOURCE / "requirements.txt"

# Under its own name, whichever link it was started by: one environment is enough.
_PYTHON = Path(BASE_PYTHON).resolve()

# A fifth of all. The tests of the other packages are small, and some are imported at run time.
_UNUSED = (
    "nova/tests", "cinder/tests", "glance/tests", "keystone/tests", "placement/tests", "neutron/tests/functional",
    "neutron/tests/fullstack", "neutron/tests/unit", "trove/tests", "os_ken/tests", "openstackclient/tests",
)  # fmt: skip


def environment_key() -> str:
    """Names the environment by what it is made from: the locked requirements, the Python, what is left out."""
    return digest([REQUIREMENTS], [str(_PYTHON), *_UNUSED])


def digest(files: list[Path], words: list[str]) -> str:
    """16 hexadecimal digits that change when the content of a file or a word does."""
    total = hashlib.sha256()
    for part in [*(path.read_bytes() for path in files), *(word.encode() for word in words)]:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:16]


def environment(cache: Path) -> Path:
    """Where the environment of these requirements lies, made or not."""
    return cache / "openstack" / f"venv-{environment_key()}"


def ensure_environment(cache: Path, say: Say) -> Path:
    """Installs the environment unless it is there. Two checkouts may call this at once: one installs, the other waits."""
    target = environment(cache)
    if not target.exists():
        with exclusive(cache / "locks" / target.name, "installing the OpenStack services", say):
            if not target.exists():
                with fresh_directory(target) as unfinished:
                    _install(unfinished, say)
    return target


def _install(directory: Path, say: Say) -> None:
    uv = str(ensure_uv(say))
    say("installing the OpenStack services")
    create = [uv, "venv", "--quiet", "--relocatable", "--allow-existing", "--python", str(_PYTHON), str(directory)]
    run_quietly(create, "making the environment of the OpenStack services", say)
    install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(directory / "bin" / "python")]
    run_quietly([*install, "-r", str(REQUIREMENTS)], "installing the OpenStack services", say)
    for packages in directory.glob("lib/python*/site-packages"):
        for unused in _UNUSED:
            shutil.rmtree(packages / unused, ignore_errors=True)


@contextmanager
def fresh_directory(target: Path) -> Iterator[Path]:
    """A directory beside `target` that takes its name if the block succeeds; else `<target>.failed`, to be read."""
    target.parent.mkdir(parents=True, exist_ok=True)
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
