"""What goes into the container image works: the wheel alone, in a fresh environment of the hashed packages, far from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from devcloud.bootstrap import REQUIREMENTS, ensure_uv
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE
from devcloud.progress import say
from devcloud.tools import PULUMI

CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**_environment(), **environment}, text=True, capture_output=True, timeout=2 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment() -> Mapping[str, str]:
    """Nothing that leads back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GOVCLOUD", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment's folder of programs."""
    place = tmp_path_factory.mktemp("image")
    uv, python = ensure_uv(say), place / "venv" / "bin" / "python"
    run(sys.executable, "-m", "hatchling", "build", "-d", place / "wheel", "-t", "wheel", cwd=ROOT)
    run(uv, "venv", "--quiet", "--python", sys.executable, place / "venv", cwd=place, UV_SYSTEM_CERTS="1")
    options = ("--quiet", "--python", python)
    run(uv, "pip", "sync", *options, "--require-hashes", REQUIREMENTS / "controller.txt", cwd=place, UV_SYSTEM_CERTS="1")
    run(uv, "pip", "install", *options, "--no-deps", *(place / "wheel").glob("*.whl"), cwd=place)
    return python.parent


def test_it_plans_with_the_packs_that_it_carries(installed: Path, tmp_path: Path) -> None:
    examples = ROOT / "examples"
    told = run(
        installed / "govcloud", "plan", "-f", examples / "platform", "-f", examples / "requests" / "hospital-registration.yaml", cwd=tmp_path
    )
    assert "web-0" in told


def test_it_carries_the_admission_policies_that_it_compares_with(installed: Path, tmp_path: Path) -> None:
    told = run(installed / "python", "-c", "from govcloud.adapters import kube_admission as k; print(k.__file__, len(k.installed_manifests()))", cwd=tmp_path)
    file, count = told.split()
    assert str(installed.parent) in file
    assert int(count) == 2 * len(list((ROOT / "deploy" / "admission").glob("*.yaml"))), "a policy and its binding in each"


def test_both_programs_start(installed: Path, tmp_path: Path) -> None:
    assert "controller" in run(installed / "python", "-m", "govcloud", "--help", cwd=tmp_path)
    assert (installed / "pulumi-resource-openstack").exists()


def test_the_engine_is_the_one_that_everything_here_was_tried_with() -> None:
    (package,) = PULUMI.programs.values()
    assert f"-o /out/pulumi {package}" in CONTAINERFILE
    assert all(flag in CONTAINERFILE for flag in PULUMI.build_flags if not flag.startswith("-ldflags"))
    assert all(f"-X={name}={value}" in CONTAINERFILE for name, value in PULUMI.variables.items())
    assert f"COPY {PULUMI.module.relative_to(ROOT)} /src" in CONTAINERFILE
