"""How many small faults put into the audit package its tests find: mutation testing with mutmut.

    python bench/mutants.py [MODULE …] [--again] [--minutes N] [--show]

Each module's verdicts are kept in build/mutants/, so the whole can be measured in slices; a module is measured again when it changed,
or with --again. Prints one line of a table a module: mutants, found, by time alone, survived, score; with --show the survivors below it.
A mutant that no test reaches has survived.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from devcloud.bootstrap import REQUIREMENTS, fetch_from_pypi  # noqa: E402
from devcloud.progress import say  # noqa: E402

PLACE = ROOT / "build" / "mutants"
PACKAGE = ROOT / "operator" / "govcloud" / "audit"
NOT_THESE = ("test_kill", "test_reconcile_command", "test_columns")
"""Tests of processes of their own, or of what is not in the package."""

_SETUP = """\
[mutmut]
source_paths=src
only_mutate=src/govcloud/audit/*.py
also_copy=docs
pytest_add_cli_args=
    -p
    no:cacheprovider
    --import-mode=importlib
    --timeout=30
    --deselect=tests/audit/test_documentation.py::test_every_file_that_the_document_names_exists
pytest_add_cli_args_test_selection=
{tests}
use_git_change_detection=false
track_dependencies=false
timeout_multiplier=8

[tool:pytest]
pythonpath = src . tests
markers =
    cluster: needs the real control planes
    soak: exhaustive
addopts = -m "not cluster and not soak"
"""

_MUTMUT = "from mutmut.__main__ import cli; cli()"


def modules() -> list[str]:
    """All that can be measured, by name."""
    return sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def lay_out() -> None:
    """The tree that mutmut wants: sources below `src/`, tests beside them. What did not change keeps its time."""
    for source, place in (
        (ROOT / "operator" / "govcloud", "src/govcloud"),
        (ROOT / "stacks", "src/stacks"),
        (ROOT / "policies", "src/policies"),
        (ROOT / "deploy", "src/deploy"),
        (ROOT / "docs", "docs"),
        (ROOT / "tests" / "audit", "tests/audit"),
    ):
        shutil.copytree(source, PLACE / place, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    chosen = sorted(path.stem for path in (ROOT / "tests" / "audit").glob("test_*.py") if path.stem not in NOT_THESE)
    tests = "\n".join(f"    tests/audit/{name}.py" for name in chosen)
    (PLACE / "setup.cfg").write_text(_SETUP.format(tests=tests), encoding="utf-8")


def mutmut(*arguments: str, seconds: float) -> None:
    """Raises `subprocess.CalledProcessError` when it fails, `subprocess.TimeoutExpired` when it takes longer; its own processes end with it."""
    tools = fetch_from_pypi("mutants", REQUIREMENTS / "mutants.txt", Path("mutmut/__main__.py"), say).parents[1]
    with (PLACE / "mutmut.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _MUTMUT, *arguments],
            cwd=PLACE, env={**os.environ, "PYTHONPATH": str(tools)}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if code:
        raise subprocess.CalledProcessError(code, "mutmut")


def verdicts(module: str) -> Mapping[str, str]:
    """Of each mutant, as mutmut keeps them; empty before the first run."""
    path = PLACE / "mutants" / "src" / "govcloud" / "audit" / f"{module}.py.meta"
    if not path.exists():
        return {}
    return {name: _word(code) for name, code in json.loads(path.read_text())["exit_code_by_key"].items()}


def _word(code: int | None) -> str:
    """mutmut keeps pytest's exit code, or the signal that ended the tests."""
    if code in (1, 3):
        return "killed"
    if code in (24, 36, 152, 255, -24, -9):
        return "timeout"
    return {None: "not measured", 0: "survived", 5: "no tests", 33: "no tests"}.get(code, f"ended with {code}")


def is_measured(module: str) -> bool:
    """Whether the verdicts are all there, and of the module as it is now."""
    found = verdicts(module)
    return bool(found) and "not measured" not in found.values() and _stamp(module, PACKAGE).exists()


def _stamp(module: str, package: Path) -> Path:
    content = sha256((package / f"{module}.py").read_bytes()).hexdigest()[:16]
    return PLACE / "measured" / f"{module}-{content}"


def measure(names: Iterable[str], end: float) -> None:
    """One module after the other, until the time is over."""
    for module in names:
        try:
            mutmut("run", "--max-children", "2", f"govcloud.audit.{module}.x*", seconds=end - time.monotonic())
        except subprocess.TimeoutExpired:
            say(f"the time was over within {module}")
            return
        stamp = _stamp(module, PLACE / "src" / "govcloud" / "audit")
        stamp.parent.mkdir(exist_ok=True)
        stamp.touch()


def line(module: str, found: Mapping[str, str]) -> str:
    """A row of the table."""
    count, killed = len(found), sum(verdict == "killed" for verdict in found.values())
    slow = sum(verdict == "timeout" for verdict in found.values())
    score = f"{100 * (killed + slow) / count:.1f} %" if count else "nothing to mutate"
    return f"| {module} | {count} | {killed} | {slow} | {count - killed - slow} | {score} |"


def show(module: str, found: Mapping[str, str]) -> None:
    """What survived, as mutmut shows it."""
    for name, verdict in found.items():
        if verdict not in ("killed", "timeout"):
            print(f"    {verdict}: {name}")


def report(names: Sequence[str], *, survivors: bool) -> None:
    """Prints what is known."""
    total: dict[str, str] = {}
    for module in names:
        if not is_measured(module):
            print(f"| {module} | not measured |")
            continue
        found = verdicts(module)
        total |= found
        print(line(module, found))
        if survivors:
            show(module, found)
    print(line("together", total))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=modules(), help="default: all")
    parser.add_argument("--again", action="store_true", help="also what was measured already")
    parser.add_argument("--minutes", type=float, default=600, help="for all of them together; 0 only prints")
    parser.add_argument("--show", action="store_true", help="name the survivors")
    options = parser.parse_args()
    if options.minutes:
        lay_out()
        todo = [module for module in options.modules if options.again or not is_measured(module)]
        measure(todo, time.monotonic() + options.minutes * 60)
    report(options.modules, survivors=options.show)


if __name__ == "__main__":
    main()
