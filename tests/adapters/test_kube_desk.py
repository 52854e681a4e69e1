"""The cluster as one person: what is asked of the API server, and what its refusals become."""

from __future__ import annotations

from typing import Any

import pytest
from adapters.kube_server import Say, server_saying

from govcloud.adapters.kube_desk import KubeDesk
from govcloud.desk import NotAllowed, NotThere, Refused
from govcloud.failures import Retry

NO_RIGHT = Say(403, {"message": 'cloudservicerequests.govcloud.dev is forbidden: User "sun.li" cannot list resource', "reason": "Forbidden"})
DENIED = Say(
    403,
    {
        "message": "cloudserviceapprovals.govcloud.dev \"x\" is forbidden: ValidatingAdmissionPolicy 'govcloud-approval-by-its-office' with binding "
        "'govcloud-approval-by-its-office' denied request: \"sun.li\" may not decide step \"superior-unit\" / 无权审批该环节",
        "reason": "Invalid",
    },
)
UID = "0b5c6f4e-4c0c-4b8a-9a8f-3a6f1f0f5b11"
SPEC: dict[str, Any] = {
    "request": {"name": "orders", "uid": UID}, "step": "authority", "decision": "Approved", "planDigest": "sha256:" + "0" * 64,
    "office": "九江市信息化工作办公室", "approver": "sun.li", "documentNumber": "1",
}  # fmt: skip


def _object(name: str, spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    made = {"name": name, "namespace": "n", "uid": UID, "generation": 1, "resourceVersion": "1", "creationTimestamp": "2026-03-02T02:00:00Z"}
    return {"metadata": {**made, **metadata}, "spec": spec or {}}


def _list(*items: dict[str, Any]) -> Say:
    return Say(200, {"items": list(items)})


def test_the_user_is_whom_the_api_server_knows() -> None:
    with server_saying(Say(201, {"status": {"userInfo": {"username": "sun.li"}}})) as (api, script):
        assert KubeDesk(api).user() == "sun.li"
    assert script.asked[0].path == "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_step_is_asked_for_as_admission_asks(allowed: bool) -> None:
    with server_saying(Say(201, {"status": {"allowed": allowed}})) as (api, script):
        assert KubeDesk(api).may_decide("n", "authority") is allowed
    assert script.asked[0].body["spec"]["resourceAttributes"] == {
        "group": "govcloud.dev", "resource": "approvalsteps", "name": "authority", "namespace": "n", "verb": "approve",
    }  # fmt: skip


def test_who_may_look_everywhere_asks_once() -> None:
    with server_saying(_list(_object("a"))) as (api, script):
        found = KubeDesk(api).waiting(())
    assert ([request.key.name for request in found.requests], found.namespaces) == (["a"], None)
    assert script.asked[0].query["labelSelector"] == "govcloud.dev/waiting-for"


def test_who_may_not_is_shown_the_namespaces_that_he_may_look_into() -> None:
    units = _list({"metadata": {"name": "first"}}, {"metadata": {"name": "second"}})
    with server_saying(NO_RIGHT, NO_RIGHT, units, NO_RIGHT, _list(_object("a")), NO_RIGHT) as (api, script):
        found = KubeDesk(api, "default").waiting(())
    assert ([request.key.name for request in found.requests], found.namespaces) == (["a"], ("first",))
    assert [asked.path.split("/")[-2] for asked in script.asked[3:]] == ["default", "first", "second"]


def test_a_named_namespace_that_may_not_be_read_is_an_error() -> None:
    with server_saying(NO_RIGHT) as (api, _), pytest.raises(NotAllowed, match="the requests in n; the platform engineer grants it"):
        KubeDesk(api).waiting(["n"])


def test_what_is_not_there_is_named() -> None:
    with server_saying(Say(404)) as (api, _), pytest.raises(NotThere, match="the request n/none does not exist"):
        KubeDesk(api).request("n", "none")


def test_a_decision_is_one_post() -> None:
    with server_saying(Say(201, _object("x", SPEC))) as (api, script):
        assert KubeDesk(api).file("n", "x", SPEC).name == "x"
    assert [(asked.method, asked.path) for asked in script.asked] == [("POST", "/apis/govcloud.dev/v1alpha1/namespaces/n/cloudserviceapprovals")]
    assert script.asked[0].body["spec"] == SPEC


def test_a_decision_that_is_filed_already_is_returned() -> None:
    with server_saying(Say(409, {"reason": "AlreadyExists"}), Say(200, _object("x", SPEC))) as (api, _):
        assert KubeDesk(api).file("n", "x", SPEC).spec.step == "authority"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (DENIED, Refused, '^"sun.li" may not decide step "superior-unit" / 无权审批该环节$'),
        (Say(422, {"message": "spec.office: Invalid value"}), Refused, "spec.office"),
        (Say(403, {"message": "User cannot create", "reason": "Forbidden"}), NotAllowed, "binds govcloud-official there"),
        (Say(409, {"message": "conflict", "reason": "Conflict"}), Retry, "changed the object"),
        (Say(503, {"message": "later"}), Retry, "not well"),
    ],
)
def test_refusals_in_plain_words(answer: Say, error: type[Exception], said: str) -> None:
    with server_saying(answer) as (api, _), pytest.raises(error, match=said):
        KubeDesk(api).file("n", "x", SPEC)


def test_events_are_those_of_this_very_request() -> None:
    mine = {**_object("e"), "regarding": {"uid": UID}, "type": "Warning", "reason": "Stalled", "note": "no flavor", "eventTime": "2026-03-02T02:01:00.000000Z"}
    other = {**mine, "regarding": {"uid": "another"}}
    with server_saying(Say(200, _object("orders")), _list(other, mine)) as (api, _):
        desk = KubeDesk(api)
        events = desk.events(desk.request("n", "orders"))
    assert [(event.reason, event.warning, event.message) for event in events] == [("Stalled", True, "no flavor")]
