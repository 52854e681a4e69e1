"""The ledger over whole lives: at every moment of production each item is charged once, at what the completed plan says, and never else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from audit.logs import record
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.audit.records import Entry
from govcloud.audit.usage import ledger
from govcloud.core import evidence
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan, PlannedPrice

OFFERINGS = st.dictionaries(st.sampled_from(["vm", "disk", "db"]), st.tuples(st.integers(1, 3), st.integers(0, 2)))
"""What a plan holds: item -> quantity and price."""


@dataclass(frozen=True)
class Step:
    """A plan that is completed some hours after the one before; how often its completion was written before it was known."""

    transition: str
    holds: dict[str, tuple[int, int]]
    after: int
    repeats: tuple[int, ...]


STEPS = st.builds(
    Step,
    st.sampled_from(["Change", "MajorChange", "Suspend", "Resume", "ExtendTrial"]),
    OFFERINGS,
    st.integers(0, 48),
    st.lists(st.integers(0, 5), max_size=2).map(tuple),
)


@pytest.fixture(scope="session")
def production(moments: list[tuple[str, Facts]]) -> Facts:
    """A request in production, whatever it holds."""
    return next(facts for _, facts in moments if facts.progress.production_since and facts.completed)


def _plan(template: Plan, number: int, step: Step) -> Plan:
    prices = tuple(
        PlannedPrice(service="all", item=item, quantity=quantity, unit="month", unit_price=f"{price}.50")
        for item, (quantity, price) in step.holds.items()
    )
    stage = "Terminated" if step.transition == "Terminate" else "Production"
    update = {"number": number, "transition": step.transition, "stage": stage, "prices": prices}
    return template.model_copy(update=update)


def _life(production: Facts, first: dict[str, tuple[int, int]], steps: list[Step], ends: bool) -> Iterator[tuple[Step, Facts, Plan]]:
    """The facts before every completion, each as often as it was repeated: later each time, for the pass before was not remembered."""
    template = production.completed
    assert template is not None
    story = [Step("Promote", first, 0, (1,)), *steps, *([Step("Terminate", {}, 7, (2, 1))] if ends else [])]
    now, since, plans = production.now, None, dict[int, Plan]()
    for number, step in enumerate(story, start=1):
        plan = _plan(template, number, step)
        for wait in (step.after, *step.repeats):
            now += timedelta(hours=wait)
            progress = production.progress.model_copy(update={"production_since": since, "completed_plan": max(plans, default=None)})
            yield step, replace(production, now=now, progress=progress, plans={**plans, number: plan}), plan
        plans[number], since = plan, since or now


@settings(max_examples=60, deadline=None)
@given(first=OFFERINGS, steps=st.lists(STEPS, max_size=5), ends=st.booleans())
def test_at_every_moment_each_item_is_charged_once_as_the_completed_plan_says(
    production: Facts, first: dict[str, tuple[int, int]], steps: list[Step], ends: bool
) -> None:
    entries: list[Entry] = []
    holds: list[tuple[datetime, dict[str, tuple[int, int]]]] = []
    for step, facts, plan in _life(production, first, steps, ends):
        entries.extend(evidence.metered(facts, plan))
        holds.append((facts.now, step.holds))
    intervals = ledger(record(entry, sequence=number) for number, entry in enumerate(entries))

    for number, (begin, expected) in enumerate(holds):
        end = holds[number + 1][0] if number + 1 < len(holds) else begin + timedelta(hours=1)
        if begin == end:
            continue
        for moment in (begin, begin + (end - begin) / 2):
            running = [i for i in intervals if i.since <= moment and (i.until is None or moment < i.until)]
            charged = {i.item.offering: (int(i.rate.quantity), int(i.rate.price)) for i in running}
            assert charged == expected
            assert len(running) == len(charged), "an item is charged twice"
    if ends:
        assert all(interval.until is not None for interval in intervals)
