"""The thread that looks after a log in which nobody records anything."""

import threading
from queue import Queue

from devcloud.patience import PATIENCE
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.pulse import Pulse

SOON = 0.001


def test_it_ticks_again_and_again_until_it_is_stopped() -> None:
    others, ticks = set(threading.enumerate()), Queue[None]()
    pulse = Pulse(lambda: ticks.put(None), SOON)
    (thread,) = set(threading.enumerate()) - others
    assert thread.name == "audit-pulse", "by which a dump of all threads tells it"
    for _ in range(3):
        ticks.get(timeout=PATIENCE)
    pulse.stop()
    assert not thread.is_alive()


def test_it_ends_by_itself_once_the_log_cannot_go_on() -> None:
    others = set(threading.enumerate())
    ticks, may_end = Queue[None](), threading.Event()

    def tick() -> None:
        ticks.put(None)
        may_end.wait(PATIENCE)
        raise AuditUnavailable("the disk failed")

    pulse = Pulse(tick, SOON)
    (thread,) = set(threading.enumerate()) - others
    may_end.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert ticks.qsize() == 1
    pulse.stop()


def test_it_keeps_no_process_from_ending() -> None:
    others = set(threading.enumerate())
    pulse = Pulse(lambda: None, SOON)
    assert [thread.daemon for thread in set(threading.enumerate()) - others] == [True]
    pulse.stop()
