"""A process is known by its number, its start and the boot together; only what was started here is ever ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from waiting import until

from devcloud.processes import Process, Processes, Stat, current_boot, end, send, stat_of

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
WITH_A_CHILD = ["/bin/sh", "-c", "sleep 600 & echo $!; wait"]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """An empty register of processes; what a test leaves running is ended."""
    register = Processes(tmp_path / "run", tmp_path / "log")
    yield register
    for record in (tmp_path / "run").glob("*.json"):
        register.stop(record.stem, seconds=0)


def start(processes: Processes, name: str, command: list[str]) -> Process:
    return processes.start(name, command, dict(os.environ), Path.cwd())


def is_alive(pid: int) -> bool:
    stat = stat_of(pid)
    return stat is not None and stat.is_running


def test_a_stat_line_is_read_although_the_commands_name_holds_brackets_and_spaces() -> None:
    numbers = " ".join(str(number) for number in range(1, 50))
    stat = Stat.parse(f"4711 (odd) name (x) S {numbers}\n")
    # Counted as the manual page does: the state is field 3, the start time field 22.
    assert stat == Stat(state="S", start_ticks=19)


def test_a_zombie_does_not_count_as_running() -> None:
    assert not Stat("Z", 1).is_running


def test_what_is_started_runs_and_is_found_again_by_its_name(processes: Processes) -> None:
    started = start(processes, "one", SLEEP)
    assert processes.running("one") == started
    assert started.is_running


def test_it_runs_in_a_session_of_its_own_so_that_a_closed_terminal_does_not_end_it(processes: Processes) -> None:
    started = start(processes, "one", SLEEP)
    assert os.getsid(started.pid) == started.pid != os.getsid(0)


def test_its_output_goes_to_its_log(processes: Processes) -> None:
    start(processes, "one", ["/bin/sh", "-c", "echo said; echo warned >&2"])
    until(lambda: processes.log("one").read_text() == "said\nwarned\n")


def test_stop_ends_it_and_forgets_it(processes: Processes) -> None:
    started = start(processes, "one", SLEEP)
    assert processes.stop("one")
    assert not started.is_running
    assert processes.get("one") is None
    assert not processes.stop("one")


def test_what_does_not_leave_when_asked_is_killed(processes: Processes) -> None:
    started = start(processes, "one", STUBBORN)
    until(lambda: b"SIG_IGN" in Path(f"/proc/{started.pid}/cmdline").read_bytes())
    assert processes.stop("one", seconds=0.3)
    assert not started.is_running


def test_stop_ends_the_children_too(processes: Processes) -> None:
    start(processes, "one", WITH_A_CHILD)
    until(lambda: processes.log("one").read_text().endswith("\n"))
    child = int(processes.log("one").read_text())
    assert is_alive(child)
    processes.stop("one")
    until(lambda: not is_alive(child))


def test_children_whose_parent_was_killed_are_still_found_and_ended(processes: Processes) -> None:
    parent = start(processes, "one", WITH_A_CHILD)
    until(lambda: processes.log("one").read_text().endswith("\n"))
    child = int(processes.log("one").read_text())
    send(parent, signal.SIGKILL)
    until(lambda: not parent.is_running)
    assert parent.members() == [child]
    assert processes.stop("one")
    until(lambda: not is_alive(child))


def test_a_second_start_under_the_same_name_ends_the_first(processes: Processes) -> None:
    first = start(processes, "one", SLEEP)
    second = start(processes, "one", SLEEP)
    assert not first.is_running
    assert processes.running("one") == second


def test_a_stranger_that_got_the_same_number_is_not_taken_for_ours_and_not_signalled(processes: Processes) -> None:
    stranger = subprocess.Popen(SLEEP, start_new_session=True)
    try:
        stat = stat_of(stranger.pid)
        assert stat is not None
        ours = Process("one", stranger.pid, stat.start_ticks - 1, current_boot(), "one-token", "log")
        assert not ours.is_running
        assert ours.members() == []
        assert not send(ours, signal.SIGKILL)
        assert not end(ours, seconds=0)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_what_was_written_down_before_the_machine_was_restarted_is_not_ours(processes: Processes) -> None:
    started = start(processes, "one", SLEEP)
    before_restart = replace(started, boot="another boot")
    assert not before_restart.is_running
    assert before_restart.members() == []


def test_what_was_started_right_before_we_were_killed_is_found_by_its_token(
    processes: Processes, tmp_path: Path
) -> None:
    started = start(processes, "one", SLEEP)
    # As the record looks between being announced and being completed.
    announced = replace(started, pid=0, start_ticks=0)
    (tmp_path / "run" / "one.json").write_text(json.dumps(asdict(announced)))
    assert processes.running("one") is None
    assert processes.stop("one")
    until(lambda: not is_alive(started.pid))


def test_a_signal_goes_to_the_process_itself_only(processes: Processes) -> None:
    parent = start(processes, "one", WITH_A_CHILD)
    until(lambda: processes.log("one").read_text().endswith("\n"))
    child = int(processes.log("one").read_text())
    assert send(parent, signal.SIGKILL)
    until(lambda: not parent.is_running)
    assert is_alive(child)
