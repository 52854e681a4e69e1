"""Some modules of the audit package, their small faults, and what tests say of them: mutmut in a tree of its own below build/mutants/."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from devcloud.bootstrap import REQUIREMENTS, fetch_from_pypi  # noqa: E402
from devcloud.progress import say  # noqa: E402

PLACE = ROOT / "build" / "mutants"
PACKAGE = ROOT / "operator" / "govcloud" / "audit"
FOUND, SLOW = "found", "took too long"
_PATIENCE = {"at first": 5, "alone": 30}  # times as long as the tests take without a fault, and at least so many seconds

_SETUP = """\
[mutmut]
source_paths=src
only_mutate=
{modules}
pytest_add_cli_args=
    -p
    no:cacheprovider
    --import-mode=importlib
pytest_add_cli_args_test_selection=
{tests}
use_git_change_detection=false
track_dependencies=false
process_isolation=forkserver
timeout_multiplier={patience}

[tool:pytest]
pythonpath = src . tests
markers =
    cluster: needs the real control planes
    soak: exhaustive
addopts = -m "not cluster and not soak"
"""
_SAME_EXAMPLES = """\
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
settings.load_profile("mutants")
"""
_GENERATE = """\
from mutmut.__main__ import Path, copy_also_copy_files, copy_src_dir, create_mutants, makedirs, setup_source_paths
makedirs("mutants", exist_ok=True)
copy_src_dir()
copy_also_copy_files()
setup_source_paths()
create_mutants(1)
"""
_RUN = "from mutmut.__main__ import cli; cli()"


@dataclass(frozen=True)
class Group:
    """Modules that are tried together, and the test files that say most about them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def place(self) -> Path:
        """Where its tree is."""
        return PLACE / self.modules[0]


@dataclass
class Measurement:
    """The mutants drawn of one module, and the verdict on each; None as long as there is none."""

    module: str
    source: str
    """SHA-256 of the module."""
    commit: str
    seed: int
    total: int
    verdicts: dict[str, str | None]

    @classmethod
    def read(cls, module: str) -> Self | None:
        """What was measured of the module as it is now; None if nothing was."""
        kept = PLACE / f"{module}.json"
        found = cls(**json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else None
        return found if found and found.source == _digest(module) else None

    def keep(self) -> None:
        """For the next slice."""
        (PLACE / f"{self.module}.json").write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    def drawn_as(self, seed: int, at_most: int | None) -> bool:
        """Whether these are the mutants that such a sample consists of."""
        count = self.total if at_most is None else min(at_most, self.total)
        return len(self.verdicts) == count and (count == self.total or self.seed == seed)

    @property
    def left(self) -> list[str]:
        """Without a verdict."""
        return [name for name, verdict in self.verdicts.items() if verdict is None]

    def count(self, *verdicts: str) -> int:
        """How many have one of these verdicts."""
        return sum(verdict in verdicts for verdict in self.verdicts.values())


def draw(group: Group, modules: Sequence[str], seed: int, at_most: int | None) -> list[Measurement]:
    """Makes all mutants of a group in a fresh tree and draws those of some of its modules that are to be measured.

    Raises `subprocess.CalledProcessError` when mutmut fails.
    """
    _lay_out(group)
    _mutmut(group.place, [_GENERATE], 300)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True, check=True).stdout.strip()
    return [_draw(group, module, commit, seed, at_most) for module in modules]


def _draw(group: Group, module: str, commit: str, seed: int, at_most: int | None) -> Measurement:
    names = sorted(_codes(group, module))
    drawn = names if at_most is None or len(names) <= at_most else random.Random(f"{seed} {module}").sample(names, at_most)
    measurement = Measurement(module, _digest(module), commit, seed, len(names), dict.fromkeys(sorted(drawn)))
    measurement.keep()
    return measurement


def forget(module: str) -> None:
    """Nothing is known of the module any more."""
    (PLACE / f"{module}.json").unlink(missing_ok=True)


def measure(group: Group, measurements: Sequence[Measurement], processes: int, end: float) -> None:
    """Gives each mutant its verdict; whatever takes too long beside others is tried once more alone, with six times the patience.

    `end` is a moment of the monotonic clock. Raises `subprocess.CalledProcessError` when mutmut fails, `subprocess.TimeoutExpired` when the
    time is over; what was found out is kept.
    """
    for patience, at_once in (("at first", processes), ("alone", 1)):
        if names := [name for measurement in measurements for name in measurement.left]:
            _set_up(group, _PATIENCE[patience])
            try:
                _mutmut(group.place, [_RUN, "run", "--max-children", str(at_once), *names], end - time.monotonic())
            finally:
                for measurement in measurements:
                    _take_verdicts(group, measurement, final=patience == "alone")


def _take_verdicts(group: Group, measurement: Measurement, *, final: bool) -> None:
    codes = _codes(group, measurement.module)
    words = {name: _word(codes[name]) for name in measurement.left}
    measurement.verdicts.update({name: word for name, word in words.items() if final or word != SLOW})
    measurement.keep()


def _digest(module: str) -> str:
    return sha256((PACKAGE / f"{module}.py").read_bytes()).hexdigest()


def _lay_out(group: Group) -> None:
    """A fresh tree as mutmut wants it: sources below `src/`, tests beside them."""
    place = group.place
    shutil.rmtree(place, ignore_errors=True)
    for source, target in (
        (ROOT / "operator" / "govcloud", "src/govcloud"),
        (ROOT / "stacks", "src/stacks"),
        (ROOT / "policies", "src/policies"),
        (ROOT / "deploy", "src/deploy"),
        (ROOT / "tests" / "audit", "tests/audit"),
    ):
        shutil.copytree(source, place / target, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "tests" / "conftest.py").write_text(_SAME_EXAMPLES, encoding="utf-8")
    _set_up(group, _PATIENCE["at first"])


def _set_up(group: Group, patience: int) -> None:
    modules = "\n".join(f"    src/govcloud/audit/{module}.py" for module in group.modules)
    tests = "\n".join(f"    tests/audit/{name}.py" for name in group.tests)
    text = _SETUP.format(modules=modules, tests=tests, patience=patience)
    (group.place / "setup.cfg").write_text(text, encoding="utf-8")


def _mutmut(place: Path, arguments: Sequence[str], seconds: float) -> None:
    """A program that uses mutmut; its own processes end with it. The tests need no plugins, and start sooner without."""
    tools = fetch_from_pypi("mutants", REQUIREMENTS / "mutants.txt", Path("mutmut/__main__.py"), say).parents[1]
    with (place / "mutmut.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", *arguments],
            cwd=place, env={**os.environ, "PYTHONPATH": str(tools), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if code:
        raise subprocess.CalledProcessError(code, "mutmut")


def _codes(group: Group, module: str) -> Mapping[str, int | None]:
    """Of each mutant the exit code of its tests, as mutmut keeps it; empty where there is nothing to mutate."""
    path = group.place / "mutants" / "src" / "govcloud" / "audit" / f"{module}.py.meta"
    codes: Mapping[str, int | None] = json.loads(path.read_text())["exit_code_by_key"] if path.exists() else {}
    return codes


def _word(code: int | None) -> str | None:
    """pytest's exit code (2: the fault shows when the tests are read already), mutmut's own, or the signal that ended the tests."""
    if code in (1, 2, 3):
        return FOUND
    if code in (24, 36, 152, 255, -24, -9):
        return SLOW
    return {None: None, 0: "survived", 5: "no tests", 33: "no tests"}.get(code, f"ended with {code}")
