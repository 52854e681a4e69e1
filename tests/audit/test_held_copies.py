"""Which copies are held while a legal hold lasts, and that nothing of it is lost where a process ends in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from audit.logs import Time, event, open_log

from govcloud.adapters.memory import FixedClock, Wire
from govcloud.adapters.memory.copies import MemoryCopies
from govcloud.audit.copies import CopyStore
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.holds import Order
from govcloud.audit.log import AuditLog
from govcloud.audit.query import search
from govcloud.audit.records import Action, Outcome, Phase
from govcloud.audit_keeping import EXPECTED, Keeping
from govcloud.housekeeping import Housekeeping

YEARS = timedelta(days=1_095)
HOLD = Order("zhao.min", "inspection", unit="jj-health").text()
RELEASE = Order("zhao.min", "inspection is over").text()


class Kept:
    """A log of four sealed segments, the second of which is about `jj-health`, with its keeping."""

    def __init__(self, directory: Path, log: AuditLog, store: CopyStore, clock: Time) -> None:
        self.directory, self.log, self.store, self.clock = directory, log, store, clock
        self.orders: dict[str, str] = {}
        for unit in ("jj-schools", "jj-health", "jj-schools", "jj-roads"):
            log.append_many([event(unit=unit)] * 3)
            log.seal()
        self.start()

    def start(self) -> None:
        """As after a start of the process."""
        keeping = Keeping(self.log, self.directory, self.store, lambda: self.orders, self.clock.wall)
        self._housekeeping = Housekeeping(keeping.tasks(), EXPECTED)

    def do(self, task: str) -> None:
        self._housekeeping.do(task)

    def round(self) -> None:
        for task in ("copies of the audit log", "legal holds", "legal holds of copies"):
            self.do(task)

    def told(self) -> list[tuple[Action, Phase, Outcome, str]]:
        about = [r for r in search(self.directory) if r.target.kind == "AuditSegment" and r.action is not Action.BACKUP]
        return [(r.action, r.phase, r.outcome, r.target.id) for r in about]


@pytest.fixture
def twin(tmp_path: Path) -> Kept:
    clock = Time()
    store = MemoryCopies(Wire(), FixedClock(clock.now), locked=YEARS)
    return Kept(tmp_path, open_log(tmp_path, time=clock), store, clock)


def held(kept: Kept) -> set[int]:
    assert isinstance(kept.store, MemoryCopies)
    return {int(name.split("/")[1][:16]) for name in kept.store.held}


def test_the_record_of_the_order_is_held_too_once_it_is_copied(twin: Kept) -> None:
    twin.orders["case-17"] = HOLD
    twin.round()
    assert held(twin) == {3}
    twin.log.seal()
    twin.round()
    assert held(twin) == {3, 12}


def test_of_two_holds_the_last_release_lifts_the_flag(twin: Kept) -> None:
    twin.orders |= {"case-17": HOLD, "case-18": Order("zhao.min", "appeal", unit="jj-health").text()}
    twin.round()
    twin.orders["case-17.released"] = RELEASE
    twin.round()
    assert held(twin) == {3}
    twin.orders["case-18.released"] = RELEASE
    twin.round()
    assert held(twin) == set()


def test_a_store_without_a_lock_is_asked_for_nothing(tmp_path: Path) -> None:
    clock = Time()
    kept = Kept(tmp_path, open_log(tmp_path, time=clock), MemoryCopies(Wire(), FixedClock(clock.now)), clock)
    kept.orders["case-17"] = HOLD
    kept.round()
    assert (held(kept), kept.told()) == (set(), [])


class Dying(MemoryCopies):
    """Does what it is told and does not answer."""

    def hold(self, name: str, *, on: bool) -> None:
        super().hold(name, on=on)
        raise AuditUnavailable("the connection broke")


@pytest.mark.parametrize("released", [False, True])
def test_what_is_not_known_to_be_done_is_done_again(tmp_path: Path, *, released: bool) -> None:
    clock = Time()
    store = Dying(Wire(), FixedClock(clock.now), locked=YEARS)
    kept = Kept(tmp_path, open_log(tmp_path, time=clock), store, clock)
    kept.orders["case-17"] = HOLD
    with pytest.raises(AuditUnavailable, match="broke"):
        kept.round()
    kept.store = MemoryCopies(Wire(), FixedClock(clock.now), objects=store.objects, locked=YEARS, held=store.held)
    kept.start()
    if released:
        kept.orders["case-17.released"] = RELEASE
    kept.round()
    assert held(kept) == (set() if released else {3})
    assert kept.told()[:2] == [
        (Action.ENABLE, Phase.INTENT, Outcome.PENDING, "3"), (Action.ENABLE, Phase.OUTCOME, Outcome.FAILURE, "3")
    ]


def test_after_a_start_nothing_is_lifted_before_the_store_was_asked(twin: Kept) -> None:
    twin.orders["case-17"] = HOLD
    twin.round()
    twin.start()
    for task in ("legal holds of copies", "legal holds", "legal holds of copies"):
        twin.do(task)
    assert held(twin) == {3}
    assert [action for action, *_ in twin.told()] == [Action.ENABLE] * 2


def test_looking_is_for_when_there_is_something_new(twin: Kept) -> None:
    assert isinstance(twin.store, MemoryCopies)
    twin.orders["case-17"] = HOLD
    twin.round()
    before = len(list(search(twin.directory)))
    for _ in range(3):
        twin.round()
    assert len(list(search(twin.directory))) == before
