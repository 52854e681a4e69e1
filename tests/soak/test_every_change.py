"""Every parameter of every kind is changed once on the real engine and the real OpenStack, and each time a second run plans nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from adapters.stack_tenants import JURISDICTION, clouds_file, new_tenant
from provider.provider_kit import MemoryJournal
from soak.cloud_looks import assert_nothing_left, marked, remembered
from soak.every_change import CHAINS, NOT_HERE, REFUSED, changed_parameters
from soak.killing import ROOM, Work, carry_out
from soak.random_services import Services

from stacks.catalog import CATALOG
from stacks.diff import losses, rebuilds, shrinks
from stacks.kind import Quota

TWO_NETWORKS = ROOM + Quota(networks=2, subnets=2, routers=2)
KINDS = {kind.name: kind for kind in CATALOG if kind.name not in NOT_HERE}


@pytest.mark.parametrize("kind", KINDS)
def test_no_parameter_is_forgotten(kind: str) -> None:
    assert changed_parameters(kind) | REFUSED.get(kind, frozenset()) == set(KINDS[kind].parameters.model_fields)
    assert not changed_parameters(kind) & REFUSED.get(kind, frozenset())


@pytest.mark.cluster
@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_a_second_run_right_after_a_change_plans_nothing(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    journal = MemoryJournal()
    with new_tenant(tmp_path) as tenant:
        with tenant.stacks(journal) as stacks:
            stacks.ensure_unit(tenant.unit, JURISDICTION, TWO_NETWORKS)
            old: Services | None = None
            for plan, new in enumerate(CHAINS[kind], start=1):
                before, after = tenant.program(old) if old else None, tenant.program(new)
                assert (*rebuilds(before, after), *shrinks(before, after), *losses(before, after)) == ()
                carry_out(stacks, tenant, Work(plan, old, new))
                outcome = stacks.outcome(tenant.key)
                assert outcome is not None
                assert marked(tenant) == remembered(outcome.resources)
                stacks.look_for_drift(tenant.unit, [tenant.key])
                assert stacks.drift(tenant.key) == ()
                written = len(journal.intents)
                assert set(carry_out(stacks, tenant, Work(plan, old, new)).operations) == {"same"}
                assert len(journal.intents) == written
                old = new
            carry_out(stacks, tenant, Work(99, old, None))
        assert_nothing_left(tenant)
