"""An old decision is made again from its pinned plan, under the edition that was in force then. That it follows under every pack and in every
transition is asserted where whole lives are lived (test_lives.py)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from packs.conftest import Open
from packs.places import Place
from typer.testing import CliRunner

from govcloud.cli import app
from govcloud.core.plan import Plan, parse_plan
from govcloud.core.replay import NotReplayable, replay
from policies.rules import Pack
from policies.shelf import Shelf, shipped
from policies.sources import Days


def plans(here: Place) -> list[Plan]:
    return [parse_plan(pinned.text) for pinned in here.cluster.plans(here.request().key)]


def test_what_a_jurisdiction_tightened_then_holds_in_the_replay(place: Open) -> None:
    here = place(shipped().pack("jiujiang"))
    here.put_jurisdiction(tightened={"trialDays": 9, "expertReview": "Always", "stepLimits": [{"step": "authority", "workingDays": 1}]})
    here.begin()
    here.put_jurisdiction()
    (plan,) = plans(here)

    assert plan.values.trial_days == 9
    assert replay(plan, shipped()).differences == ()


def _with_another(pack: Pack, **changes: object) -> Shelf:
    """The pack, edited after the fact in its only edition."""
    return Shelf({pack.id: pack.model_copy(update={"editions": (pack.editions[-1].model_copy(update=changes),)})})


@pytest.fixture
def decided(place: Open) -> tuple[Plan, Pack]:
    here = place(shipped().pack("jiujiang"))
    here.begin()
    return plans(here)[0], here.pack


def test_a_later_edition_does_not_change_what_was_decided(decided: tuple[Plan, Pack]) -> None:
    plan, pack = decided
    steps = dict.fromkeys(pack.editions[0].steps, ())
    later = pack.editions[0].model_copy(update={"effective_from": date(2026, 3, 3), "steps": steps})
    both = Shelf({pack.id: pack.model_copy(update={"editions": (later, pack.editions[0])})})

    assert replay(plan, both).differences == ()


def test_a_pack_that_was_rewritten_after_the_fact_is_found_out(decided: tuple[Plan, Pack]) -> None:
    plan, pack = decided
    edition = pack.editions[-1]
    assert edition.trial is not None
    fewer = {**edition.steps, "Provision": ()}
    (lenient,) = replay(plan, _with_another(pack, steps=fewer)).differences
    assert lenient == "steps: authority in the plan, none by its edition"

    longer = edition.trial.model_copy(update={"days": Days(value=30, source=edition.trial.days.source)})
    assert replay(plan, _with_another(pack, trial=longer)).differences == ("trial_days: 15 in the plan, 30 by its edition",)

    cited = tuple(
        rule.model_copy(update={"source": rule.source.model_copy(update={"article": "99"})}) for rule in edition.steps["Provision"]
    )
    (elsewhere,) = replay(plan, _with_another(pack, steps={**edition.steps, "Provision": cited})).differences
    assert elsewhere == "authority.article: 'JJ 15' in the plan, 'JJ 99' by its edition"


def test_what_cannot_be_replayed_says_why(decided: tuple[Plan, Pack]) -> None:
    plan, pack = decided
    with pytest.raises(NotReplayable, match="no regulation pack 'jiujiang'"):
        replay(plan, Shelf({}))
    with pytest.raises(NotReplayable, match="no edition of 2019-07-24 any more"):
        replay(plan, _with_another(pack, effective_from=date(2020, 1, 1)))
    with pytest.raises(NotReplayable, match="made before plans kept"):
        replay(plan.model_copy(update={"circumstances": None}), shipped())


def test_the_command_says_the_same(decided: tuple[Plan, Pack], tmp_path: Path) -> None:
    plan, _ = decided
    revision, nothing = tmp_path / "revision.json", tmp_path / "nothing.json"
    revision.write_text(json.dumps({"kind": "ControllerRevision", "data": {"text": plan.text()}}), encoding="utf-8")
    nothing.write_text("{}", encoding="utf-8")
    same = CliRunner().invoke(app, ["replay", str(revision)])
    assert same.exit_code == 0
    assert "authority" in same.stdout and "[JJ 15]" in same.stdout

    altered = plan.model_copy(update={"values": plan.values.model_copy(update={"trial_days": 20})})
    revision.write_text(altered.text(), encoding="utf-8")
    different = CliRunner().invoke(app, ["replay", str(revision)])
    assert different.exit_code == 1
    assert "trial_days: 20 in the plan, 15 by its edition" in different.stderr
    assert CliRunner().invoke(app, ["replay", str(nothing)]).exit_code == 3
