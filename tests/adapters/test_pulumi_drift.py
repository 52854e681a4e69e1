"""What a look found is known until the stack runs again, and never from before or beside a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from govcloud.adapters.pulumi_drift import DriftLooks
from stacks.engine.failures import RunFailed
from stacks.engine.state import Remembered, State
from stacks.provider.drift import Drift, Kept
from stacks.provider.errors import Code, ProviderError

STATE = State((Remembered("urn:pulumi:s::p::t::web-0", "t", "s1", {"a": 1}, {}, "unit", False),), {}, (), None, {})
DOOMED = State((Remembered("urn:pulumi:s::p::t::web-0", "t", "s1", {}, {}, "unit", True),), {}, (), None, {})


class Surveyed:
    """Finds everything gone, after something happened meanwhile."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.meanwhile = meanwhile

    def drifts(self, kept: Iterable[Kept]) -> tuple[Drift, ...]:
        self.meanwhile()
        return tuple(Drift(each.name, each.type, each.id) for each in kept)


def look(looks: DriftLooks, survey: Surveyed, state: State | None = STATE) -> None:
    looks.look(["u1"], lambda _: state, survey)  # type: ignore[arg-type]


def names(looks: DriftLooks) -> list[str] | None:
    found = looks.found("u1")
    return None if found is None else [each.resource for each in found]


def test_it_is_known_what_a_look_found() -> None:
    looks = DriftLooks()
    assert names(looks) is None
    look(looks, Surveyed())
    assert names(looks) == ["web-0"]


def test_what_waits_for_its_deletion_is_not_missed() -> None:
    looks = DriftLooks()
    look(looks, Surveyed(), DOOMED)
    assert names(looks) == []


def test_of_a_stack_that_is_not_there_or_runs_nothing_is_said() -> None:
    looks = DriftLooks()
    look(looks, Surveyed(), None)
    assert names(looks) is None


def test_a_run_makes_it_forgotten() -> None:
    looks = DriftLooks()
    look(looks, Surveyed())
    with looks.suspended("u1"):
        assert names(looks) is None
    assert names(looks) is None


def test_a_look_beside_a_run_finds_nothing() -> None:
    looks = DriftLooks()

    def a_whole_run() -> None:
        with looks.suspended("u1"):
            pass

    look(looks, Surveyed(a_whole_run))
    assert names(looks) is None
    with looks.suspended("u1"):
        look(looks, Surveyed())
    assert names(looks) is None


def test_a_cloud_that_cannot_tell_leaves_what_was_found() -> None:
    looks = DriftLooks()
    look(looks, Surveyed())

    def silent() -> None:
        raise ProviderError(Code.UNREACHABLE, "no answer")

    with pytest.raises(RunFailed, match="no answer"):
        look(looks, Surveyed(silent))
    assert names(looks) == ["web-0"]
