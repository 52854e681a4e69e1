"""Finding what the cloud offers: by its exact name, and an image also by what is in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from provider.provider_kit import MemoryJournal
from provider.twin import Twin, twin

from stacks.provider.clouds import Cloud, auth_of
from stacks.provider.errors import Code, ProviderError
from stacks.provider.invokes import get_image
from stacks.provider.session import JournaledSession

CONTENT = {"os_hash_algo": "sha512", "os_hash_value": "ab" * 64}


@pytest.fixture
def glance() -> Iterator[Twin]:
    with twin() as made:
        made.things["images"]["i1"] = {"id": "i1", "name": "kylin", "metadata": {}, **CONTENT}
        yield made


def cloud_of(glance: Twin) -> Cloud:
    return Cloud(glance.login(), JournaledSession(auth_of(glance.login()), MemoryJournal()))


def test_an_image_of_that_name_and_content_is_found(glance: Twin) -> None:
    found = get_image(cloud_of(glance), {"name": "kylin", "properties": CONTENT})
    assert found["id"] == "i1"
    assert found["properties"] == CONTENT


@pytest.mark.parametrize("there", [{**CONTENT, "os_hash_value": "cd" * 64}, {**CONTENT, "os_hash_algo": "md5"}, {}])
def test_an_image_of_another_content_is_none_and_both_checksums_are_told(glance: Twin, there: dict[str, str]) -> None:
    glance.things["images"]["i1"] = {"id": "i1", "name": "kylin", "metadata": {}, **there}
    with pytest.raises(ProviderError, match=r"there is no image named kylin with checksum .*; the one there has ") as error:
        get_image(cloud_of(glance), {"name": "kylin", "properties": CONTENT})
    assert error.value.code is Code.NOT_FOUND


def test_two_images_of_one_name_are_never_guessed_between(glance: Twin) -> None:
    glance.things["images"]["i2"] = {**glance.things["images"]["i1"], "id": "i2"}
    with pytest.raises(ProviderError, match="2 images are named kylin: i1, i2"):
        get_image(cloud_of(glance), {"name": "kylin"})


def test_a_property_that_is_not_implemented_is_named(glance: Twin) -> None:
    with pytest.raises(ProviderError, match="does not implement os_distro"):
        get_image(cloud_of(glance), {"name": "kylin", "properties": {"os_distro": "kylin"}})
