"""A service's whole life under every pack that ships: its own steps, its own materials, its own waits. A new pack is covered by being there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from packs.conftest import Open
from packs.places import Place, possible

from govcloud.core.plan import Plan
from govcloud.core.replay import replay
from policies.rules import Pack
from policies.shelf import shipped
from policies.steps import When

PACKS = [pytest.param(pack, id=name) for name, pack in sorted(shipped().packs.items())]


def live_through(here: Place) -> None:
    """From the first wish through a change to the record that stays."""
    here.go_live()
    assert here.status().phase == "Production", here.next_action()
    here.carry_out(**here.wish("Change"))
    here.terminate()
    here.run()
    here.approve()
    here.clock.advance(timedelta(days=here.edition.cooling_off.value))
    here.run()
    assert here.status().phase == "Terminated", here.next_action()


@pytest.mark.parametrize("everything", [False, True], ids=["plain", "every-condition"])
@pytest.mark.parametrize("pack", PACKS)
def test_a_whole_life(place: Open, pack: Pack, everything: bool) -> None:
    here = place(pack, everything)
    live_through(here)

    record = here.termination_record()
    assert record.backup_verified_at and record.destroyed_at and record.absence_proved_at
    assert [thing.type for thing in here.cloud.things()] == ["memory:backup"]
    for plan in plans(here):
        assert steps_of(plan) == steps_of_the_pack(here, plan, everything)
        assert replay(plan, shipped()).differences == ()
    assert here.audit.verified().first_bad is None


@pytest.mark.parametrize("pack", PACKS)
def test_every_transition_can_be_asked_for_and_is_carried_out(place: Open, pack: Pack) -> None:
    for transition in possible(pack.editions[-1]):
        here = place(pack, everything=True)
        here.ask(transition)
        here.approve()

        completed = here.status().progress.completed_plan
        assert completed is not None and here.plan(completed).transition == transition, here.next_action()
        assert replay(here.plan(completed), shipped()).differences == ()


def plans(here: Place) -> Iterator[Plan]:
    for pinned in here.cluster.plans(here.request().key):
        yield here.plan(pinned.number)


def steps_of(plan: Plan) -> list[tuple[str, str, int | None]]:
    return [(step.step, step.article, step.working_days) for step in plan.steps]


def steps_of_the_pack(here: Place, plan: Plan, everything: bool) -> list[tuple[str, str, int | None]]:
    """Read from the pack without the controller's help: all steps where all conditions hold, else those without any."""
    return [
        (rule.step, rule.source.cite(), rule.working_days.value if rule.working_days else None)
        for rule in here.edition.steps[plan.transition]
        if everything or rule.when == When()
    ]
