"""A county's unit on the city's cloud (SD 3.2): the ledger says that the county pays (JJ 5), from the first moment that costs money."""

from __future__ import annotations

import pytest
from packs.conftest import Open
from reconcile.world import UNIT

from govcloud.audit.usage import ledger
from policies.rules import Pack
from policies.shelf import shipped

PACKS = [pytest.param(pack, id=name) for name, pack in sorted(shipped().packs.items())]


@pytest.mark.parametrize("county", ["修水县", None])
@pytest.mark.parametrize("pack", PACKS)
def test_the_ledger_says_which_county_pays(place: Open, pack: Pack, county: str | None) -> None:
    here = place(pack)
    unit = here.cluster.unit(UNIT)
    assert unit is not None
    here.cluster.put_unit(UNIT, unit.spec.model_copy(update={"county": county}))
    here.go_live()
    here.carry_out(**here.wish("Change"))
    intervals = ledger(here.audit.records())

    assert len(intervals) == 2, "before the change, and since"
    assert {(interval.item.unit, interval.item.county) for interval in intervals} == {(UNIT, county or "")}
