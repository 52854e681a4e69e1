"""When the oldest copies have gone after their time, their hashes stay, and the rest comes back whole; when they went before, it is said."""

from datetime import timedelta
from pathlib import Path

import pytest
from audit.logs import CONTROLLER, KEY, QuickFiles, Time, event, open_log
from audit.verdicts import agreed

from govcloud.adapters.memory import FixedClock, Wire
from govcloud.adapters.memory.copies import MemoryCopies
from govcloud.audit.copies import HASHES, SEGMENTS, CopyDiffers
from govcloud.audit.copying import Copying
from govcloud.audit.layout import Layout
from govcloud.audit.query import search
from govcloud.audit.restoring import restore
from govcloud.audit.retention import MINIMUM_DAYS, Policy, archive_in, removable, remove
from govcloud.audit.verify import Report, Result

DAYS = MINIMUM_DAYS + 20


class Years:
    """A log of more than a year, copied every ten days; what is over was removed from it, so the log says."""

    def __init__(self, directory: Path, *, national: bool) -> None:
        self.directory, self.audit, self.time = directory, directory / "audit", Time()
        self.clock = FixedClock(self.time.now)
        self.store = MemoryCopies(Wire(), self.clock)
        log = open_log(self.audit, time=self.time, national=national)
        copying = Copying(log, self.audit, self.store, CONTROLLER, self.time.wall, QuickFiles())
        for _ in range(DAYS // 10):
            log.append_many([event()])
            self.time.advance(10 * 86_400)
            self.clock.advance(timedelta(days=10))
            copying.run()
        over = removable(self.audit, KEY, Policy(MINIMUM_DAYS), self.time.now, archive_in(self.store, self.audit))
        self.removed = over[-1].end
        remove(log, self.audit, over, CONTROLLER)
        log.seal()
        copying.run()
        log.close()

    def purge(self, end: int) -> None:
        """What the store's administrators do."""
        for name in list(self.store.names(SEGMENTS)):
            if int(name.removeprefix(SEGMENTS)[:16]) < end:
                del self.store.objects[name]

    def restored(self) -> Report:
        report = restore(self.store, self.directory / "back", KEY, files=QuickFiles())
        assert agreed(self.directory / "back", KEY) == report
        return report


@pytest.fixture(params=[False, True], ids=["one tree", "two trees"])
def years(tmp_path: Path, request: pytest.FixtureRequest) -> Years:
    return Years(tmp_path, national=request.param)


def test_what_the_log_itself_removed_before_may_be_gone_from_the_copies(years: Years) -> None:
    years.purge(years.removed)
    report = years.restored()
    assert (report.result, report.what) == (Result.OK, "The audit log is whole")
    assert not any("SM3" in remark for remark in report.remarks)
    back = [record.stored() for record in search(years.directory / "back")]
    assert back == [record.stored() for record in search(years.audit)][: len(back)]
    assert back


def test_what_went_before_its_time_is_missed(years: Years) -> None:
    years.purge(years.removed + 1)
    report = years.restored()
    assert (report.result, report.first_bad) == (Result.INCOMPLETE, years.removed)


def test_without_their_hashes_nothing_comes_back(years: Years) -> None:
    years.purge(years.removed)
    name = next(iter(years.store.names(HASHES)))
    content, since = years.store.objects[name]
    for other in (content[:-1], content + b"0", b""):
        years.store.objects[name] = (other, since)
        with pytest.raises(CopyDiffers, match="does not hold the hashes of records 0 to"):
            restore(years.store, years.directory / f"{len(other)}", KEY, files=QuickFiles())
    years.store.objects[name] = (bytes(len(content)), since)
    assert restore(years.store, years.directory / "changed", KEY, files=QuickFiles()).result is Result.TAMPERED
    del years.store.objects[name]
    with pytest.raises(CopyDiffers, match="neither a copy nor its hashes"):
        restore(years.store, years.directory / "none", KEY, files=QuickFiles())


def test_a_log_continued_from_such_copies_is_whole(years: Years) -> None:
    years.purge(years.removed)
    years.restored()
    log = open_log(years.directory / "back", time=years.time)
    log.append(event())
    log.close()
    assert agreed(years.directory / "back", KEY).result is Result.OK
    assert not Layout(years.directory / "back").segment(0).exists()
