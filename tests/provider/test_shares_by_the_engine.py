"""A share and who may mount it, by the real engine against the twin: there is no Manila on the development cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
import pulumi_openstack as openstack
import pytest
from provider.engine_kit import CLOUD, Engine
from provider.engine_looks import nothing_to_do
from provider.twin import Twin, twin

pytestmark = [pytest.mark.cluster, pytest.mark.soak]


@dataclass(frozen=True)
class Shared:
    """A share on a network of its own."""

    size: int = 5
    stage: str = "trial"
    access: tuple[tuple[str, str], ...] = (("10.20.0.0/25", "rw"),)

    def __call__(self) -> None:
        """Declare the resources."""
        on = pulumi.ResourceOptions(provider=openstack.Provider("unit", cloud=CLOUD))
        network = openstack.sharedfilesystem.ShareNetwork("lies-on", name="lies-on", neutron_net_id="n", neutron_subnet_id="s", opts=on)
        share = openstack.sharedfilesystem.Share(
            "shared", name="shared", share_proto="NFS", size=self.size, share_type="nfs", share_network_id=network.id,
            metadata={"govcloud_stage": self.stage}, opts=on,
        )  # fmt: skip
        for addresses, level in self.access:
            name = f"access-{addresses.replace('.', '-').replace('/', '-')}"
            openstack.sharedfilesystem.ShareAccess(
                name, share_id=share.id, access_type="ip", access_to=addresses, access_level=level, opts=on
            )
        pulumi.export("export", share.export_locations[0].path)


@pytest.fixture
def cloud() -> Iterator[Twin]:
    with twin() as cloud:
        yield cloud


@pytest.fixture
def engine(cloud: Twin, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path, {"unit": cloud.login()})
    try:
        yield engine
    finally:
        engine.destroy()
        engine.close()
    assert {kind for kind, things in cloud.things.items() if things} == set(), "something is left behind"


def test_it_goes_from_a_to_b_and_back_and_every_second_run_is_empty(engine: Engine, cloud: Twin) -> None:
    first = Shared()
    assert engine.up(first)["create"] == 5
    assert nothing_to_do(engine, first)
    assert set(engine.refresh(first)) == {"same"}
    assert nothing_to_do(engine, first)
    (share,) = cloud.things["shares"]
    assert engine.outputs()["export"] == f"10.20.0.9:/shares/{share}"

    promoted = replace(first, stage="production")
    assert engine.up(promoted)["update"] == 1
    assert nothing_to_do(engine, promoted)

    grown = replace(promoted, size=9, access=(("10.20.0.0/25", "ro"), ("10.20.0.200/32", "rw")))
    assert engine.up(grown) == {"update": 1, "replace": 1, "create": 1, "same": 3}
    assert nothing_to_do(engine, grown)
    assert {rule["access_to"]: rule["access_level"] for rule in cloud.things["share-access-rules"].values()} == {
        "10.20.0.0/25": "ro",
        "10.20.0.200/32": "rw",
    }

    back = replace(grown, access=first.access)
    engine.up(back)
    assert nothing_to_do(engine, back)
    assert list(cloud.things["shares"]) == [share]
