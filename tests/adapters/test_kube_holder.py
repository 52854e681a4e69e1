"""A holder is called dead only where that can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from govcloud.adapters.kube_holder import Holder


@pytest.fixture
def us() -> Holder:
    return Holder.this_process("a machine")


def test_what_is_written_is_read_again(us: Holder) -> None:
    assert Holder.parsed(str(us)) == us
    assert us.pid == os.getpid()
    assert us.name == "a-machine"


@pytest.mark.parametrize("text", ["", "somebody", "a b c", "a b c d e", "a b c 1 2 3"])
def test_a_name_of_another_form_is_nobody_we_know(text: str) -> None:
    assert Holder.parsed(text) is None


def test_we_are_alive(us: Holder) -> None:
    assert not us.is_known_dead(us)


def test_an_ended_process_is_dead_and_a_running_one_is_not(us: Holder) -> None:
    program = "from govcloud.adapters.kube_holder import Holder; print(Holder.this_process('x'), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        holder = Holder.parsed(other.stdout.readline().strip())
        assert holder is not None
        assert not holder.is_known_dead(us)
        other.kill()
    assert holder.is_known_dead(us)


def test_a_process_number_that_was_used_again_is_another_process(us: Holder) -> None:
    assert replace(us, started="1").is_known_dead(us)


@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"numbering": "pid:[42]"}])
def test_of_another_machine_or_container_nothing_is_known(us: Holder, elsewhere: dict[str, str]) -> None:
    gone = replace(us, started="1")
    assert not replace(gone, **elsewhere).is_known_dead(us)
