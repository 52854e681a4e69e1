"""What probes and metrics read of a log."""

from pathlib import Path

from audit.logs import QuickFiles, intent, open_log

from govcloud.audit.state import State


def test_health_counts(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(intent())
    assert [record.target.name for record in log.open_intents()] == ["web-1"]
    health = log.health()
    assert (health.state, health.reason, health.records, health.open_intents) == (State.READY, "", 1, 1)
    assert health.writable
    assert str(health) == "ready"
    assert health.free_bytes > 0
    log.close()


def test_little_space_is_said_before_it_is_none(tmp_path: Path) -> None:
    class Small(QuickFiles):
        def free_bytes(self, directory: Path) -> int:
            return 1024**3 - 1

    log = open_log(tmp_path, Small())
    assert log.health().low_space
    log.close()


def test_a_disk_that_does_not_say_how_much_room_it_has_is_taken_for_full(tmp_path: Path) -> None:
    class Sick(QuickFiles):
        def free_bytes(self, directory: Path) -> int:
            raise OSError("no answer")

    log = open_log(tmp_path, Sick())
    assert (log.health().free_bytes, log.health().low_space, log.health().writable) == (0, True, True)
    log.close()
