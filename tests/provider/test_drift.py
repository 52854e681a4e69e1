"""What differs between a state and the cloud is found by listing, and nothing is called gone because a list was short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from provider.provider_kit import Answer, FastClock, MemoryJournal
from provider.twin import Twin, refuse, twin

from stacks.provider.clouds import Clouds
from stacks.provider.drift import Kept
from stacks.provider.errors import ProviderError
from stacks.provider.finding import Finder

VOLUME = "openstack:blockstorage/volume:Volume"
NETWORK = "openstack:networking/network:Network"


@pytest.fixture
def cloud() -> Iterator[Twin]:
    with twin() as made:
        yield made


def finder() -> Finder:
    return Finder(Clouds(MemoryJournal(), FastClock()), FastClock())


def volume(cloud: Twin, number: int, **changes: Any) -> Kept:
    """A volume that is there, as a state remembers it."""
    inputs = {"name": f"data-{number}", "size": 1, "metadata": {"govcloud_stage": "trial"}}
    identity = f"v{number}"
    marked = {**inputs["metadata"], "govcloud_op": "key"}  # type: ignore[dict-item]
    cloud.things["volumes"][identity] = {**inputs, "metadata": marked, "id": identity, "status": "available", **changes}
    return Kept(f"data-{number}", VOLUME, identity, "unit", inputs, {**inputs, "id": identity})


def network(cloud: Twin, **changes: Any) -> Kept:
    inputs = {"name": "lan", "tags": ["govcloud_stage=trial"]}
    cloud.things["networks"]["n1"] = {"metadata": {}, **inputs, "id": "n1", "status": "ACTIVE", **changes}
    return Kept("lan", NETWORK, "n1", "unit", inputs, {**inputs, "id": "n1"})


def reads(cloud: Twin) -> list[str]:
    return [seen.path.partition("?")[0].rpartition("/v3")[2] for seen in cloud.seen if "cinder" in seen.path and seen.method == "GET"]


def test_many_of_a_kind_cost_one_list(cloud: Twin) -> None:
    kept = [volume(cloud, number) for number in range(20)]
    assert finder().survey(lambda _: cloud.login()).drifts([*kept, network(cloud)]) == ()
    assert reads(cloud) == ["/volumes/detail"]
    assert cloud.writes() == []


def test_what_has_another_value_is_named_with_it(cloud: Twin) -> None:
    kept = [volume(cloud, 1), volume(cloud, 2, size=5, name="mine"), network(cloud, name="other")]
    found = finder().survey(lambda _: cloud.login()).drifts(kept)
    assert [(each.name, sorted(each.fields)) for each in found] == [("data-2", ["name", "size"]), ("lan", ["name"])]


def test_what_no_list_holds_is_asked_for_before_it_is_called_gone(cloud: Twin) -> None:
    kept = [volume(cloud, 1), volume(cloud, 2)]
    del cloud.things["volumes"]["v2"]
    cloud.faults.append(lambda request: Answer(200, {"volumes": []}) if "/volumes/detail" in request.path else None)
    (gone,) = finder().survey(lambda _: cloud.login()).drifts(kept)
    assert (gone.name, gone.id, gone.fields) == ("data-2", "v2", ())


@pytest.mark.parametrize("path", ["/volumes/detail", "/volumes/v1"])
def test_a_service_that_fails_says_nothing(cloud: Twin, path: str) -> None:
    kept = [volume(cloud, 1)]
    if path != "/volumes/detail":
        cloud.faults.append(lambda request: Answer(200, {"volumes": []}) if "/volumes/detail" in request.path else None)
    cloud.faults.append(refuse("GET", path, 500))
    with pytest.raises(ProviderError):
        finder().survey(lambda _: cloud.login()).drifts(kept)


def test_each_survey_looks_anew(cloud: Twin) -> None:
    looking, kept = finder(), volume(cloud, 1)
    assert looking.survey(lambda _: cloud.login()).drifts([kept]) == ()
    del cloud.things["volumes"]["v1"]
    assert [each.name for each in looking.survey(lambda _: cloud.login()).drifts([kept])] == ["data-1"]
