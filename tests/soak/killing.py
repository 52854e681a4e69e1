"""Killing what works on a request's stack, at a moment that follows from a seed, and taking the work up again.

The provider lives in the controller's process: whoever kills the one kills the other. The engine is a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

from adapters.stack_tenants import ENOUGH, JURISDICTION, Tenant, new_key, unit_called

from devcloud.patience import PATIENCE
from govcloud.failures import Retry
from govcloud.ports import StackOutcome
from stacks.diff import allowed_operations, diff
from stacks.kind import Quota
from stacks.provider.plugin import JsonLinesJournal
from stacks.transform import with_removal

Victim = Literal["engine", "controller", "both"]
VICTIMS: tuple[Victim, ...] = ("engine", "controller", "both")
ROOT = Path(__file__).parents[2]
ROOM = ENOUGH + Quota(key_pairs=4, floating_ips=4)
_TRIES = 4


@dataclass(frozen=True)
class Work:
    """One step of a request's life: from the services that there are to those that are wanted; none wanted is its end."""

    plan: int
    old: dict[str, dict[str, Any]] | None
    new: dict[str, dict[str, Any]] | None


@dataclass(frozen=True)
class Blow:
    """Who is killed, after how many lines of the journal, and how many seconds later."""

    victim: Victim
    lines: int
    seconds: float


def drawn_blow(random: Random, operations: int) -> Blow:
    """A blow somewhere within so many operations, each of which writes an intent and an outcome."""
    return Blow(random.choice(VICTIMS), random.randint(0, 2 * operations - 1), random.uniform(0, 0.3))


def carry_out(stacks: Any, tenant: Tenant, work: Work) -> StackOutcome:
    """Do it, as the controller does: what says that waiting helps is tried again. `Stop` would need a person, and fails the test."""
    for _ in range(_TRIES - 1):
        try:
            return _once(stacks, tenant, work)
        except Retry:
            time.sleep(1)
    return _once(stacks, tenant, work)


def _once(stacks: Any, tenant: Tenant, work: Work) -> StackOutcome:
    before = tenant.program(work.old) if work.old is not None else None
    if work.new is not None:
        program = tenant.program(work.new)
        outcome: StackOutcome = stacks.up(
            tenant.key, tenant.unit, work.plan, program, allowed_operations(diff(before, program))
        )
        return outcome
    assert before is not None
    doomed = with_removal(before)
    if (there := stacks.outcome(tenant.key)) is not None and there.resources.keys() >= {
        r.name for r in doomed.resources
    }:
        stacks.up(tenant.key, tenant.unit, work.plan, doomed, allowed_operations(diff(before, doomed)))
    destroyed: StackOutcome = stacks.destroy(tenant.key, tenant.unit, work.plan)
    return destroyed


def interrupted(tenant: Tenant, work: Work, blow: Blow) -> bool:
    """Let a controller of its own do the work, and strike. False where it was done before the blow fell."""
    journal = tenant.state / f"journal-{work.plan}-{time.monotonic_ns()}.jsonl"
    process = _controller(tenant, work, journal)
    try:
        struck = _when(lambda: _lines(journal) >= blow.lines, process, blow.seconds) and _strike(process, blow.victim)
        if blow.victim == "engine" or not struck:
            assert process.wait(PATIENCE) == 0, (
                f"the controller gave up: {(tenant.state / 'controller.log').read_text()[-4000:]}"
            )
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return struck


def _when(moment: Callable[[], bool], process: subprocess.Popen[bytes], delay: float) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not moment():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    time.sleep(delay)
    return process.poll() is None


def _strike(process: subprocess.Popen[bytes], victim: Victim) -> bool:
    """SIGKILL. The engine may just have ended, or not have been started yet: then nothing is struck."""
    engines = _children_of(process.pid)
    if victim == "engine" and not engines:
        return False
    if victim != "engine":
        process.kill()
    if victim != "controller":
        for engine in engines:
            _kill(engine)
    return True


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended in this moment


def _children_of(process: int) -> list[int]:
    listed = subprocess.run(["ps", "--ppid", str(process), "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def _lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def _controller(tenant: Tenant, work: Work, journal: Path) -> subprocess.Popen[bytes]:
    given = {
        "state": str(tenant.state),
        "backend": tenant.backend,
        "journal": str(journal),
        "unit": {"name": tenant.unit.name, "uid": tenant.unit.uid},
        "uid": tenant.key.uid,
        "work": asdict(work),
    }
    with (tenant.state / "controller.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from soak import killing; killing.main(sys.argv[1])",
                json.dumps(given),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "operator", ROOT, ROOT / "tests")))},
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def main(text: str) -> None:
    """What the controller that is to be killed does."""
    given = json.loads(text)
    unit = unit_called(**given["unit"])
    tenant = Tenant(unit, new_key(unit, given["uid"]), Path(given["state"]), None, given["backend"])
    with tenant.stacks(JsonLinesJournal(Path(given["journal"]))) as stacks:
        stacks.ensure_unit(unit, JURISDICTION, ROOM)
        carry_out(stacks, tenant, Work(**given["work"]))
