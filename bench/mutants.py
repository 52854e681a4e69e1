"""How many small faults put into the audit package its tests find: mutation testing with mutmut, one module at a time.

    python bench/mutants.py [MODULE …] [--again] [--minutes N] [--processes N] [--show]

Of each module those test files run that say most about it (the table below), so the scores are lower bounds: a mutant that only another
test would find has survived, and so has one that no test reaches. Verdicts are kept in build/mutants/, so the whole can be measured in
slices; a module is measured again when it changed, or with --again. Prints one line of a table a module: mutants, found, of them by taking
too long, survived, score; with --show the survivors below it.
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
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from devcloud.bootstrap import REQUIREMENTS, fetch_from_pypi  # noqa: E402
from devcloud.progress import say  # noqa: E402

PLACE = ROOT / "build" / "mutants"
PACKAGE = ROOT / "operator" / "govcloud" / "audit"
_COPIES = ("test_copies", "test_keyring_copies", "test_purged_copies")
TESTS: Mapping[str, Sequence[str]] = {
    "frames": ("test_frames",),
    "merkle": ("test_merkle", "test_consistency"),
    "consistency": ("test_consistency",),
    "segment_check": ("test_segment_check",),
    "keyring": ("test_keyring_file", "test_rotation", "test_keyring_copies"),
    "keyring_file": ("test_keyring_file", "test_rotation"),
    "removal": ("test_removal",),
    "kept_hashes": ("test_kept", "test_second_tree", "test_retention"),
    "rotation": ("test_rotation",),
    "incremental": ("test_incremental",),
    "verify": ("test_findings", "test_tampering", "test_incremental", "test_rotation", "test_second_tree", "test_retention", "test_log"),
    "signed_states": ("test_findings", "test_tampering", "test_rotation", "test_second_tree", "test_incremental"),
    "retention": ("test_retention", "test_holds"),
    "holds": ("test_holds",),
    "expiry": ("test_holds",),
    "reader": ("test_kept", "test_recovery", "test_tampering", "test_retention"),
    "recovery": ("test_recovery", "test_second_tree", "test_rotation", "test_retention"),
    "notes": ("test_notes",),
    "durable": ("test_failing_disk", "test_recovery"),
    "files": ("test_failing_disk", "test_log", "test_matrix"),
    "store": ("test_log", "test_second_tree", "test_failing_disk"),
    "tail": ("test_log", "test_recovery"),
    "log": ("test_log", "test_failing_disk"),
    "opening": ("test_log", "test_rotation"),
    "pulse": ("test_log",),
    "tickets": ("test_tickets",),
    "own_words": ("test_own_words",),
    "signing_key": ("test_notes", "test_rotation"),
    "records": ("test_records",),
    "verdict": ("test_findings",),
    "proofs": ("test_proofs", "test_retention"),
    "query": ("test_query",),
    "publishing": ("test_publishing",),
    "witness": ("test_witness",),
    "cosignatures": ("test_witness",),
    "copies": _COPIES,
    "copying": _COPIES,
    "restoring": _COPIES,
    "keyring_copies": _COPIES,
    "status": ("test_copies",),
    "reads": ("test_reads",),
    "usage": ("test_usage", "test_charges"),
    "charges": ("test_charges",),
    "verify_offline": ("test_tampering", "test_rotation", "test_second_tree", "test_retention", "test_proofs", "test_log"),
}
"""What protects most comes first. Not here: what holds no decision (`errors`, `layout`, `state`)."""

_SETUP = """\
[mutmut]
source_paths=src
only_mutate=src/govcloud/audit/{module}.py
pytest_add_cli_args=
    -p
    no:cacheprovider
    --import-mode=importlib
    --timeout=30
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


def lay_out(module: str) -> Path:
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
    tests = "\n".join(f"    tests/audit/{name}.py" for name in TESTS[module])
    (place / "setup.cfg").write_text(_SETUP.format(module=module, tests=tests), encoding="utf-8")
    return place


def mutmut(place: Path, processes: int, seconds: float) -> None:
    """Raises `subprocess.CalledProcessError` when it fails, `subprocess.TimeoutExpired` when it takes longer; its own processes end with it."""
    tools = fetch_from_pypi("mutants", REQUIREMENTS / "mutants.txt", Path("mutmut/__main__.py"), say).parents[1]
    with (place / "mutmut.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _MUTMUT, "run", "--max-children", str(processes)],
            cwd=place, env={**os.environ, "PYTHONPATH": str(tools)}, stdout=log, stderr=log, start_new_session=True,
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
    path = PLACE / module / "mutants" / "src" / "govcloud" / "audit" / f"{module}.py.meta"
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
    found, copy = verdicts(module), PLACE / module / "src" / "govcloud" / "audit" / f"{module}.py"
    return bool(found) and "not measured" not in found.values() and copy.read_bytes() == (PACKAGE / copy.name).read_bytes()


def measure(names: Iterable[str], processes: int, end: float) -> None:
    """One module after the other, until the time is over."""
    for module in names:
        try:
            mutmut(lay_out(module), processes, end - time.monotonic())
        except subprocess.TimeoutExpired:
            say(f"the time was over within {module}")
            return
        except subprocess.CalledProcessError:
            say(f"{module} could not be measured; see {PLACE / module / 'mutmut.log'}")


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
    parser.add_argument("modules", nargs="*", default=list(TESTS), help="default: all")
    parser.add_argument("--again", action="store_true", help="also what was measured already")
    parser.add_argument("--minutes", type=float, default=600, help="for all of them together; 0 only prints")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="name the survivors")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started ends too
    if options.minutes:
        todo = [module for module in options.modules if options.again or not is_measured(module)]
        measure(todo, options.processes, time.monotonic() + options.minutes * 60)
    report(options.modules, survivors=options.show)


if __name__ == "__main__":
    main()
