"""A sixth jurisdiction is one YAML file and nothing else: read from a folder at the start, then everything holds for it that holds for the five."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from packs.conftest import Open
from packs.places import possible
from packs.test_lives import live_through
from packs.test_steps import refuses_what_comes_too_early, refuses_what_is_wrong, waits_for

from policies.rules import Pack
from policies.shelf import PackFault, shipped, with_more
from policies.sources import Days

FILE = Path(__file__).parent / "sixth" / "haixi.yaml"
"""A document, materials, questions, steps, limits and retention that no pack that ships has."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an installation keeps packs of its own."""
    made = tmp_path / "packs"
    made.mkdir()
    shutil.copy(FILE, made)
    return made


@pytest.fixture
def sixth(folder: Path) -> Pack:
    return with_more(folder).pack("haixi")


def test_it_stands_beside_the_five(folder: Path) -> None:
    assert set(with_more(folder).packs) == {*shipped().packs, "haixi"}
    assert with_more(None) == shipped()


@pytest.mark.parametrize("everything", [False, True], ids=["plain", "every-condition"])
def test_a_service_lives_its_whole_life_there(place: Open, sixth: Pack, everything: bool) -> None:
    here = place(sixth, everything)
    live_through(here)

    first = here.plan(1)
    assert [step.step for step in first.steps] == (["superior-unit", "ethics-board", "mayor"] if everything else ["ethics-board"])
    assert first.values.trial_days == 7
    record = here.termination_record()
    assert record.backup_verified_at and record.destroyed_at and (record.destroyed_at - record.backup_verified_at).days >= 2


def test_its_steps_are_guarded_like_all_others(place: Open, sixth: Pack) -> None:
    for transition in possible(sixth.editions[-1]):
        here = place(sixth, everything=True)
        here.ask(transition)
        steps = here.plan(here.shown_plan().number).steps
        for step in steps:
            with here.nothing_touched():
                waits_for(here, step)
                refuses_what_is_wrong(here, step)
                refuses_what_comes_too_early(here, steps[steps.index(step) + 1 :])
            here.approve(step.step)


def test_its_rules_refuse_with_its_own_articles(place: Open, sixth: Pack) -> None:
    here = place(sixth)
    here.apply(application=[], declarations=[], budget=None)
    found = {violation.rule: violation.article for violation in here.decided().violations}

    assert found == {"materials": "HX 7", "declarations": "HX 8", "budget": "HX 10"}


def test_its_next_edition_takes_over_on_its_day_and_leaves_what_runs_alone(place: Open, sixth: Pack) -> None:
    now = sixth.editions[0]
    assert now.trial is not None
    longer = now.trial.model_copy(update={"days": Days(value=9, source=now.trial.days.source)})
    later = now.model_copy(update={"effective_from": now.effective_from.replace(year=2026, month=3, day=4), "trial": longer})
    here = place(sixth.model_copy(update={"editions": (now, later)}))
    here.begin()
    end = here.trial_record().ends_at
    here.clock.advance(here.trial_record().ends_at - here.clock.now())
    here.apply("second")
    here.run("second")

    assert here.plan(1).values.trial_days == 7
    assert here.plan(1, "second").values.trial_days == 9
    assert here.trial_record().ends_at == end


# What is no pack


def _text(old: str, new: str) -> Callable[[Path], object]:
    def spoil(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a misspelt field": (_text("coolingOff", "coolingOf"), "haixi.yaml does not fit the model: .*coolingOf"),
    "a document that is not named": (_text("documents: {HX:", "documents: {HY:"), "cites HX, which is none of the documents HY"),
    "a step that differs from none": (_text("otherOfficeThan: [ethics-board]", "otherOfficeThan: [ethics]"), "differ from ethics"),
    "a step twice": (_text("step: mayor", "step: ethics-board"), "a step stands there once"),
    "a limit from nowhere": (_text("value: 10, runsFrom: asked", "value: 10, runsFrom: approved"), "runs from asked"),
    "no YAML": (_text("id: haixi", "id: [haixi"), "haixi.yaml cannot be read"),
    "another name": (_text("id: haixi", "id: haidong"), "name the file haidong.yaml"),
    "the id of one that ships": (lambda file: file.with_name("zunyi.yaml").write_text(file.read_text("utf-8").replace("id: haixi", "id: zunyi")), "ships already"),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED.keys())
def test_what_is_no_pack_is_named_with_its_place_before_anything_starts(folder: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(folder / "haixi.yaml")
    with pytest.raises(PackFault, match=said):
        with_more(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackFault, match="nowhere"):
        with_more(tmp_path / "nowhere")
