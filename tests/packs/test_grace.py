"""After a trial: everything is kept, stopped, for as long as the pack says; then termination is proposed and not done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from packs.conftest import Open

from policies.rules import Pack
from policies.shelf import shipped

WITH_A_TRIAL = [pytest.param(pack, id=name) for name, pack in sorted(shipped().packs.items()) if pack.editions[-1].trial]


@pytest.mark.parametrize("pack", WITH_A_TRIAL)
def test_when_the_grace_is_over_termination_is_proposed_and_nothing_is_done(place: Open, pack: Pack) -> None:
    here = place(pack)
    trial = here.edition.trial
    assert trial is not None
    here.begin()
    before = here.things().keys()
    assert f"[{trial.days.source.cite()}]" in here.next_action().en
    here.clock.advance(timedelta(days=trial.days.value))
    here.run()
    ended, article = here.next_action(), trial.days.source.cite()
    over = here.trial_record().expired_at
    assert over is not None
    assert (ended.article, ended.deadline) == (article, over + timedelta(days=trial.grace.value))
    assert here.step().again_after == timedelta(days=trial.grace.value), "it looks again by itself"

    here.clock.advance(timedelta(days=trial.grace.value))
    with here.nothing_touched():
        here.run()
    assert "termination is proposed" in here.next_action().en and "建议申请终止" in here.next_action().zh
    assert here.next_action().waiting_for == "applicant"
    assert here.things().keys() == before


def test_a_jurisdiction_may_set_a_shorter_grace(place: Open) -> None:
    here = place(shipped().pack("jiujiang"))
    here.put_jurisdiction(tightened={"graceDays": 3})
    here.begin()
    here.clock.advance(timedelta(days=15))
    here.run()
    assert here.step().again_after == timedelta(days=3)
