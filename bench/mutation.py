"""One module of the audit package, its small faults, and what its tests say of them: mutmut in a tree of its own below build/mutants/."""

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
from dataclasses import dataclass
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
only_mutate=src/govcloud/audit/{module}.py
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


@dataclass
class Measurement:
    """The mutants drawn of one module, and the verdict on each; None as long as there is none."""

    module: str
    commit: str
    seed: int
    total: int
    verdicts: dict[str, str | None]

    @classmethod
    def read(cls, module: str) -> Self | None:
        """What was measured of the module as it is now; None if nothing was."""
        kept = PLACE / module / "measurement.json"
        copy = PLACE / module / "src" / "govcloud" / "audit" / f"{module}.py"
        if not kept.exists() or copy.read_bytes() != (PACKAGE / copy.name).read_bytes():
            return None
        return cls(**json.loads(kept.read_text(encoding="utf-8")))

    def keep(self) -> None:
        """Beside the tree that it was measured in."""
        (PLACE / self.module / "measurement.json").write_text(json.dumps(vars(self), indent=1), encoding="utf-8")

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


def draw(module: str, tests: Sequence[str], seed: int, at_most: int | None) -> Measurement:
    """Makes all mutants of a module in a fresh tree and draws those to be measured.

    Raises `subprocess.CalledProcessError` when mutmut fails.
    """
    place = _lay_out(module, tests)
    _mutmut(place, [_GENERATE], 300)
    names = sorted(_codes(module))
    drawn = names if at_most is None or len(names) <= at_most else random.Random(f"{seed} {module}").sample(names, at_most)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True, check=True).stdout.strip()
    measurement = Measurement(module, commit, seed, len(names), dict.fromkeys(sorted(drawn)))
    measurement.keep()
    return measurement


def measure(measurement: Measurement, tests: Sequence[str], processes: int, end: float) -> None:
    """Gives each mutant its verdict; whatever takes too long beside others is tried once more alone, with six times the patience.

    `end` is a moment of the monotonic clock. Raises `subprocess.CalledProcessError` when mutmut fails, `subprocess.TimeoutExpired` when the
    time is over; what was found out is kept.
    """
    place, module = PLACE / measurement.module, measurement.module
    for patience, at_once in (("at first", processes), ("alone", 1)):
        if names := measurement.left:
            (place / "setup.cfg").write_text(_setup(module, tests, _PATIENCE[patience]), encoding="utf-8")
            try:
                _mutmut(place, [_RUN, "run", "--max-children", str(at_once), *names], end - time.monotonic())
            finally:
                codes = _codes(module)
                words = {name: _word(codes[name]) for name in names}
                measurement.verdicts.update({n: word for n, word in words.items() if word != SLOW or patience == "alone"})
                measurement.keep()


def _lay_out(module: str, tests: Sequence[str]) -> Path:
    """A fresh tree as mutmut wants it: sources below `src/`, tests beside them."""
    place = PLACE / module
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
    (place / "setup.cfg").write_text(_setup(module, tests, _PATIENCE["at first"]), encoding="utf-8")
    return place


def _setup(module: str, tests: Sequence[str], patience: int) -> str:
    paths = "\n".join(f"    tests/audit/{name}.py" for name in tests)
    return _SETUP.format(module=module, tests=paths, patience=patience)


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


def _codes(module: str) -> Mapping[str, int | None]:
    """Of each mutant the exit code of its tests, as mutmut keeps it."""
    path = PLACE / module / "mutants" / "src" / "govcloud" / "audit" / f"{module}.py.meta"
    codes: Mapping[str, int | None] = json.loads(path.read_text())["exit_code_by_key"] if path.exists() else {}
    return codes


def _word(code: int | None) -> str | None:
    """pytest's exit code (2: the fault shows when the tests are read already), mutmut's own, or the signal that ended the tests."""
    if code in (1, 2, 3):
        return FOUND
    if code in (24, 36, 152, 255, -24, -9):
        return SLOW
    return {None: None, 0: "survived", 5: "no tests", 33: "no tests"}.get(code, f"ended with {code}")
