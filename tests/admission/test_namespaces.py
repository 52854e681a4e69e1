"""A namespace belongs to a unit by a protected label, and does not go while something lives in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from admission.people import UID, People, Person, Town, approval, granting, namespace, plan, request
from waiting import until

from govcloud.api.common import FINALIZER

pytestmark = pytest.mark.cluster

LIVE = "govcloud.dev/live-requests"
UNIT = "govcloud.dev/unit"


def labels(**values: str | None) -> dict[str, dict[str, dict[str, str | None]]]:
    return {"metadata": {"labels": {f"govcloud.dev/{key.replace('_', '-')}": value for key, value in values.items()}}}


@pytest.fixture
def lived_in(people: People, controller: Person, town: Town) -> Iterator[str]:
    """The town's namespace while the controller says that something lives in it. Something does: the controller that runs puts wrong marks right."""
    living = f"living-{secrets.token_hex(3)}"
    assert people("applicant").create(request(town, living)).accepted
    held = controller.patch(f"csreq/{living}", town.namespace, {"metadata": {"finalizers": [FINALIZER]}})
    assert held.accepted, held.said
    marked = controller.patch(f"namespace/{town.namespace}", None, labels(live_requests="true"))
    assert marked.accepted, marked.said
    yield f"namespace/{town.namespace}"
    controller.patch(f"csreq/{living}", town.namespace, {"metadata": {"finalizers": None}})
    controller.patch(f"namespace/{town.namespace}", None, labels(live_requests=None))


def test_a_platform_engineer_gives_a_namespace_to_a_unit(people: People) -> None:
    answer = people("platform-engineer").tries().create(namespace("any-name", unit="any-unit"))
    assert answer.accepted, answer.said


def test_who_may_only_make_namespaces_cannot_give_them_away(people: People, administrator: Person, town: Town) -> None:
    """Whoever could would make requests of a unit that is not his own."""
    role_name = f"maker-{town.unit}"
    administrator.create(_cluster_wide(role_name, "unit-consent"), *_maker(role_name))
    try:
        people("unit-consent").is_granted("patch", "namespaces")
        maker = people("unit-consent").tries()
        assert maker.create(namespace("any-name")).accepted
        assert maker.create(namespace("any-name", unit=town.unit)).refused_because(
            "may not give a namespace", "平台工程师"
        )
        stolen = maker.patch(f"namespace/{town.namespace}", None, labels(unit=None))
        assert stolen.refused_because("may not take a namespace", town.unit)
    finally:
        administrator.delete(f"clusterrole/{role_name}")
        administrator.delete(f"clusterrolebinding/{role_name}")


def test_a_namespace_with_live_requests_stays_with_its_unit(people: People, lived_in: str) -> None:
    answer = people("platform-engineer").tries().patch(lived_in, None, labels(unit="another-unit"))
    assert answer.refused_because("has live requests and stays with its using unit")


def test_nobody_deletes_a_namespace_with_live_requests(people: People, administrator: Person, lived_in: str) -> None:
    for person in (administrator, people("platform-engineer")):
        assert person.delete(lived_in).refused_because("has live requests; terminate them first", "JJ 19", "请先终止")


@pytest.mark.parametrize("change", [labels(live_requests="true"), labels(live_requests="false")])
def test_only_the_controller_says_whether_something_lives_there(
    people: People, town: Town, change: dict[str, object]
) -> None:
    answer = people("platform-engineer").tries().patch(f"namespace/{town.namespace}", None, change)
    assert answer.refused_because(LIVE, "by the controller only")


def test_the_mark_cannot_be_taken_off_by_the_back_door(administrator: Person, people: People, lived_in: str) -> None:
    """The subresources of a namespace can carry labels along."""
    document = administrator.get(lived_in)
    del document["metadata"]["labels"][LIVE]
    finalize = administrator.put(f"/api/v1/namespaces/{document['metadata']['name']}/finalize", document)
    assert finalize.refused_because(LIVE, "by the controller only")
    status = administrator.tries().patch(lived_in, None, labels(live_requests=None), "--subresource=status")
    assert status.refused_because(LIVE, "by the controller only")
    assert LIVE in administrator.get(lived_in)["metadata"]["labels"]


def test_a_units_empty_namespace_still_holds_records(people: People, administrator: Person, town: Town) -> None:
    refused = people("platform-engineer").tries().delete(f"namespace/{town.elsewhere}")
    assert refused.refused_because("which are records", "govcloud-retention", "记录须保存")
    retention = administrator.tries().delete(f"namespace/{town.elsewhere}")
    assert retention.accepted, retention.said


def test_retention_empties_a_namespace_to_the_last_record(
    people: People, administrator: Person, controller: Person, town: Town
) -> None:
    """Decisions, plans and an ended request stand in nobody's way once the namespace itself may go."""
    where = replace(town, namespace=f"ending-{town.unit}")
    given = people("platform-engineer").create(namespace(where.namespace, unit=town.unit))
    assert given.accepted, given.said
    grants = [granting(f"govcloud-{role}", user, where.namespace) for role, user in GRANTS]
    assert people("platform-engineer").create(*grants).accepted
    people("applicant").is_granted("create", "csreq", where.namespace)
    assert people("applicant").create(request(where, "ended")).accepted
    until(lambda: people("authority").create(approval(where, "authority")).accepted, "a decision")
    assert controller.create(plan(where, "ended-1", {"govcloud.dev/plan": UID})).accepted
    assert administrator.delete(f"namespace/{where.namespace}").accepted
    until(lambda: administrator.kubectl.try_to("get", "namespace", where.namespace).returncode != 0, "the end of the namespace")


def test_other_namespaces_are_not_our_business(people: People, town: Town) -> None:
    answer = people("platform-engineer").tries().delete(f"namespace/{town.nowhere}")
    assert answer.accepted, answer.said


GRANTS = [("applicant", "applicant"), ("official", "authority"), ("approve-authority", "authority")]


def _cluster_wide(role: str, user: str) -> dict[str, object]:
    binding = granting(role, user, "default", name=role)
    binding["kind"] = "ClusterRoleBinding"
    del binding["metadata"]["namespace"]
    return binding


def _maker(role_name: str) -> list[dict[str, object]]:
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "create", "update", "patch"]}]
    metadata = {"name": role_name}
    return [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}]
