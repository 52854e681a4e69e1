"""Whether the API server enforces the admission policies, and does not only keep them.

An API server takes up a policy a moment after it was written, and one that was started without the admission plugin never does. So a decision
that nobody may make is filed as a dry run: in a name that is not the controller's own, in the controller's own namespace, where there is no
request that it could be about. Refused by the policy, it proves that this API server looks; let in, it still makes nothing.
"""

from __future__ import annotations

from govcloud.adapters.kube_api import JSON, KubeApi
from govcloud.adapters.kube_failures import failure
from govcloud.adapters.kube_kinds import path_to
from govcloud.api import kinds
from govcloud.api.approval import ApprovalSpec, RequestRef
from govcloud.api.common import API_VERSION, as_written

POLICY = "govcloud-approval-by-its-office"

_NOBODY = "nobody"
_FORGED = ApprovalSpec(
    request=RequestRef(name=_NOBODY, uid="00000000-0000-0000-0000-000000000000"),
    step=_NOBODY,
    decision="Approved",
    plan_digest="sha256:" + "0" * 64,
    office=_NOBODY,
    approver=_NOBODY,
    document_number=_NOBODY,
)


def lets_in_a_forgery(api: KubeApi, namespace: str) -> bool:
    """Whether the API server would let in a decision in another's name.

    Raises:
        Retry, Stop: it did not answer, or refused for another reason.
    """
    metadata = {"name": "govcloud-probe", "namespace": namespace}
    body = {"apiVersion": API_VERSION, "kind": kinds.APPROVAL.kind, "metadata": metadata, "spec": as_written(_FORGED)}
    path = path_to(kinds.APPROVAL, namespace=namespace)
    answer = api.ask("POST", path, body=body, query={"dryRun": "All"}, content=JSON, accept=(403, 422))
    if answer.status < 400:
        return True
    if f"'{POLICY}'" in answer.message and "denied request" in answer.message:
        return False
    raise failure(f"POST {path}", answer)
