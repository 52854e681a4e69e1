"""The programs built from Go modules: the Pulumi engine, etcd, kube-apiserver, kube-controller-manager.

Each folder of `devcloud/golang/` is a Go module that pins one of them with everything it is made of (`go.sum`). What is
built lies in the cache, under a name derived from all that went into it, and is built once for all checkouts.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from devcloud.failures import with_log_tail
from devcloud.locks import exclusive
from devcloud.paths import ROOT, cache_root
from devcloud.progress import Say, waiting
from devcloud.toolchain import find_go, version_of

MODULES = ROOT / "devcloud" / "golang"
# Two at a time: while one links, which takes a single core, the other compiles.
BUILDS_AT_ONCE = 2


@dataclass(frozen=True)
class GoTool:
    """One module of `devcloud/golang/` and the programs that are built from it in one go."""

    name: str
    programs: Mapping[str, str]
    """The file name of each program, and the package that it is built from."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Package variables that the linker sets: what the program says its version is."""

    @property
    def module(self) -> Path:
        """The folder with go.mod and go.sum."""
        return MODULES / self.name

    @property
    def build_flags(self) -> list[str]:
        """What `go build` gets: no paths of this machine, no symbols, the version."""
        link = ["-s", "-w", *(f"-X={name}={value}" for name, value in self.variables.items())]
        return ["-mod=readonly", "-buildvcs=false", "-trimpath", f"-ldflags={' '.join(link)}"]

    def key(self, go_version: str) -> str:
        """A name for exactly this build: it changes with anything that could change the programs."""
        inputs = [go_version, platform.machine(), *self.build_flags, *map(str, self.programs.items())]
        inputs += [(self.module / name).read_text() for name in ("go.mod", "go.sum")]
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


PULUMI = GoTool(
    "pulumi",
    {"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
    {"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.253.0"},
)
ETCD = GoTool("etcd", {"etcd": "go.etcd.io/etcd/server/v3"})
KUBERNETES = GoTool(
    "kubernetes",
    {name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager")},
    {
        "k8s.io/component-base/version.gitMajor": "1",
        "k8s.io/component-base/version.gitMinor": "36",
        "k8s.io/component-base/version.gitVersion": "v1.36.3",
    },
)
ALL = (PULUMI, ETCD, KUBERNETES)


def build(tools: Iterable[GoTool], say: Say) -> dict[str, Path]:
    """The path of every program of `tools`, by name; builds what the cache does not hold yet.

    Raises `DevCloudError` with the end of the compiler's output when a build fails.
    """
    go = find_go(say)
    go_version = version_of(go)
    with ThreadPoolExecutor(BUILDS_AT_ONCE) as pool:
        folders = pool.map(lambda tool: (tool, _built(tool, go, go_version, say)), tools)
        return {program: folder / program for tool, folder in folders for program in tool.programs}


def _built(tool: GoTool, go: Path, go_version: str, say: Say) -> Path:
    folder = cache_root() / "tools" / f"{tool.name}-{tool.key(go_version)}"
    if not folder.exists():
        with exclusive(cache_root() / "locks" / folder.name, f"building {tool.name}", say):
            if not folder.exists():
                _build_into(folder, tool, go, say)
    return folder


def _build_into(folder: Path, tool: GoTool, go: Path, say: Say) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    log = temporary / "build.log"
    try:
        say(f"building {', '.join(tool.programs)} from {tool.module.relative_to(ROOT)}/go.mod")
        packages = _packages(tool, go, say)
        _compile(tool, go, temporary, log, packages, say)
        # Renamed only now: a folder of the cache is complete, or it is not there.
        temporary.replace(folder)
        say(f"built {', '.join(tool.programs)}")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _packages(tool: GoTool, go: Path, say: Say) -> int:
    """How many packages the tool consists of; asking downloads the modules as well."""
    with waiting(f"downloading the modules of {tool.name}", say):
        listed = subprocess.run(
            [go, "list", "-mod=readonly", "-deps", *tool.programs.values()], cwd=tool.module, env=_environment(go),
            text=True, capture_output=True, check=False,
        )  # fmt: skip
    if listed.returncode != 0:
        log = cache_root() / "tools" / f"{tool.name}-failed.log"
        log.write_text(listed.stderr)
        raise with_log_tail(f"the modules of {tool.name} could not be downloaded", log)
    return len(listed.stdout.splitlines())


def _compile(tool: GoTool, go: Path, into: Path, log: Path, packages: int, say: Say) -> None:
    for program, package in _one_by_one_or_together(tool, into):
        command = [str(go), "build", "-v", *tool.build_flags, "-o", program, *package]
        with log.open("ab") as output, waiting(f"building {tool.name}", say, lambda: _how_far(log, packages)):
            done = subprocess.run(
                command, cwd=tool.module, env=_environment(go), stdout=output, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode != 0:
            kept = log.replace(cache_root() / "tools" / f"{tool.name}-failed.log")
            raise with_log_tail(f"building {tool.name} failed", kept)


def _one_by_one_or_together(tool: GoTool, into: Path) -> list[tuple[str, list[str]]]:
    # Go names a program after the last element of its package's path; etcd's is "server", so it is given a file name.
    # Programs that carry their package's name are built together: the second compiles while the first links.
    if all(package.endswith(f"/{program}") for program, package in tool.programs.items()):
        return [(f"{into}/", list(tool.programs.values()))]
    return [(str(into / program), [package]) for program, package in tool.programs.items()]


def _how_far(log: Path, packages: int) -> str:
    # `go build -v` writes a line when it begins a package; those that Go's own cache holds are not mentioned.
    with log.open("rb") as stream:
        compiled = sum(1 for _ in stream)
    return f"{compiled} packages of at most {packages}" if compiled else ""


def _environment(go: Path) -> dict[str, str]:
    # CGO off: the programs depend on no library of this machine. GOTOOLCHAIN local: what is in the key is what builds.
    # GOFLAGS is given something: when empty, Go takes the one of its own configuration file.
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **fixed, "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
