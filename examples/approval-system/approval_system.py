"""A small approval system: it decides, as the officials whom it serves, on the plans that wait for them.

It watches requests, reads the pinned plan, checks its digest, and files one CloudServiceApproval for each decision, impersonating the official
whose step it is. It keeps nothing on disk: names follow from the plan, so after a crash it finds what it filed and files nothing twice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

GROUP, VERSION, REQUESTS, APPROVALS = "govcloud.dev", "v1alpha1", "cloudservicerequests", "cloudserviceapprovals"
GONE, NOT_FOUND, FORBIDDEN, UNPROCESSABLE = 410, 404, 403, 422
WATCH_SECONDS, LONGEST_PAUSE = 300, 60.0
Raw = dict[str, Any]


class NotThePlan(Exception):
    """The pinned plan is not the one that the request shows. Nobody decides on that."""


@dataclass(frozen=True)
class Answer:
    """What is decided, and the reason, which the applicant reads."""

    decision: str
    reason: str = ""


Judge = Callable[[Raw, str], Answer | None]
"""From a plan and a step to an answer; None leaves it to a person."""


def judge_within(limit: Decimal) -> Judge:
    """Approve what destroys nothing and costs at most `limit` yuan a month; reject what is dearer; leave destruction to people."""

    def judge(plan: Raw, _step: str) -> Answer | None:
        if any(change["operation"] in ("delete", "replace") for change in plan["diff"]) or plan.get("departures"):
            return None
        if Decimal(plan["monthlyCost"]) > limit:
            return Answer("Rejected", f"月费用超过 {limit} 元,请缩减规格 / it costs more than {limit} yuan a month")
        return Answer("Approved")

    return judge


def read_plan(revision: Raw, digest: str) -> Raw:
    """The plan in a ControllerRevision, whose digest is recomputed: the status is not taken at its word."""
    text: str = revision["data"]["text"]
    found = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if found != digest:
        raise NotThePlan(f"{revision['metadata']['name']} has {found}, the request shows {digest}")
    plan: Raw = json.loads(text)
    return plan


def approval(request: Raw, step: Mapping[str, str], official: str, answer: Answer) -> Raw:
    """The one object that says so. Name and document number follow from request, plan and step."""
    name, uid, plan = request["metadata"]["name"], request["metadata"]["uid"], request["status"]["plan"]
    spec = {
        "request": {"name": name, "uid": uid}, "step": step["step"], "office": step["office"], "approver": official,
        "decision": answer.decision, "planDigest": plan["digest"],
        "documentNumber": f"OA-{uid[:8]}-{plan['number']}-{step['step']}",
        "comment": answer.reason,
    }  # fmt: skip
    metadata = {"name": f"{name}-{step['step']}-{plan['digest'].removeprefix('sha256:')[:12]}"}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "CloudServiceApproval", "metadata": metadata, "spec": spec}


class ApprovalSystem:
    """Decides on requests of all namespaces. `officials`: approval step -> user who decides it."""

    def __init__(self, configuration: client.Configuration, officials: Mapping[str, str], judge: Judge) -> None:
        self._officials, self._judge = officials, judge
        self._objects = client.CustomObjectsApi(client.ApiClient(configuration))
        self._revisions = client.AppsV1Api(self._objects.api_client)
        self._acting = {user: client.CustomObjectsApi(client.ApiClient(configuration, "Impersonate-User", user)) for user in officials.values()}
        self._told: set[str] = set()
        self._denied: dict[str, Raw] = {}
        self._version = ""

    def run(self) -> None:
        """Look at every request, then at each that changes, and at every one again after each period of the watch. Never ends."""
        failures = 0
        while True:
            try:
                for request in self._changes():
                    failures = 0
                    self.look(request)
                self._version = ""
            except (ApiException, HTTPError, OSError) as error:
                if getattr(error, "status", None) == GONE:  # the server no longer knows our place in the stream
                    self._version = ""
                    continue
                failures += 1
                say("waiting", cause=str(error).strip()[:200])
                time.sleep(random.uniform(0.5, 1) * min(2**failures, LONGEST_PAUSE))  # noqa: S311  spread, not secret

    def _changes(self) -> Iterator[Raw]:
        """Every request if none was listed yet, then those that change; after a broken connection only the latter, from where it broke."""
        if not self._version:
            self._denied.clear()
            listed = self._objects.list_cluster_custom_object(GROUP, VERSION, REQUESTS)
            yield from listed["items"]
            self._version = listed["metadata"]["resourceVersion"]
        stream = watch.Watch().stream(
            self._objects.list_cluster_custom_object, GROUP, VERSION, REQUESTS, resource_version=self._version,
            allow_watch_bookmarks=True, timeout_seconds=WATCH_SECONDS, _request_timeout=(5, WATCH_SECONDS + 30),
        )  # fmt: skip
        for event in stream:
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]
            self._version = event["object"]["metadata"]["resourceVersion"]

    def look(self, request: Raw) -> None:
        """Decide on the plan of a request if it waits for one of our officials; pass a rejection on to its applicant."""
        status, metadata = request.get("status") or {}, request["metadata"]
        if status.get("observedGeneration") != metadata["generation"] or "plan" not in status:
            return  # the controller has not planned this yet
        rejected = next((c for c in status["conditions"] if (c["type"], c["reason"]) == ("Approved", "Rejected")), None)
        if rejected is not None:
            self._tell(request, "returned to the applicant", applicant=request["spec"]["applicant"], why=rejected["message"])
        waiting = str((status.get("nextAction") or {}).get("waitingFor"))
        if waiting in self._officials:
            try:
                self._decide(request, waiting, read_plan(self._revision(request), status["plan"]["digest"]))
            except NotThePlan as error:
                self._tell(request, "not decided", why=str(error))

    def _decide(self, request: Raw, waiting: str, plan: Raw) -> None:
        if (answer := self._judge(plan, waiting)) is None:
            self._tell(request, "left to a person", step=waiting)
            return
        step = next(step for step in plan["steps"] if step["step"] == waiting)
        wanted = approval(request, step, self._officials[waiting], answer)
        namespace, name = request["metadata"]["namespace"], wanted["metadata"]["name"]
        found = self._denied.get(name) or self._filed(namespace, name) or self._file(namespace, wanted)
        verdict = ((found.get("status") or {}).get("conditions") or [{}])[0]
        self._tell(request, answer.decision, approval=name, counts=verdict.get("status"), why=verdict.get("message"))

    def _revision(self, request: Raw) -> Raw:
        where = (request["status"]["plan"]["revision"], request["metadata"]["namespace"])
        return dict(json.loads(self._revisions.read_namespaced_controller_revision(*where, _preload_content=False).data))

    def _filed(self, namespace: str, name: str) -> Raw | None:
        try:
            return dict(self._objects.get_namespaced_custom_object(GROUP, VERSION, namespace, APPROVALS, name))
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
        return None

    def _file(self, namespace: str, wanted: Raw) -> Raw:
        """One POST, as the official. What admission refuses is told and not repeated before everything is looked at again."""
        acting, name = self._acting[wanted["spec"]["approver"]], wanted["metadata"]["name"]
        try:
            return dict(acting.create_namespaced_custom_object(GROUP, VERSION, namespace, APPROVALS, wanted))
        except ApiException as error:
            if error.status not in (FORBIDDEN, UNPROCESSABLE):
                raise
            self._denied[name] = {"status": {"conditions": [{"status": "False", "message": json.loads(error.body)["message"]}]}}
        return self._denied[name]

    def _tell(self, request: Raw, what: str, **more: Any) -> None:
        """Each happening once."""
        line = {"request": "{namespace}/{name}".format_map(request["metadata"]), "plan": request["status"]["plan"]["number"], **more}
        if (key := f"{what} {sorted(line.items(), key=str)}") not in self._told:
            self._told.add(key)
            say(what, **line)


def say(what: str, **more: Any) -> None:
    """One line of JSON a happening."""
    print(json.dumps({"what": what, **more}, ensure_ascii=False), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Decide, as the officials named, on the plans that wait for them.")
    parser.add_argument("--official", action="append", required=True, metavar="STEP=USER", help="who decides a step; may be given several times")
    parser.add_argument("--limit", type=Decimal, default=Decimal(1000), help="yuan a month up to which a plan is approved")
    options = parser.parse_args()
    configuration = client.Configuration()
    config.load_config(client_configuration=configuration)
    officials = dict(pair.split("=", 1) for pair in options.official)
    ApprovalSystem(configuration, officials, judge_within(options.limit)).run()


if __name__ == "__main__":
    main()
