"""Who may pause the controller, and in whose name."""

from __future__ import annotations

from typing import Any

import pytest
from admission.people import Manifest, People, Person

pytestmark = pytest.mark.cluster


def pause(by: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "govcloud.dev/v1alpha1",
        "kind": "Pause",
        "metadata": {"name": "tried-only"},
        "spec": {"by": by, "reason": "the storage cluster rebalances", **spec},
    }


@pytest.fixture(scope="module")
def operations(people: People) -> Person:
    return people("operations")


def test_operations_pause_in_their_own_name_only(operations: Person) -> None:
    refused = operations.tries().create(pause("somebody-else"))
    assert refused.refused_because("spec.by must be who orders the pause: operations", "本人名义")
    answer = operations.tries().create(pause("operations", request={"namespace": "a", "name": "b"}))
    assert answer.accepted, answer.said


@pytest.mark.parametrize("persona", ["applicant", "authority", "platform-engineer", "provider", "approval-system", "auditor"])
def test_nobody_else_pauses_or_resumes(people: People, persona: str) -> None:
    person = people(persona)
    assert not person.may("create", "pauses.govcloud.dev")
    assert not person.may("delete", "pauses.govcloud.dev")


def test_the_controller_reads_pauses_and_does_not_write_them(people: People) -> None:
    controller = people("controller")
    assert controller.may("list", "pauses.govcloud.dev")
    assert not controller.may("create", "pauses.govcloud.dev") and not controller.may("delete", "pauses.govcloud.dev")


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"reason": ""}, ["spec.reason"]), ({"request": {"name": "b"}}, ["spec.request.namespace"])],
)
def test_an_order_that_says_too_little(operations: Person, spec: dict[str, Any], words: list[str]) -> None:
    assert operations.tries().create(pause("operations", **spec)).refused_because(*words)
