"""Putting back what somebody deleted and changed by hand, on the real engine and the real OpenStack. Needs a development cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adapters.stack_tenants import ENOUGH, JURISDICTION, Tenant, clouds_file, new_tenant
from provider.provider_kit import MemoryJournal

from devcloud.patience import PATIENCE
from govcloud.adapters.pulumi_stacks import PulumiStacks
from govcloud.api.progress import Drift
from govcloud.core.repairs import as_found
from govcloud.failures import Stop
from stacks.diff import allowed_operations, diff

pytestmark = pytest.mark.cluster

SERVICES: dict[str, dict[str, Any]] = {
    "lan": {"network": {"cidr": "10.20.0.0/24"}},
    "web": {"virtualMachine": {"count": 2, "offering": "small", "image": "cirros", "bootVolumeGib": 1}},
    "data": {"blockStorage": {"sizeGib": 1, "offering": "disk", "attachTo": {"service": "web", "index": 0}}},
}


def test_what_is_gone_is_made_anew_on_its_data_and_what_was_changed_is_changed_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    journal = MemoryJournal()
    with new_tenant(tmp_path) as tenant, tenant.stacks(journal) as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        program = tenant.program(SERVICES)
        made = stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(None, program))).resources
        drift = _by_hand(tenant, stacks, made)
        names = frozenset(drift)
        allowed = allowed_operations(diff(as_found(program, tuple(drift.values())), program))
        assert allowed == {("web-0", "create"), ("data-attachment", "create"), ("lan", "update")}

        with pytest.raises(Stop, match=r"does not allow"):
            stacks.up(tenant.key, tenant.unit, 1, program, frozenset(), names)
        assert tenant.admin.network.get_network(made["lan"][1]).name == "mine"
        done = stacks.up(tenant.key, tenant.unit, 2, program, allowed, names)

        assert {name for name in made if done.resources[name] != made[name]} <= {"web-0", "data-attachment"}
        server = tenant.admin.compute.get_server(done.resources["web-0"][1])
        assert server.id != made["web-0"][1]
        assert {volume.id for volume in server.attached_volumes} == {made["web-0-boot"][1], made["data"][1]}
        assert tenant.admin.network.get_network(made["lan"][1]).name != "mine"
        written = len(journal.intents)
        assert stacks.up(tenant.key, tenant.unit, 2, program, allowed, names).resources == done.resources
        assert stacks.up(tenant.key, tenant.unit, 2, program, allowed).operations == {"same": len(program.resources)}
        assert len(journal.intents) == written
        assert _drift(tenant, stacks) == {}


def _by_hand(tenant: Tenant, stacks: PulumiStacks, made: Any) -> dict[str, Drift]:
    """Somebody deletes a machine and renames a network; what the next look finds."""
    server = tenant.admin.compute.get_server(made["web-0"][1])
    tenant.admin.compute.delete_server(server)
    tenant.admin.compute.wait_for_delete(server, wait=PATIENCE)
    tenant.admin.network.update_network(made["lan"][1], name="mine")
    found = _drift(tenant, stacks)
    assert {name: each.fields for name, each in found.items()} == {"web-0": (), "data-attachment": (), "lan": ("name",)}
    return found


def _drift(tenant: Tenant, stacks: PulumiStacks) -> dict[str, Drift]:
    stacks.look_for_drift(tenant.unit, [tenant.key])
    return {each.resource: each for each in stacks.drift(tenant.key) or ()}
