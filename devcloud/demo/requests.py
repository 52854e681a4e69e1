"""What the steps do again and again with a request: read it, wait for it, decide on its plan, edit it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from devcloud.demo.telling import NotAsExpected
from devcloud.demo.world import EXAMPLES, Answer, World
from devcloud.patience import PATIENCE

KIND = "cloudservicerequest"
APPROVER_OF = {
    "superior-unit": "superior-unit",
    "authority": "authority",
    "unit-consent": "unit-consent",
    "provider-consent": "provider",
    "expert-review": "experts",
    "urgent-task": "government",
    "technical-review": "authority",
    "cost-review": "finance",
    "development-reform": "development-reform",
    "data-catalogue-review": "data-centre",
    "security-acceptance": "authority",
    "quality-acceptance": "inspector",
}
"""The persona who decides a step."""

_numbers = itertools.count(int(time.time()) % 1_000_000)
"""Document numbers are used once, also by a second run of the story on the same cluster."""


@dataclass
class Request:
    """One CloudServiceRequest of the story, by its manifest in examples/."""

    world: World
    file: str
    manifest: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.manifest = yaml.safe_load((EXAMPLES / self.file).read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.manifest["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        return str(self.read()["metadata"]["uid"])

    def read(self) -> dict[str, Any]:
        """The request as the API server has it."""
        return self.world.get(KIND, self.name, self.namespace)

    @property
    def status(self) -> dict[str, Any]:
        return _status_of(self.read())

    @property
    def current_status(self) -> dict[str, Any]:
        """The status where it is about the spec as it is; empty before."""
        request = self.read()
        return _status_of(request) if _is_current(request) else {}

    def apply(self) -> None:
        """The applicant applies the manifest."""
        self.world.apply("applicant", self.manifest)

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """The applicant changes the spec and applies it."""
        change(self.manifest["spec"])
        self.apply()

    def service(self, name: str) -> dict[str, Any]:
        """The parameters of a service in the manifest, to be changed."""
        entry = next(s for s in self.manifest["spec"]["services"] if s["name"] == name)
        return next(value for key, value in entry.items() if key != "name")

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition; empty while there is none."""
        return _condition(self.read(), kind)

    def until_planned(self, transition: str) -> dict[str, Any]:
        """Wait until the plan that waits is one for this transition; the plan's view."""

        def seen() -> Any:
            request = self.read()
            status = _status_of(request)
            plan = status.get("plan") or {}
            waits = (status.get("nextAction") or {}).get("waitingFor") in plan.get("steps", [])
            return plan if waits and plan.get("transition") == transition and _is_current(request) else None

        return dict(self.world.until(f"{self.name} has a plan to {transition}", seen))

    def until(self, what: str, seen: Callable[[dict[str, Any]], Any], seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for something to stand in the status; the status."""

        def looked() -> Any:
            request = self.read()
            self._give_up_if_stalled(request, what)
            status = _status_of(request)
            return status if _is_current(request) and seen(status) else None

        return dict(self.world.until(f"{self.name}: {what}", looked, seconds))

    def decide(self, step: str, decision: str = "Approved", **different: Any) -> Answer:
        """The official whose step it is decides on the plan that waits. `different` replaces fields of the approval's spec."""
        persona = different.pop("persona", APPROVER_OF.get(step, step))
        manifest = self.approval(step, persona, decision, **different)
        text = yaml.safe_dump(manifest, allow_unicode=True)
        return self.world.kubectl(persona, "create", "-f", "-", "-o", "name", stdin=text)

    def approval(self, step: str, persona: str, decision: str, **different: Any) -> dict[str, Any]:
        """An approval as the approval system would write it."""
        request = self.read()
        status, number = request["status"], next(_numbers)
        office = different.pop("office", (status.get("nextAction") or {}).get("office"))
        spec = {
            "request": {"name": self.name, "uid": request["metadata"]["uid"]},
            "step": step,
            "decision": decision,
            "planDigest": status["plan"]["digest"],
            "office": office,
            "approver": persona,
            "documentNumber": f"九政信〔2026〕{number}号",
            **different,
        }
        return {
            "apiVersion": "govcloud.dev/v1alpha1",
            "kind": "CloudServiceApproval",
            "metadata": {"name": f"{self.name}-{step}-{number}", "namespace": self.namespace},
            "spec": spec,
        }

    def approve_all(self, transition: str) -> int:
        """Every office that the plan waits for approves, in order; the plan's number."""
        plan = self.until_planned(transition)
        for step in plan["steps"]:
            self.until(f"waits for {step}", lambda s, step=step: (s.get("nextAction") or {}).get("waitingFor") == step)  # type: ignore[misc]
            answer = self.decide(step)
            self.must_count(answer)
        return int(plan["number"])

    def must_count(self, answer: Answer) -> None:
        """Expect an approval to be accepted by admission, and to be counted by the controller."""
        if answer.refused:
            raise NotAsExpected(f"an approval was refused: {answer.err}")
        verdict = self.verdict_on(answer.out.strip())
        if verdict["status"] != "True":
            raise NotAsExpected(f"the approval {answer.out.strip()} does not count: {verdict['reason']}: {verdict['message']}")

    def refusal(self) -> str:
        """What is wrong with the spec as it is now; empty while nothing is."""
        request = self.read()
        stalled = _condition(request, "Stalled")
        return str(stalled["message"]) if stalled.get("status") == "True" and _is_current(request) else ""

    def verdict_on(self, name: str) -> dict[str, Any]:
        """The controller's condition on an approval, once it has one."""

        def seen() -> Any:
            conditions = self.world.get("csapp", name.rpartition("/")[2], self.namespace).get("status", {}).get("conditions")
            return conditions[0] if conditions else None

        return dict(self.world.until(f"the controller judges {name}", seen))

    def _give_up_if_stalled(self, request: dict[str, Any], what: str) -> None:
        stalled = _condition(request, "Stalled")
        if stalled.get("status") == "True" and _is_current(request):
            raise NotAsExpected(f"{self.name} stands still while waiting for {what!r}: {stalled['reason']}: {stalled['message']}")


# Of one reading: two readings may be of two moments


def _status_of(request: dict[str, Any]) -> dict[str, Any]:
    return dict(request.get("status") or {})


def _condition(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((c for c in _status_of(request).get("conditions", []) if c["type"] == kind), {})


def _is_current(request: dict[str, Any]) -> bool:
    """Whether the status is about the spec as it is."""
    generation: int = request["metadata"]["generation"]
    return _status_of(request).get("observedGeneration") == generation
