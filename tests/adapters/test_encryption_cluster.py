"""Volumes of a type that encrypts, on the real Cinder and Barbican: each has a key of its own, its bytes are what dm-crypt would write,
and a copy of it in another project has a copy of the key there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
from adapters.stack_tenants import ENOUGH, JURISDICTION, OFFERINGS, Tenant, clouds_file, new_tenant
from contracts.backup_worlds import OnOpenStack
from contracts.test_backups import EMPTY_GIB, STATES, lived, part_of

from devcloud.openstack.bootstrap import image_content
from devcloud.openstack.drivers import xts
from devcloud.patience import PATIENCE
from stacks.diff import allowed_operations, diff
from stacks.program import Program
from stacks.protection import unencrypted

pytestmark = pytest.mark.cluster

KEY_IDS = "3.64"
"""The microversion of Cinder that shows them."""
GIB = 1 << 30


class Encrypted(OnOpenStack):
    """A unit whose volume encrypts."""

    def _volume(self) -> str:
        cinder, image = self._unit.block_storage, self._unit.image.find_image("cirros")
        volume = cinder.create_volume(size=1, name="contract", image_id=image.id, volume_type="encrypted")
        cinder.wait_for_status(volume, "available", interval=0.2, wait=PATIENCE)
        self._undo.append(lambda: cinder.delete_volume(volume))
        return str(volume.id)


@pytest.fixture
def world() -> Iterator[Encrypted]:
    real = Encrypted(Path(clouds_file()))
    yield real
    real.clean_up()


@pytest.fixture
def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    with new_tenant(tmp_path) as made:
        yield made


def key_id_of(cloud: Any, plural: str, identity: str) -> str:
    shown = cloud.block_storage.get(f"/{plural}/{identity}", microversion=KEY_IDS).json()
    return str(shown[plural.removesuffix("s")]["encryption_key_id"])


def key(cloud: Any, identity: str) -> bytes:
    answer = secret(cloud, f"{identity}/payload", "application/octet-stream")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def secret(cloud: Any, path: str, kind: str = "application/json") -> Any:
    url = f"{cloud.endpoint_for('key-manager')}/v1/secrets/{path}"
    return cloud.session.get(url, headers={"Accept": kind}, raise_exc=False)


def test_the_backup_of_an_encrypted_volume_carries_its_key(world: Encrypted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    backups, admin = openstack.connect(cloud="govcloud-backups"), openstack.connect(cloud="admin")
    part = part_of(world, "Volume")
    statuses = lived(world, world.backup(part), part.name)
    assert [status.state for status in statuses] == STATES

    own, copied = key_id_of(admin, "volumes", part.source_id), key_id_of(backups, "backups", str(statuses[-1].backup_id))
    assert own != copied, "the volume's key goes with the volume"
    assert key(backups, own) == key(backups, copied)
    written = xts.encrypted(image_content(), key(backups, copied), 0)
    assert statuses[-1].source_sha256 == _digest_of_a_gib(written) != EMPTY_GIB
    assert (world.helpers(), world.kept()) == ([], 1)


def _digest_of_a_gib(written: bytes) -> str:
    digest = hashlib.sha256(written)
    digest.update(bytes(GIB - len(written)))
    return digest.hexdigest()


def test_a_request_of_protection_level_three_is_on_encrypted_volumes(tenant: Tenant) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "lan": {"network": {"cidr": "10.20.0.0/24"}},
        "web": {
            "virtualMachine": {
                "offering": "small", "image": "cirros", "bootVolumeGib": 1, "bootVolumeOffering": "safe", "network": "lan",
            }
        },
        "data": {"blockStorage": {"sizeGib": 1, "offering": "safe", "attachTo": {"service": "web"}}},
    }  # fmt: skip
    program = tenant.program(wanted, protection_level=3)
    assert list(unencrypted(program, Program(), {offering.name: offering for offering in OFFERINGS})) == []
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        made = stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(None, program)))
        volumes = [
            tenant.admin.block_storage.get_volume(made.resources[name][1]) for name in ("web-0-boot", "data")
        ]
        assert [(volume.is_encrypted, volume.status) for volume in volumes] == [(True, "in-use")] * 2
        keys = [key_id_of(tenant.admin, "volumes", volume.id) for volume in volumes]
        assert len(set(keys)) == 2
        assert stacks.up(tenant.key, tenant.unit, 1, program, frozenset()).operations == {"same": len(program.resources)}

        larger = tenant.program({**wanted, "data": _grown(wanted["data"])}, protection_level=3)
        again = stacks.up(tenant.key, tenant.unit, 2, larger, allowed_operations(diff(program, larger)))
        assert again.operations["update"] == 1
        assert key_id_of(tenant.admin, "volumes", volumes[1].id) == keys[1]

        stacks.destroy(tenant.key, tenant.unit, 3)
        assert not tenant.found()
        gone = [secret(tenant.admin, identity).status_code for identity in keys]
        assert gone == [404, 404], "a volume's key is deleted with it"


def _grown(service: dict[str, Any]) -> dict[str, Any]:
    return {"blockStorage": {**service["blockStorage"], "sizeGib": 2}}
