"""The richest services of a request on the real engine and the real OpenStack: what was asked for is what the services hold.

Needs a development cloud (`make up`); `GOVCLOUD_DEV_DIR` says where it is.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from adapters.stack_tenants import ENOUGH, JURISDICTION, Tenant
from adapters.test_pulumi_cluster import tenant
from keystoneauth1 import exceptions as ksa
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from stacks_kit import PUBLIC_KEY, USER_DATA

from stacks.cloud_init import parse
from stacks.diff import allowed_operations, diff
from stacks.kind import Quota
from stacks.program import Program
from stacks.request import credentials_in
from stacks.transform import with_power, with_removal

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
    "securityRules": [{"protocol": "icmp", "remotePrefix": addresses} for addresses in ("10.0.0.0/8", "2001:db8::/32")],
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

        # 2. A second run does nothing, and nothing differs from what was asked for.
        assert stacks.up(tenant.key, tenant.unit, 1, program, frozenset()).operations == {
            "same": len(program.resources)
        }
        stacks.look_for_drift(tenant.unit, [tenant.key])
        assert stacks.drift(tenant.key) == ()

        # 3. Another key changes the key pair and no machine; what grows or changes its type does so in place, while it is used.
        other = {
            **MACHINE,
            "sshPublicKey": f"{PUBLIC_KEY} other",
            "bootVolumeOffering": "fast",
            "extraVolumes": [{"name": "logs", "sizeGib": 2, "offering": "fast"}],
        }
        changed = tenant.program({**wanted, "web": {"virtualMachine": other}})
        again = stacks.up(tenant.key, tenant.unit, 2, changed, allowed_operations(diff(program, changed)))
        assert (again.operations["create"], again.operations["delete"], again.operations["update"]) == (1, 1, 2)
        for kept in ("web-0", "web-0-boot", "web-0-volume-logs"):
            assert again.resources[kept] == made.resources[kept]
        retyped = [
            tenant.admin.block_storage.get_volume(made.resources[name][1]) for name in ("web-0-boot", "web-0-volume-logs")
        ]
        assert [(volume.volume_type, volume.size, volume.status) for volume in retyped] == [
            ("fast", 1, "in-use"),
            ("fast", 2, "in-use"),
        ]
        assert stacks.up(tenant.key, tenant.unit, 2, changed, frozenset()).operations == {
            "same": len(changed.resources)
        }

        # 4. Nothing is left of it, the key pair included.
        stacks.destroy(tenant.key, tenant.unit, 3)
        assert not tenant.found()
        user = tenant.admin.identity.find_user(f"govcloud-{tenant.unit.name}", ignore_missing=False)
        assert list(tenant.admin.compute.keypairs(user_id=user.id)) == []


CONTAINERS: dict[str, dict[str, Any]] = {
    "files": {"objectStorage": {"quotaGib": 1, "versioning": True}},
    "other": {"objectStorage": {"quotaGib": 1}},
}


def client_of(credentials: Mapping[str, str], service: str) -> Adapter:
    """A client that has nothing but what the Secret holds of a service."""
    given = {key.partition(".")[2]: value for key, value in credentials.items() if key.startswith(f"{service}.")}
    auth = Password(
        given["auth_url"], **{key: given[key] for key in ("username", "password", "user_domain_id", "project_id")}
    )
    return Adapter(Session(auth), endpoint_override=given["storage_url"])


def status_of(request: Callable[..., Any], path: str, **options: Any) -> int:
    try:
        return int(request(path, **options).status_code)
    except ksa.HttpError as error:
        return int(error.http_status)


def past_this_second() -> None:
    """Keystone writes down when it shut a user out in whole seconds, and a login in whole seconds as well: one within the same
    second counts as older and is refused (keystone.revoke.backends.sql: `issued_before >= issued_at`).
    """
    time.sleep(1 - time.time() % 1)


def test_a_containers_user_reaches_that_container_and_nothing_else(tenant: Tenant) -> None:
    program = tenant.program(CONTAINERS)
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, Quota())
        made = stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(None, program)))
        assert stacks.up(tenant.key, tenant.unit, 1, program, frozenset()).operations == {
            "same": len(program.resources)
        }
        own, other = (f"/{made.resources[name][1]}" for name in ("files", "other"))
        client = client_of(credentials_in(made.outputs), "files")

        # 1. It reads and writes its own container, which keeps older versions.
        for content in (b"one", b"two"):
            assert status_of(client.put, f"{own}/report", data=content) == 201
        assert client.get(f"{own}/report").content == b"two"
        versions = client.get(own, params={"versions": "true", "format": "json"}).json()
        assert [entry["is_latest"] for entry in versions] == [True, False]

        # 2. It cannot reach another container of the unit, make one, change its own quota, or see anything of the unit.
        for request in (client.get, client.put, client.post, client.delete):
            assert status_of(request, other) == 403
        assert status_of(client.put, f"{other}/report", data=b"x") == 403
        assert status_of(client.put, "/mine") == 403
        assert status_of(client.get, "") == 403
        assert status_of(client.post, own, headers={"X-Container-Meta-Quota-Bytes": "0"}) == 403
        assert client.session.get_project_id() != tenant.project

        # 3. Suspended, it cannot even log in; resumed, it can.
        suspended = with_power(program, False)
        stacks.up(tenant.key, tenant.unit, 1, suspended, allowed_operations(diff(program, suspended)))
        with pytest.raises(ksa.Unauthorized):
            client_of(credentials_in(made.outputs), "files").session.get_token()
        past_this_second()
        stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(suspended, program)))
        assert status_of(client_of(credentials_in(made.outputs), "files").get, f"{own}/report") == 200

        # 4. At the end objects go in all their versions, and the user goes.
        ending = with_removal(program)
        stacks.up(tenant.key, tenant.unit, 2, ending, allowed_operations(diff(program, ending)))
        stacks.destroy(tenant.key, tenant.unit, 2)
        assert not [user.name for user in tenant.admin.identity.users() if tenant.key.uid in user.name]


def test_an_input_that_only_a_later_plan_gave_is_passed_by_where_it_is_ignored(tenant: Tenant) -> None:
    """As when a request is stopped whose change stands still half way: what is there is as the older plan says, or as the newer one does."""
    lan = {"cidr": "10.20.0.0/24"}
    older, newer = (tenant.program({"lan": {"network": {**lan, **more}}}) for more in ({}, {"dnsServers": ["223.5.5.5"]}))
    everything = {resource.name: tuple(resource.inputs) for resource in newer.resources}
    passing_by = Program(tuple(replace(resource, ignore_changes=everything[resource.name]) for resource in older.resources))
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        stacks.up(tenant.key, tenant.unit, 1, older, allowed_operations(diff(None, older)))
        made = stacks.up(tenant.key, tenant.unit, 2, newer, allowed_operations(diff(older, newer)))
        assert stacks.up(tenant.key, tenant.unit, 3, passing_by, frozenset()).operations == {"same": len(older.resources)}
        assert tenant.admin.network.get_subnet(made.resources["lan-subnet"][1]).dns_nameservers == ["223.5.5.5"]
