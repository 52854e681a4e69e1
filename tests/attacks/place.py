"""A using unit of the attack stories' own, with offices that have keys, and the ways in which people file decisions there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from approvals.offices import Ed25519Office

from devcloud.demo.requests import Request
from devcloud.demo.world import EXAMPLES, Answer, World
from govcloud.api.approval import ApprovalSpec
from govcloud.api.common import as_written

Manifest = dict[str, Any]

AUTHORITY = "九江市政府信息化工作办公室"
GONE = "vm-gone"
"""An offering whose flavor the cloud does not have: what changes to it begins and cannot finish."""


@dataclass
class Place:
    """One secondary unit, its namespace, its jurisdiction with the offices' keys, and requests of it."""

    world: World
    name: str = field(default_factory=lambda: f"attacked-{os.urandom(3).hex()}")

    def __post_init__(self) -> None:
        self.above = Ed25519Office(11, f"上级单位 {self.name}")
        self.authority = Ed25519Office(12, AUTHORITY)
        self.dismissed = Ed25519Office(13, f"上级单位 {self.name}")
        self.stranger = Ed25519Office(14, f"上级单位 {self.name}")

    def set_up(self) -> None:
        """The administrator, who keeps the keys, applies it all."""
        text = yaml.safe_dump_all(list(self._manifests()), allow_unicode=True)
        self.world.must(None, "apply", "-f", "-", stdin=text)

    @property
    def uid(self) -> str:
        """The unit's."""
        return str(self.world.get("usingunit", self.name)["metadata"]["uid"])

    def request(self, name: str) -> Request:
        """The small example request, as this unit's."""
        asked = Request(self.world, "requests/health-survey.yaml")
        asked.manifest["metadata"] = {"name": name, "namespace": self.name}
        asked.manifest["spec"]["unit"] = self.name
        return asked

    def network_only(self, name: str) -> Request:
        """The same without its server: there in seconds."""
        asked = self.request(name)
        asked.manifest["spec"]["services"] = [service for service in asked.manifest["spec"]["services"] if "network" in service]
        return asked

    def _manifests(self) -> Iterator[Manifest]:
        yield self._jurisdiction()
        yield self._catalog()
        yield _unit(f"{self.name}-above", self.above.office, self.name)
        yield _unit(self.name, f"单位 {self.name}", self.name, superior=f"{self.name}-above")
        for document in _examples("40-namespaces.yaml"):
            if document["metadata"].get("namespace") == "first-hospital":
                document["metadata"]["namespace"] = self.name
                yield document
            elif document["metadata"]["name"] == "first-hospital":
                document["metadata"] = {"name": self.name, "labels": {"govcloud.dev/unit": self.name}}
                yield document

    def _jurisdiction(self) -> Manifest:
        document = _examples("10-jurisdiction.yaml")[0]
        document["metadata"]["name"] = self.name
        dismissed = {"revoked_at": datetime.now(UTC) - timedelta(days=1), "revocation_reason": "left the office"}
        keys = [self.above.entry(), self.authority.entry(), self.dismissed.entry(**dismissed)]
        document["spec"] |= {"catalog": self.name, "approvals": {"keys": [as_written(key) for key in keys]}}
        return document

    def _catalog(self) -> Manifest:
        document = _examples("20-catalog.yaml")[0]
        document["metadata"]["name"] = self.name
        offerings = document["spec"]["offerings"]
        small = next(offering for offering in offerings if offering["name"] == "vm-1c-512m")
        offerings.append({**small, "name": GONE, "flavor": "no-such-flavor"})
        return document


def _unit(name: str, title: str, jurisdiction: str, superior: str | None = None) -> Manifest:
    above = {"budgetLevel": "Secondary", "superior": superior} if superior else {"budgetLevel": "Primary"}
    spec = {"title": title, "jurisdiction": jurisdiction, **above}
    return {"apiVersion": "govcloud.dev/v1alpha1", "kind": "UsingUnit", "metadata": {"name": name}, "spec": spec}


def _examples(file: str) -> list[Manifest]:
    return list(yaml.safe_load_all((EXAMPLES / "platform" / file).read_text(encoding="utf-8")))


# Ways to file a decision


def signed(made: Manifest, office: Ed25519Office, *, where: str | None = None, **changes: Any) -> Manifest:
    """The decision signed by an office; `changes` are made afterwards, as somebody would who took the signature from elsewhere."""
    namespace = where or made["metadata"]["namespace"]
    spec = ApprovalSpec.model_validate(made["spec"])
    proven = as_written(office.signs(spec, namespace, datetime.now(UTC).replace(microsecond=0)))
    return {**made, "spec": {**proven, **changes}}


def filed_as(world: World, persona: str | None, decision: Manifest, *more: str) -> Answer:
    """Somebody files a decision, whoever it says decides."""
    return world.kubectl(persona, "create", "-f", "-", "-o", "name", *more, stdin=yaml.safe_dump(decision, allow_unicode=True))


def tried_as(world: World, persona: str | None, decision: Manifest) -> Answer:
    """The same, and nothing is written."""
    return filed_as(world, persona, decision, "--dry-run=server")


def again(world: World, asked: Request, answer: Answer, number: str) -> Manifest:
    """A decision that was filed before, word for word, as a new object under another document number."""
    old = world.get("csapp", answer.out.strip().rpartition("/")[2], asked.namespace)
    metadata = {"name": f"{old['metadata']['name']}-again-{os.urandom(4).hex()}", "namespace": asked.namespace}
    return {"apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": metadata, "spec": {**old["spec"], "documentNumber": number}}
