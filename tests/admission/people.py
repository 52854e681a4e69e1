"""The people of these stories, each with a kubeconfig of their own, and the manifests that they hand in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from waiting import until

from devcloud.environment import Environment
from devcloud.kubectl import Kubectl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DIGEST = "sha256:" + "0" * 64
UID = "0b5c6f4e-4c0c-4b8a-9a8f-3a6f1f0f5b11"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What kubectl said to one command."""

    accepted: bool
    said: str

    def refused_because(self, *words: str) -> bool:
        """Whether it was refused, with all these words in the sentence."""
        assert not self.accepted, f"should have been refused: {self.said}"
        missing = [word for word in words if word not in self.said]
        assert not missing, f"the refusal does not say {missing}: {self.said}"
        return True


@dataclass(frozen=True)
class Person:
    """One user of the cluster. `trying`: nothing is written, but admission decides as if it were."""

    kubectl: Kubectl
    impersonating: str = ""
    trying: bool = False

    def tries(self) -> Person:
        return Person(self.kubectl, self.impersonating, trying=True)

    def acting_as(self, user: str) -> Person:
        return Person(self.kubectl, user, self.trying)

    def create(self, *manifests: Manifest) -> Answer:
        return self._do("create", "-f", "-", given=yaml.safe_dump_all(manifests))

    def apply(self, *manifests: Manifest) -> Answer:
        return self._do("apply", "-f", "-", given=yaml.safe_dump_all(manifests))

    def patch(self, what: str, namespace: str | None, change: Mapping[str, Any], *more: str) -> Answer:
        return self._do("patch", what, *_in(namespace), "--type=merge", f"--patch={json.dumps(change)}", *more)

    def delete(self, what: str, namespace: str | None = None) -> Answer:
        return self._do("delete", what, *_in(namespace), "--wait=false")

    def get(self, what: str, namespace: str | None = None) -> Manifest:
        document: Manifest = json.loads(self.kubectl.do("get", what, *_in(namespace), "-o", "json"))
        return document

    def put(self, path: str, body: Manifest) -> Answer:
        """Write to a path of the API directly; really, for kubectl cannot try this."""
        return self._answer(self.kubectl.try_to("replace", "--raw", path, "-f", "-", given=json.dumps(body)))

    def may(self, verb: str, what: str, namespace: str | None = None) -> bool:
        return self.kubectl.try_to("auth", "can-i", verb, what, *_in(namespace)).returncode == 0

    def is_granted(self, verb: str, what: str, namespace: str | None = None) -> None:
        """Wait until it is: a grant reaches the authorizer a moment after it was written."""
        until(lambda: self.may(verb, what, namespace), f"a grant to {verb} {what}")

    def _do(self, *arguments: str, given: str = "") -> Answer:
        acting = [f"--as={self.impersonating}"] if self.impersonating else []
        trying = ["--dry-run=server"] if self.trying else []
        return self._answer(self.kubectl.try_to(*arguments, *acting, *trying, given=given))

    @staticmethod
    def _answer(done: subprocess.CompletedProcess[str]) -> Answer:
        return Answer(done.returncode == 0, done.stdout + done.stderr)


@dataclass(frozen=True)
class People:
    """Everybody, by the name of their kubeconfig."""

    environment: Environment

    def __call__(self, persona: str) -> Person:
        return Person(Kubectl.as_user(self.environment, persona))

    @property
    def administrator(self) -> Person:
        return Person(Kubectl.as_administrator(self.environment))


@dataclass(frozen=True)
class Town:
    """Where the stories happen: a namespace of a using unit, one of another unit, and one of nobody."""

    unit: str
    namespace: str
    elsewhere: str
    nowhere: str


def _in(namespace: str | None) -> list[str]:
    return ["--namespace", namespace] if namespace else []


def request(town: Town, name: str = "survey", **changes: Any) -> Manifest:
    """The small example request, in the town's namespace."""
    document: Manifest = yaml.safe_load((EXAMPLES / "requests" / "health-survey.yaml").read_text(encoding="utf-8"))
    document["metadata"] = {"name": name, "namespace": town.namespace}
    document["spec"] |= {"unit": town.unit, **changes}
    return document


def approval(town: Town, step: str, **changes: Any) -> Manifest:
    """A decision on a plan that need not exist: admission looks at who decides, the controller at what."""
    document: Manifest = yaml.safe_load((EXAMPLES / "approvals" / f"{step}.yaml").read_text(encoding="utf-8"))
    document["metadata"] = {"generateName": f"{step}-", "namespace": town.namespace}
    document["spec"] |= {"request": {"name": "survey", "uid": UID}, "planDigest": DIGEST, **changes}
    return document


def plan(town: Town, name: str, labels: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": name, "namespace": town.namespace, "labels": dict(labels)},
        "revision": 1,
        "data": {"text": "{}"},
    }


def backup(name: str) -> Manifest:
    spec = {
        "request": {"namespace": "somewhere", "name": "survey", "uid": UID},
        "unit": "unit",
        "jurisdiction": "jiujiang",
        "plan": 4,
        "planDigest": DIGEST,
        "projectId": "1",
        "backupProject": "govcloud-backups",
        "quarantineProject": "govcloud-quarantine",
        "frozenAt": "2026-11-22T00:00:00Z",
        "parts": [],
        "retainUntil": "2027-11-22T00:00:00Z",
    }
    return {"apiVersion": "govcloud.dev/v1alpha1", "kind": "ServiceBackup", "metadata": {"name": name}, "spec": spec}


def secret(town: Town, name: str, labels: Mapping[str, str]) -> Manifest:
    metadata = {"name": name, "namespace": town.namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": "x"}}


def namespace(name: str, **labels: str) -> Manifest:
    named = {f"govcloud.dev/{key.replace('_', '-')}": value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": named}}


def role(name: str, *rules: tuple[str, str, str]) -> Manifest:
    """A ClusterRole; each rule is `(group, resources, verbs)`, the latter two separated by spaces."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [{"apiGroups": [g], "resources": what.split(), "verbs": verbs.split()} for g, what, verbs in rules],
    }


def granting(role: str, user: str, where: str, name: str | None = None) -> Manifest:
    """A RoleBinding of a ClusterRole to a user in a namespace."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name or f"{user}-{role}", "namespace": where},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }
