"""The API server's audit log is read as it lies there: rotated, packed, with an unfinished end."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from govcloud.adapters.kube_audit_log import UnreadableLog, acts_in
from govcloud.core.rights import Binding, Role, Rule


def line(number: int, **changes: Any) -> str:
    event = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"audit-{number}", "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/hospital/secrets/portal", "verb": "patch", "user": {"username": "controller"},
        "objectRef": {"resource": "secrets", "namespace": "hospital", "name": "portal", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200}, "requestReceivedTimestamp": "2026-05-01T08:00:00.000001Z",
        "stageTimestamp": f"2026-05-01T08:00:{number:02d}.500000Z",
    }  # fmt: skip
    return json.dumps({**event, **changes}) + "\n"


def test_rotated_and_packed_files_come_first_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_text(line(3))
    (tmp_path / "audit-2026-05-01T09-00-00.000.log").write_text(line(2))
    (tmp_path / "audit-2026-05-01T08-00-00.000.log.gz").write_bytes(gzip.compress(line(1).encode()))
    (tmp_path / "audit-policy.yaml").write_text("no log")
    (tmp_path / "other.log").write_text("no log either")
    assert [act.id for act in acts_in(tmp_path / "audit.log")] == ["audit-1", "audit-2", "audit-3"]


def test_what_is_written_after_the_call_is_left_out_however_late_the_rest_is_read(tmp_path: Path) -> None:
    """Its records are not in a log that was read before, and need not be."""
    log = tmp_path / "audit.log"
    log.write_text(line(1, user={"username": "官员"}) + line(2))
    acts = acts_in(log)
    log.write_text(log.read_text() + line(3))
    assert [act.id for act in acts] == ["audit-1", "audit-2"]
    assert [act.id for act in acts_in(log)] == ["audit-1", "audit-2", "audit-3"]


def test_an_act_is_who_did_what_to_which_object_and_when(tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_text(line(3))
    (act,) = acts_in(tmp_path / "audit.log")
    assert (act.user, act.verb, act.where, act.code, act.wrote) == ("controller", "patch", "secrets/hospital/portal", 200, True)
    assert (act.ended - act.began).total_seconds() == pytest.approx(3.499999)


def test_who_is_impersonated_acts_and_a_name_that_was_chosen_is_taken_from_the_answer(tmp_path: Path) -> None:
    made = {
        "verb": "create",
        "objectRef": {"resource": "cloudserviceapprovals", "namespace": "hospital"},
        "responseObject": {"metadata": {"name": "authority-x7"}},
        "impersonatedUser": {"username": "zhang"},
    }
    (tmp_path / "audit.log").write_text(line(1, **made))
    (act,) = acts_in(tmp_path / "audit.log")
    assert (act.user, act.name) == ("zhang", "authority-x7")


ROLE = {"kind": "Role", "metadata": {"namespace": "hospital", "name": "helpful"}, "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
BINDING = {
    "kind": "RoleBinding", "metadata": {"namespace": "hospital", "name": "helpful"}, "roleRef": {"kind": "Role", "name": "helpful"},
    "subjects": [{"kind": "User", "name": "mallory"}],
}  # fmt: skip


def test_of_roles_and_bindings_it_is_told_what_they_grant(tmp_path: Path) -> None:
    about = {"roles": ROLE, "rolebindings": BINDING, "secrets": ROLE, "clusterroles": {"kind": "Status", "code": 409}, "clusterrolebindings": None}
    lines = [line(n, objectRef={"resource": resource}, responseObject=answer) for n, (resource, answer) in enumerate(about.items(), start=1)]
    (tmp_path / "audit.log").write_text("".join(lines))
    role, binding, *others = (act.made for act in acts_in(tmp_path / "audit.log"))

    assert role == Role("hospital", "helpful", (Rule(("*",), ("*",), ("*",)),))
    assert binding == Binding("hospital", "helpful", ("hospital", "helpful"), ("User mallory",))
    assert others == [None, None, None]


def test_what_was_only_tried_or_has_not_ended_is_no_act(tmp_path: Path) -> None:
    tried = line(1, requestURI="/api/v1/namespaces/hospital/secrets?dryRun=All&fieldManager=x")
    (tmp_path / "audit.log").write_text(tried + line(2, stage="RequestReceived") + line(3)[:-20])
    assert list(acts_in(tmp_path / "audit.log")) == []


@pytest.mark.parametrize(
    "bad", ["no json\n", "[]\n", '{"kind": "Pod"}\n', line(1, auditID=None, stageTimestamp="noon"), line(1, user=None)]
)
def test_what_is_no_audit_log_is_said_with_file_and_line(tmp_path: Path, bad: str) -> None:
    (tmp_path / "audit.log").write_text(line(1) + bad)
    with pytest.raises(UnreadableLog, match=r"audit\.log, line 2"):
        list(acts_in(tmp_path / "audit.log"))
