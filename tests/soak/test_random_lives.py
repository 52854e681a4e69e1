"""Requests drawn by chance on the real engine and the real OpenStack: changed there and back, killed at any moment, ended.

Needs a development cloud. Every draw follows from GOVCLOUD_SEED, which pytest prints in its header.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from adapters.stack_tenants import JURISDICTION, Tenant, clouds_file, new_tenant
from provider.provider_kit import MemoryJournal
from soak.cloud_looks import assert_as_asked, assert_nothing_left
from soak.killing import ROOM, Blow, Work, carry_out, drawn_blow, interrupted
from soak.random_services import Services, back, changed, drawn
from states_store import states_in_postgresql

from stacks.diff import diff

pytestmark = pytest.mark.cluster

LIVES, KILLED_LIVES = 25, 34
"""Each killed life is struck three times: 102 blows, and six where the states lie in PostgreSQL."""


@pytest.fixture(autouse=True)
def _clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())


@pytest.mark.soak
@pytest.mark.parametrize("number", range(LIVES))
def test_what_is_asked_for_comes_stays_and_goes(tmp_path: Path, seed: str, number: int) -> None:
    random = Random(f"{seed}/life/{number}")
    with new_tenant(tmp_path) as tenant:
        first = drawn(random)
        other = changed(random, first, tenant)
        journal = MemoryJournal()
        with tenant.stacks(journal) as stacks:
            stacks.ensure_unit(tenant.unit, JURISDICTION, ROOM)
            old: Services | None = None
            for plan, new in enumerate((first, other, back(other, first)), start=1):
                print(f"plan {plan}: {new}")
                carry_out(stacks, tenant, Work(plan, old, new))
                assert_as_asked(tenant, stacks, new)
                written = len(journal.intents)
                again = carry_out(stacks, tenant, Work(plan, old, new))
                assert set(again.operations) == {"same"}
                assert len(journal.intents) == written
                old = new
            carry_out(stacks, tenant, Work(4, old, None))
        assert_nothing_left(tenant)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(KILLED_LIVES))
def test_whatever_is_killed_whenever_nothing_is_lost_or_doubled(tmp_path: Path, seed: str, number: int) -> None:
    with new_tenant(tmp_path) as tenant:
        _a_killed_life(tenant, Random(f"{seed}/killed/{number}"))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(2))
def test_nor_where_the_states_lie_in_postgresql(
    tmp_path: Path, seed: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with states_in_postgresql(tmp_path) as store:
        monkeypatch.setenv("PGPASSFILE", str(store.password_file))
        with new_tenant(tmp_path, store.url) as tenant:
            _a_killed_life(tenant, Random(f"{seed}/postgresql/{number}"))
        assert not (tmp_path / "pulumi" / "state" / ".pulumi").exists()


def test_a_killed_engine_does_not_need_a_person(tmp_path: Path) -> None:
    """An engine may be done before the blow falls; then the request grows by a container, and the next one is struck at."""
    lan: Services = {"lan": {"network": {"cidr": "10.20.0.0/24"}}}
    grown = [lan | {f"files-{n}": {"objectStorage": {"quotaGib": 1}} for n in range(count)} for count in range(1, 6)]
    with new_tenant(tmp_path) as tenant:
        _prepare(tenant)
        works = (Work(plan, old, new) for plan, (old, new) in enumerate(pairwise([None, *grown]), start=1))
        assert any(_struck_and_taken_up_again(tenant, work, Blow("engine", 5, 0.0)) for work in works)


def _a_killed_life(tenant: Tenant, random: Random) -> None:
    _prepare(tenant)
    first = drawn(random, database_chance=0.1)
    other = changed(random, first, tenant)
    for work in (Work(1, None, first), Work(2, first, other), Work(3, other, None)):
        _struck_and_taken_up_again(tenant, work, drawn_blow(random, _operations(tenant, work)))
    assert_nothing_left(tenant)


def _prepare(tenant: Tenant) -> None:
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ROOM)


def _operations(tenant: Tenant, work: Work) -> int:
    if work.new is None:
        return len(tenant.program(work.old or {}).resources)
    before = tenant.program(work.old) if work.old is not None else None
    return len(diff(before, tenant.program(work.new)))


def _struck_and_taken_up_again(tenant: Tenant, work: Work, blow: Blow) -> bool:
    """Whether the blow fell before all was done; all is as asked afterwards in any case."""
    struck = interrupted(tenant, work, blow)
    print(f"{work}: {blow}: struck: {struck}")
    journal = MemoryJournal()
    with tenant.stacks(journal) as stacks:
        carry_out(stacks, tenant, work)
        if work.new is None:
            return struck
        assert_as_asked(tenant, stacks, work.new)
        written = len(journal.intents)
        assert set(carry_out(stacks, tenant, work).operations) == {"same"}
        assert len(journal.intents) == written
    return struck
