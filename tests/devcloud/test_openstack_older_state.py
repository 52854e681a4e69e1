"""The state of a development cloud that had fewer services: it is told, can be looked at and forgotten, and is never started half."""

import json
from pathlib import Path

import pytest

from devcloud.failures import DevCloudError
from devcloud.openstack.cloud import OpenStack
from devcloud.openstack.layout import PORT_NAMES, Layout
from devcloud.paths import write_atomically


def test_a_state_without_a_service_is_refused_and_can_be_reset(tmp_path: Path) -> None:
    layout, said = Layout(tmp_path / "dev"), list[str]()
    layout.postgres.mkdir(parents=True)
    older = {name: 1 + number for number, name in enumerate(PORT_NAMES) if name != "barbican"}
    write_atomically(layout.ports_file, json.dumps(older))
    cloud = OpenStack(layout.directory, tmp_path / "cache", said.append)
    assert {service.state for service in cloud.status()} == {"stopped"}
    with pytest.raises(DevCloudError, match="a cloud without barbican; `make reset` forgets it"):
        cloud.up()
    cloud.reset()
    assert not layout.home.exists()
