"""Each change of who may approve is on record once, whatever restarts in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters.kube_server import Say, server_saying
from audit.logs import QuickFiles, Time, open_log

from govcloud.adapters.kube_rights import rights_granted
from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.log import AuditLog
from govcloud.audit.query import search
from govcloud.core.impersonation import Impersonation
from govcloud.core.rights import Right
from govcloud.rights_watch import RightsWatch

AUTHORITY = "ClusterRole govcloud-approve-authority"


def right(who: str, role: str = AUTHORITY) -> Right:
    return Right(who=f"User {who}", step="authority", namespace="health", binding=f"RoleBinding health/{who}", role=role)


class Town:
    """Who is granted what, and a watch that can be restarted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.granted: frozenset[Right | Impersonation] = frozenset({right("zhou")})
        self.log: AuditLog = open_log(directory / "audit", QuickFiles(), Time())
        self.start()

    def start(self) -> None:
        self.watch = RightsWatch(lambda: self.granted, self.log, self.directory / "approvers.json")

    def told(self) -> list[tuple[str, str]]:
        records = search(self.directory / "audit")
        return [(str(r.action), r.attributes["who"]) for r in records if r.reason.rule.startswith("ApprovalRight")]


def acting(who: str) -> Impersonation:
    return Impersonation(who=f"User {who}", official="User zhou", by_approval_system=False, binding="ClusterRoleBinding b", role="ClusterRole r")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.log.close()


def test_who_may_act_as_an_official_is_told_once_too(town: Town) -> None:
    town.granted |= {acting("mallory")}
    town.watch.look()
    town.start()
    town.watch.look()
    town.granted = frozenset({right("zhou")})
    town.watch.look()

    assert town.told() == [("allow", "User mallory"), ("allow", "User zhou"), ("revoke", "User mallory")]


def test_the_first_look_tells_of_all_and_the_next_of_changes_only(town: Town) -> None:
    town.watch.look()
    town.watch.look()
    assert town.told() == [("allow", "User zhou")]
    town.granted = frozenset({right("mallory", "Role helpful")})
    town.watch.look()

    assert town.told()[1:] == [("revoke", "User zhou"), ("allow", "User mallory")]
    assert (town.watch.count(as_set_up=True), town.watch.count(as_set_up=False)) == (0, 1)


def test_what_changed_while_nobody_looked_is_told_by_the_next_start(town: Town) -> None:
    town.watch.look()
    town.granted |= {right("mallory")}
    town.start()
    town.watch.look()

    assert town.told() == [("allow", "User zhou"), ("allow", "User mallory")]


@pytest.mark.parametrize("left", [None, "", "[{}]"])
def test_without_its_memory_all_of_it_is_told_anew(town: Town, left: str | None) -> None:
    town.watch.look()
    town.watch.file.unlink()
    if left is not None:
        town.watch.file.write_text(left)
    town.start()
    town.watch.look()

    assert town.told() == [("allow", "User zhou")] * 2


def test_what_cannot_be_recorded_is_not_forgotten(town: Town) -> None:
    town.log.distrust("a test")
    with pytest.raises(AuditUnavailable):
        town.watch.look()
    assert not town.watch.file.exists()
    assert town.watch.known is None


def test_it_is_read_from_roles_and_bindings_of_both_kinds() -> None:
    steps = {"verbs": ["approve"], "apiGroups": ["govcloud.dev"], "resources": ["approvalsteps"], "resourceNames": ["authority"]}
    role = {"metadata": {"name": "own", "namespace": "health"}, "rules": [steps]}
    cluster_role = {"metadata": {"name": "govcloud-approve-authority"}, "rules": [steps]}
    empty = {"metadata": {"name": "aggregated"}, "rules": None}
    robot = {"kind": "ServiceAccount", "namespace": "ci", "name": "robot"}
    bound = {"metadata": {"name": "b", "namespace": "health"}, "roleRef": {"kind": "Role", "name": "own"}, "subjects": [robot]}
    offices = {"metadata": {"name": "c"}, "roleRef": {"kind": "ClusterRole", "name": "govcloud-approve-authority"}, "subjects": [{"kind": "Group", "name": "offices"}]}
    nobody = {"metadata": {"name": "d"}, "roleRef": {"kind": "ClusterRole", "name": "govcloud-approve-authority"}}
    pages = [Say(content={"items": items}) for items in ([role], [cluster_role, empty], [bound], [offices, nobody])]
    with server_saying(*pages) as (api, _):
        rights = rights_granted(api)

    assert {right.sentence() for right in rights} == {
        "ServiceAccount ci/robot may decide step 'authority' in namespace health (RoleBinding health/b, Role own)",
        "Group offices may decide step 'authority' in every namespace (ClusterRoleBinding c, ClusterRole govcloud-approve-authority)",
    }
