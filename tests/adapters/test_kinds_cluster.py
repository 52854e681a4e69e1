"""The richest services of a request on the real engine and the real OpenStack: what was asked for is what the services hold.

Needs a development cloud (`make up`); `GOVCLOUD_DEV_DIR` says where it is.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from adapters.test_pulumi_cluster import ENOUGH, JURISDICTION, Tenant, tenant
from stacks_kit import PUBLIC_KEY, USER_DATA

from stacks.cloud_init import parse
from stacks.diff import allowed_operations, diff
from stacks.kind import Quota

pytestmark = pytest.mark.cluster
__all__ = ["tenant"]

MACHINE = {
    "offering": "small",
    "image": "cirros",
    "bootVolumeGib": 1,
    "bootVolumeOffering": "disk",
    "extraVolumes": [{"name": "logs", "sizeGib": 1, "offering": "disk"}],
    "sshPublicKey": PUBLIC_KEY,
    "userData": USER_DATA,
    "antiAffinity": True,
}


def test_what_was_asked_for_is_what_there_is(tenant: Tenant) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "lan": {"network": {"cidr": "10.20.0.0/24"}},
        "web": {"virtualMachine": MACHINE},
    }
    program = tenant.program(wanted)
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH + Quota(key_pairs=2))
        made = stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(None, program)))
        assert made.operations == {"create": len(program.resources)}

        # 1. The machine has the key pair, the user data and the volumes that were asked for.
        server = tenant.admin.compute.get_server(made.resources["web-0"][1])
        assert server.key_name.startswith("web-key-")
        assert parse(base64.b64decode(server.user_data).decode())["hostname"] == "portal"
        volumes = {
            volume.name: volume
            for volume in tenant.admin.block_storage.volumes(all_projects=True, project_id=tenant.project)
        }
        assert {volume.volume_type for volume in volumes.values()} == {"standard"}
        attached = {each["id"] for each in server.attached_volumes}
        assert attached == {volumes["web-0-boot"].id, volumes["web-0-volume-logs"].id}

        # 2. A second run does nothing.
        assert stacks.up(tenant.key, tenant.unit, 1, program, frozenset()).operations == {
            "same": len(program.resources)
        }

        # 3. Another key changes the key pair and no machine; what grows, grows in place.
        other = {
            **MACHINE,
            "sshPublicKey": f"{PUBLIC_KEY} other",
            "extraVolumes": [{"name": "logs", "sizeGib": 2, "offering": "disk"}],
        }
        changed = tenant.program({**wanted, "web": {"virtualMachine": other}})
        again = stacks.up(tenant.key, tenant.unit, 2, changed, allowed_operations(diff(program, changed)))
        assert (again.operations["create"], again.operations["delete"], again.operations["update"]) == (1, 1, 1)
        assert again.resources["web-0"] == made.resources["web-0"]
        assert stacks.up(tenant.key, tenant.unit, 2, changed, frozenset()).operations == {
            "same": len(changed.resources)
        }

        # 4. Nothing is left of it, the key pair included.
        stacks.destroy(tenant.key, tenant.unit, 3)
        assert not tenant.found()
        user = tenant.admin.identity.find_user(f"govcloud-{tenant.unit.name}", ignore_missing=False)
        assert list(tenant.admin.compute.keypairs(user_id=user.id)) == []
