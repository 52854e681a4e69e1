"""A small OpenStack in memory, over real HTTP: Keystone's tokens, Cinder's volumes, Neutron's networks, Nova's key pairs,
Glance's images, Octavia's load balancers, Trove's instances, Manila's shares.

Just enough of each for the provider's rules to be tested without a cloud. Faults are functions that may answer in its place.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from provider.provider_kit import Answer, Seen, serve

from stacks.provider.runs import CloudLogin

Fault = Callable[[Seen], Answer | None]
KINDS = {
    "volumes": "volume",
    "networks": "network",
    "os-keypairs": "keypair",
    "application_credentials": "application_credential",
    "images": "image",
    "servers": "server",
    "flavors": "flavor",
    "loadbalancers": "loadbalancer",
    "listeners": "listener",
    "pools": "pool",
    "healthmonitors": "healthmonitor",
    "instances": "instance",
    "shares": "share",
    "share-networks": "share_network",
    "share-access-rules": "access",
}
LISTED_AS = {"os-keypairs": "keypairs", "share-networks": "share_networks", "share-access-rules": "access_list"}
"""Where a list is called otherwise than its path."""
SERVICES = {
    "identity": "v3",
    "block-storage": "cinder/v3",
    "network": "neutron/v2.0",
    "compute": "nova/v2.1",
    "image": "glance/v2",
    "load-balancer": "octavia",
    "database": "trove/v1.0/p1",
    "sharev2": "manila/v2",
    "object-store": "swift/v1",
}


@dataclass
class Twin:
    """The state of the little cloud.

    Attributes:
        things: objects by collection and id.
        faults: asked in order before anything is done; the first that answers wins.
        after: asked after the write was done, in place of the true answer: what a lost answer looks like.
        full_types: volume types whose storage takes no volume any more: a retype is accepted and comes to nothing.
        born: status of a new volume or share, and what it becomes when it is looked at.
    """

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    faults: list[Fault] = field(default_factory=list)
    after: list[Fault] = field(default_factory=list)
    born: tuple[str, str] = ("creating", "available")
    full_types: set[str] = field(default_factory=set)

    def login(self, project: str = "p1") -> CloudLogin:
        """A login to one of its projects."""
        return CloudLogin(
            f"{self.url}/v3", "RegionOne", username="u", password="keystone-password", project_name=project
        )

    def writes(self) -> list[str]:
        """Method and path of everything that arrived and was no reading and no token."""
        return [
            f"{seen.method} {seen.path}"
            for seen in self.seen
            if seen.method not in ("GET", "HEAD") and not seen.path.endswith("/auth/tokens")
        ]

    def __call__(self, request: Seen) -> Answer:
        for fault in self.faults:
            if (answer := fault(request)) is not None:
                return answer
        answer = self._answer(request)
        for fault in self.after:
            if (instead := fault(request)) is not None:
                return instead
        return answer

    def _answer(self, request: Seen) -> Answer:
        parts = [part for part in urlsplit(request.path).path.split("/") if part]
        if parts[-2:] == ["auth", "tokens"]:
            return self._token(request)
        place = next((i for i, part in enumerate(parts) if part in KINDS), None)
        if place is None:
            return Answer(404, {"error": {"message": f"no such path {request.path}"}})
        return self._on(parts[place], parts[place + 1 :], request)

    def _on(self, kind: str, below: list[str], request: Seen) -> Answer:
        things = self.things[kind]
        if not below or below == ["detail"]:
            return self._make(kind, request) if request.method == "POST" else self._list(kind, request)
        if below[0] not in things:
            return Answer(
                404, {"itemNotFound": {"message": f"{KINDS[kind]} {below[0]} could not be found.", "code": 404}}
            )
        if below[1:] == ["action"]:
            return self._act(things[below[0]], request)
        if below[1:] == ["members"]:
            return self._members(things[below[0]], request)
        if below[1:] == ["export_locations"]:
            paths = [(f"10.20.0.{host}:/shares/{below[0]}", host == 9) for host in (8, 9)]
            return Answer(200, {"export_locations": [{"path": path, "preferred": preferred} for path, preferred in paths]})
        if below[1:] == ["tags"]:
            things[below[0]]["tags"] = json.loads(request.body)["tags"]
            return Answer(200, {"tags": things[below[0]]["tags"]})
        if below[1:] == ["metadata"]:
            things[below[0]]["metadata"] |= json.loads(request.body)["metadata"]
            return Answer(200, {"metadata": things[below[0]]["metadata"]})
        return self._one(kind, below[0], request)

    def _make(self, kind: str, request: Seen) -> Answer:
        body = json.loads(request.body)[KINDS[kind]]
        if kind == "instances" and (refusal := _as_a_replica(body)) is not None:
            return refusal
        identity = body["name"] if kind == "os-keypairs" else str(uuid.uuid4())
        states = {"status": self.born[0] if kind in ("volumes", "shares") else "ACTIVE", "provisioning_status": "PENDING_CREATE"}
        made = {"metadata": {}, **states, **body, "id": identity}
        if kind == "shares":
            made["share_type_name"] = made.pop("share_type", "default")
        if kind == "os-keypairs":
            made = {"public_key": "ssh-rsa AAAA", "fingerprint": "aa:bb", **made}
        self.things[kind][identity] = made
        once = {"os-keypairs": {"private_key": "PRIVATE"}, "application_credentials": {"secret": "SECRET"}}.get(
            kind, {}
        )
        return Answer(201, {KINDS[kind]: {**made, **once}}, {"x-openstack-request-id": "req-from-cloud"})

    def _list(self, kind: str, request: Seen) -> Answer:
        query = parse_qs(urlsplit(request.path).query)
        wanted = json.loads(query["metadata"][0]) if "metadata" in query else {}
        found = [
            thing for thing in self.things[kind].values()
            if all(thing["metadata"].get(name) == value for name, value in wanted.items())
        ]  # fmt: skip
        if "share_id" in query:
            found = [thing for thing in found if thing["share_id"] == query["share_id"][0]]
        return Answer(200, {LISTED_AS.get(kind, kind): found})

    def _one(self, kind: str, identity: str, request: Seen) -> Answer:
        things = self.things[kind]
        if request.method == "DELETE":
            del things[identity]
            return Answer(204)
        if request.method in ("PUT", "PATCH"):
            things[identity] |= json.loads(request.body)[KINDS[kind]]
        shown = dict(things[identity])
        if shown.get("state") == "queued_to_apply":
            things[identity]["state"] = "active"
        if "provisioning_status" in things[identity]:
            things[identity]["provisioning_status"] = "ACTIVE"
        if things[identity]["status"] == self.born[0]:
            things[identity]["status"] = self.born[1]
        return Answer(200, {KINDS[kind]: shown})

    def _members(self, pool: dict[str, Any], request: Seen) -> Answer:
        if request.method == "PUT":
            pool["members"] = json.loads(request.body)["members"]
            pool["provisioning_status"] = "PENDING_UPDATE"
            return Answer(202)
        return Answer(200, {"members": pool.get("members", [])})

    def _act(self, thing: dict[str, Any], request: Seen) -> Answer:
        asked = json.loads(request.body)
        if "allow_access" in asked:
            return self._allow(thing, asked["allow_access"])
        if "deny_access" in asked:
            self.things["share-access-rules"].pop(asked["deny_access"]["access_id"], None)
        elif "extend" in asked:
            thing["size"] = asked["extend"]["new_size"]
        elif "os-extend" in asked:
            thing["size"] = asked["os-extend"]["new_size"]
        elif (wanted := asked["os-retype"]["new_type"]) not in self.full_types:
            thing["volume_type"] = wanted
        return Answer(202)

    def _allow(self, share: dict[str, Any], asked: dict[str, Any]) -> Answer:
        rules = self.things["share-access-rules"]
        if any((rule["share_id"], rule["access_to"]) == (share["id"], asked["access_to"]) for rule in rules.values()):
            return Answer(400, {"badRequest": {"message": f"Share access ip:{asked['access_to']} exists.", "code": 400}})
        made = {"id": str(uuid.uuid4()), "share_id": share["id"], "state": "queued_to_apply", "status": "", "metadata": {}, **asked}
        rules[made["id"]] = made
        return Answer(200, {"access": made})

    def _token(self, request: Seen) -> Answer:
        project = json.loads(request.body)["auth"].get("scope", {}).get("project", {}).get("name", "p1")
        catalog = [
            {"type": service, "name": service, "endpoints": [
                {"interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": f"{self.url}/{path}"}]}
            for service, path in SERVICES.items()
        ]  # fmt: skip
        domain = {"id": "d", "name": "Default"}
        token = {
            "methods": ["password"], "expires_at": "2099-01-01T00:00:00Z", "catalog": catalog, "roles": [],
            "project": {"id": project, "name": project, "domain": domain}, "user": {"id": "u1", "name": "u", "domain": domain},
        }  # fmt: skip
        return Answer(201, {"token": token}, {"X-Subject-Token": f"token-of-{project}"})


@contextmanager
def twin() -> Iterator[Twin]:
    """Serve a little cloud until the block ends."""
    cloud = Twin()
    with serve(cloud) as served:
        cloud.url, cloud.seen = served.url, served.seen
        yield cloud


def lose_answer_of(method: str, path_part: str, times: int = 1) -> Fault:
    """A fault for `Twin.after`: the service did it, but the connection breaks before the answer."""
    left = [times]

    def fault(request: Seen) -> Answer | None:
        if request.method != method or path_part not in request.path or not left[0]:
            return None
        left[0] -= 1
        return Answer(drop=True)

    return fault


def refuse(method: str, path_part: str, status: int, body: Any = None) -> Fault:
    """A fault for `Twin.faults`: the service refuses."""
    return lambda request: Answer(status, body) if request.method == method and path_part in request.path else None


def _as_a_replica(body: dict[str, Any]) -> Answer | None:
    """Trove takes of a replica's primary what a request may not say; and shows what it follows as an object."""
    if primary := body.get("replica_of"):
        for name, called in (("flavorRef", "flavor"), ("datastore", "datastore"), ("volume", "volume")):
            if name in body:
                return Answer(400, {"badRequest": {"message": f"Cannot specify {called} when creating replicas."}})
        body["replica_of"] = {"id": primary}
    return None
