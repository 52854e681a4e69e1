"""`govcloud preview`: the engine's answer beside the plan, in words, in JSON and as an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cli.desks import desk_of, govcloud
from reconcile.world import NAME, NAMESPACE, World
from typer.testing import Result

from govcloud.api.request import RequestKey
from govcloud.core.objects import UnitObject
from govcloud.failures import Stop
from govcloud.reasons import Reason
from stacks.program import Program


@dataclass
class Answering:
    """`Previews` that say what they were told to, about every stack."""

    answer: tuple[tuple[str, str], ...] = ()
    failure: Exception | None = None

    def preview(self, _key: RequestKey, _unit: UnitObject, _plan: int, program: Program) -> Sequence[tuple[str, str]]:
        if self.failure:
            raise self.failure
        return [(resource.name, "same") for resource in program.resources] + list(self.answer)


def asked(world: World, engine: Answering, *more: str) -> Result:
    return govcloud(desk_of(world, "applicant"), "preview", f"csreq/{NAME}", "-n", NAMESPACE, *more, previews=engine)


def test_what_runs_as_planned(world: World) -> None:
    world.to_trial()
    said = asked(world, Answering())
    assert (said.exit_code, said.stdout) == (0, "plan 1: nothing to do\n")
    assert asked(world, Answering(), "--lang", "zh").stdout == "第 1 号计划:无需任何操作\n"


def test_what_the_plan_does_not_show_is_named(world: World) -> None:
    world.to_trial()
    said = asked(world, Answering((("web-0", "replace"),)))
    assert said.exit_code == 1
    assert "replace web-0  (not in the plan)" in said.stdout
    assert "the controller would refuse them (PlanMismatch)" in said.stdout


def test_a_plan_that_waits_is_asked_about_by_its_number(world: World) -> None:
    world.to_trial()
    world.edit_service("data", sizeGib=5)
    world.run()
    said = asked(world, Answering((("data", "update"),)), "--plan", str(world.status().progress.last_plan), "-o", "json")
    assert said.exit_code == 0
    assert json.loads(said.stdout) == {
        "plan": 2, "digest": world.plan(2).digest, "agrees": True, "shown": [{"resource": "data", "operation": "update"}], "beyond": [],
    }  # fmt: skip


def test_a_plan_that_is_over_or_never_was(world: World) -> None:
    world.to_production()
    over, never = asked(world, Answering(), "--plan", "1"), asked(world, Answering(), "--plan", "9")
    assert (over.exit_code, never.exit_code) == (1, 1)
    assert "plan 1 is over; the completed plan is 2" in over.stderr
    assert "has no plan 9" in never.stderr


def test_what_keeps_the_engine_from_answering(world: World) -> None:
    world.to_trial()
    said = asked(world, Answering(failure=Stop(Reason.PROGRAM_FAULT, "the state cannot be read")))
    assert (said.exit_code, said.stderr.splitlines()[-1]) == (3, "the state cannot be read")
