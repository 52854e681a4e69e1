"""Four units' requests at once, run by one controller, each a chain of resources: nothing of one ever lies in another's project."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from adapters.stack_tenants import JURISDICTION, Tenant, clouds_file, new_tenant
from provider.provider_kit import MemoryJournal
from soak.cloud_looks import assert_as_asked, assert_nothing_left, marked
from soak.killing import ROOM, Work, carry_out
from soak.random_services import Services

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

CHAIN: Services = {
    "lan": {"network": {"cidr": "10.20.0.0/24"}},
    "web": {
        "virtualMachine": {
            "count": 2,
            "offering": "small",
            "image": "cirros",
            "bootVolumeGib": 1,
            "floatingAddress": True,
            "securityRules": [{"protocol": "tcp", "portMin": 443, "remotePrefix": "10.0.0.0/8"}],
        }
    },
    "data": {"blockStorage": {"sizeGib": 1, "offering": "disk", "attachTo": {"service": "web", "index": 1}}},
    "files": {"objectStorage": {"quotaGib": 1}},
}


@pytest.fixture
def tenants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tenant]]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    with ExitStack() as stack:
        yield [stack.enter_context(new_tenant(tmp_path)) for _ in range(4)]


def test_nothing_of_a_unit_lies_in_another_ones_project(tenants: list[Tenant]) -> None:
    journal = MemoryJournal()
    with tenants[0].stacks(journal) as stacks, ThreadPoolExecutor(4) as pool:

        def provide(tenant: Tenant) -> None:
            stacks.ensure_unit(tenant.unit, JURISDICTION, ROOM)
            carry_out(stacks, tenant, Work(1, None, CHAIN))

        list(pool.map(provide, tenants))
        everything = [marked(tenant) for tenant in tenants]
        for tenant in tenants:
            assert_as_asked(tenant, stacks, CHAIN)  # by the lists of its own project only
        assert len(set.union(*everything)) == sum(map(len, everything))
        owners = {tenant.key.uid for tenant in tenants} | {tenant.unit.uid for tenant in tenants}
        assert {context.owner for context, _ in journal.intents} == owners
        list(pool.map(lambda tenant: carry_out(stacks, tenant, Work(2, CHAIN, None)), tenants))
    for tenant in tenants:
        assert_nothing_left(tenant)
