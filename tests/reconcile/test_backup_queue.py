"""The running controller makes what is due by itself, tells whoever looks, and makes none where it was told so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reconcile.backing_up import WEEK, BackingUp, regular_backups
from reconcile.world import NAME, NAMESPACE, World
from waiting import until

from devcloud.patience import PATIENCE
from govcloud.controller import Controller
from govcloud.core.objects import BackupObject
from govcloud.core.story import Seen, story_of
from govcloud.core.story_words import chapters
from govcloud.observe import parse_spec


@pytest.fixture
def due(world: World) -> World:
    world.to_production()
    world.clock.advance(WEEK)
    return world


def controller_of(world: World, workers: int) -> Controller:
    return Controller(world.ports, 1, timedelta(hours=1), backup_workers=workers)


def value(controller: Controller, name: str, **labels: str) -> float | None:
    return controller.metrics.registry.get_sample_value(name, labels)


def test_what_is_due_is_made_and_the_request_looked_at_again(due: World) -> None:
    controller = controller_of(due, 2)
    controller.start()
    try:
        until(lambda: (shown := due.status().regular_backups) is not None and shown.newest_verified is not None)
    finally:
        assert controller.stop(timedelta(seconds=PATIENCE))
    assert [backup.status.state for backup in regular_backups(due)] == ["Verified"]
    assert value(controller, "govcloud_regular_backups_total", result="Verified") == 1
    assert value(controller, "govcloud_regular_backups_failing") == 0


def test_without_workers_none_is_begun_and_whoever_looks_is_told(due: World) -> None:
    controller = controller_of(due, 0)
    controller.look_at((NAMESPACE, NAME))
    assert controller.backups.look_at((NAMESPACE, NAME)) is None
    assert regular_backups(due) == []
    assert any("GOVCLOUD_BACKUP_WORKERS" in hint for hint in controller.hints())


def test_without_workers_what_was_begun_is_ended_so_that_no_termination_waits_for_ever(due: World) -> None:
    making = BackingUp(due)
    making.step()
    making.step()
    backups = controller_of(due, 0).backups
    while backups.look_at((NAMESPACE, NAME)) is not None:
        pass
    assert [backup.status.state for backup in regular_backups(due)] == ["Verified"]


def test_a_failed_one_is_counted_while_it_is_the_newest(due: World) -> None:
    due.backups.corrupt.add("data")
    making = BackingUp(due)
    making.run()
    controller = controller_of(due, 0)
    controller.look_at((NAMESPACE, NAME))
    assert value(controller, "govcloud_regular_backups_failing") == 1
    due.backups.corrupt.clear()
    making.each_week(1)
    controller.look_at((NAMESPACE, NAME))
    assert value(controller, "govcloud_regular_backups_failing") == 0


def test_the_story_tells_the_newest_and_the_newest_verified_one(due: World) -> None:
    making = BackingUp(due)
    making.run()
    due.backups.corrupt.add("data")
    making.each_week(1)
    due.run()
    first, second = regular_backups(due)
    told = _told(due)
    assert f"The newest, {second.name}" in told and "differs from what was backed up" in told
    assert f"The newest verified one is {first.name}" in told
    assert "每 7 天定期备份" in told and _moment(first) in told


def _moment(backup: BackupObject) -> str:
    return f"{backup.spec.frozen_at:%Y-%m-}"


def _told(world: World) -> str:
    request = world.request()
    story = story_of(Seen(request, parse_spec(request.spec)[0], world.status(), world.cluster.plans(request.key)))
    return "\n".join(f"{line.zh}\n{line.en}" for chapter in chapters(story) for line in chapter.lines)
