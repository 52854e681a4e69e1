"""Two processes that prepare the same thing do it one after the other, and a dead one holds nobody up."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devcloud.locks import exclusive
from devcloud.paths import ROOT, write_atomically

HOLD = """
import sys, time
from pathlib import Path
from devcloud.locks import exclusive
with exclusive(Path(sys.argv[1]), "holding", print):
    print("held", flush=True)
    time.sleep(600)
"""


def hold(lock: Path) -> "subprocess.Popen[str]":
    """A process that holds the lock when this returns."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    holder = hold(tmp_path / "lock")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    begun = time.monotonic()
    with exclusive(tmp_path / "lock", "trying", lambda _: None):
        assert time.monotonic() - begun < 60, "its holder would have kept it for ten minutes"


def test_while_another_process_holds_it_one_waits_and_says_so(tmp_path: Path) -> None:
    holder = hold(tmp_path / "lock")
    said: list[str] = []

    def listen(sentence: str) -> None:
        said.append(sentence)
        holder.kill()

    with exclusive(tmp_path / "lock", "building etcd", listen):
        assert holder.wait() == -signal.SIGKILL
    assert said[0].startswith("… waiting for another process that is at building etcd")


def test_a_file_is_replaced_in_one_step_with_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, "one")
    write_atomically(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["paths", "progress", "locks", "failures", "bootstrap", "__main__"])
def test_what_runs_before_anything_is_installed_needs_nothing_but_the_standard_library(name: str) -> None:
    # -I and -S: no environment variables, no site-packages; only the checkout is added.
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import devcloud.{name}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
