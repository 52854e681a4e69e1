"""A container goes with its objects, also where Swift's list is behind what was deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from provider.provider_kit import Answer, Seen
from provider.stage import Stage, staged, told

from stacks.provider.errors import Code

CONTAINER = "openstack:objectstorage/container:Container"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@dataclass
class Swift:
    """One container. What was deleted stays in its list for so many looks; `behind` None: for ever."""

    behind: int | None
    objects: list[str] = field(default_factory=lambda: ["a", "b"])
    there: bool = True

    def __call__(self, request: Seen) -> Answer | None:
        if not request.path.startswith("/swift/"):
            return None
        if request.method == "HEAD":
            return Answer(204 if self.there else 404)
        if request.method == "GET":
            return Answer(200, raw=json.dumps([{"name": name} for name in self._shown()]).encode())
        if request.path.count("/") == 3:
            self.there = False
        return Answer(204)

    def _shown(self) -> list[str]:
        if self.behind is None:
            return self.objects
        self.behind -= 1
        return self.objects if self.behind >= 0 else []


def test_objects_that_are_still_listed_are_not_deleted_again(stage: Stage) -> None:
    stage.run()
    stage.cloud.faults.append(Swift(behind=4))
    stage.engine().configure().delete("files", {"name": "files", "forceDestroy": True}, CONTAINER, "files")
    assert stage.cloud.writes() == [f"DELETE /swift/v1/files{below}" for below in ("/a", "/b", "")]
    assert len(stage.clock.slept) == 3


def test_a_list_that_never_tells_is_not_asked_for_ever(stage: Stage) -> None:
    stage.run()
    stage.cloud.faults.append(Swift(behind=None))
    with told(Code.TIMEOUT) as said:
        stage.engine().configure().delete("files", {"name": "files", "forceDestroy": True}, CONTAINER, "files")
    assert "the list of objectstorage Container files to tell that its objects are gone" in said[0]
    assert stage.cloud.writes() == [f"DELETE /swift/v1/files/{name}" for name in "ab"]
