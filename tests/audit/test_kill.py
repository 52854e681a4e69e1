"""A writer that is killed loses nothing that it acknowledged."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from audit import killed_writer
from audit.logs import KEY

from govcloud.audit.query import search
from govcloud.audit.verify import Result, verify

ROOT = Path(__file__).parents[2]


def killed_after(directory: Path, seconds: float) -> dict[int, str]:
    """Starts a writer, kills it so many seconds after its first record; what it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, killed_writer.__file__, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("operator", ".", "tests"))},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    lines = [first, *process.stdout.read().splitlines(keepends=True)]
    assert process.wait() == -signal.SIGKILL
    said = [line.split() for line in lines if line.endswith("\n")]
    return {int(sequence): name for sequence, name in said}


def kill_repeatedly(directory: Path, times: int, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: dict[int, str] = {}
    for _ in range(times):
        acknowledged |= killed_after(directory, chance.uniform(0, 0.08))
    stored = {record.sequence: record.id for record in search(directory)}
    assert acknowledged.items() <= stored.items()
    assert len(acknowledged) > times
    report = verify(directory, KEY)
    assert report.result is Result.OK, report.what


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    kill_repeatedly(tmp_path / "audit", 2, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_nothing_acknowledged_is_lost_in_a_thousand_kills(tmp_path: Path, part: int) -> None:
    kill_repeatedly(tmp_path / "audit", 50, seed=part)
