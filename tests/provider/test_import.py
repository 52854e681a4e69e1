"""Taking something that exists under the engine's care, with the real engine and a little cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pulumi
import pulumi_openstack as openstack
import pytest
from provider.engine_kit import Engine
from provider.twin import Twin, twin

pytestmark = pytest.mark.cluster
THERE = {"id": "v1", "name": "data", "size": 5, "status": "available", "metadata": {"a": "b"}, "volume_type": "fast"}


@pytest.fixture
def cloud() -> Iterator[Twin]:
    with twin() as cloud:
        cloud.things["volumes"]["v1"] = dict(THERE)
        yield cloud


@pytest.fixture
def engine(cloud: Twin, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path, {"unit": cloud.login()})
    yield engine
    engine.close()


def volume(size: int = 5, *, importing: bool = True, made_from: str | None = None) -> Callable[[], None]:
    def program() -> None:
        on = pulumi.ResourceOptions(
            provider=openstack.Provider("unit", cloud="unit"), import_="v1" if importing else None
        )
        openstack.blockstorage.Volume(
            "data", name="data", size=size, metadata={"a": "b"}, volume_type="fast", image_id=made_from, opts=on
        )

    return program


@pytest.mark.parametrize("made_from", [None, "image-1"], ids=["all shown", "made from an image, which no answer shows"])
def test_what_exists_is_imported_and_nothing_is_done_to_it(engine: Engine, cloud: Twin, made_from: str | None) -> None:
    assert engine.up(volume(made_from=made_from)).get("import") == 1
    assert set(engine.up(volume(importing=False, made_from=made_from))) <= {"same", "update"}
    assert set(engine.up(volume(importing=False, made_from=made_from))) == {"same"}
    assert cloud.writes() == []
    assert cloud.things["volumes"]["v1"] == THERE


def test_an_imported_volume_is_changed_in_place_like_any_other(engine: Engine, cloud: Twin) -> None:
    engine.up(volume())
    assert engine.up(volume(6, importing=False))["update"] == 1
    assert cloud.writes() == ["POST /cinder/v3/volumes/v1/action"]


def test_what_does_not_exist_cannot_be_imported(engine: Engine, cloud: Twin) -> None:
    cloud.things["volumes"].clear()
    with pytest.raises(Exception, match="does not exist"):
        engine.up(volume())
