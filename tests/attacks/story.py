"""What every story of an attack does: bring a request to where it is attacked, and see that a decision does not count, and that the log says why."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from attacks.place import Place, again, filed_as

from devcloud.demo import looks, witness
from devcloud.demo.requests import Request
from devcloud.demo.world import Answer, World


@dataclass
class Story:
    """One attack, on requests of its own."""

    world: World
    place: Place
    began: str = field(default_factory=lambda: now())
    refused: dict[str, str] = field(default_factory=dict)
    """Decision -> the reason for which it did not count."""

    def planned(self, name: str = "mine", *, servers: bool = True) -> Request:
        """A request that waits for its first office."""
        make = self.place.request if servers else self.place.network_only
        asked = make(f"{name}-{os.urandom(4).hex()}")
        asked.apply()
        asked.until_planned("Provision")
        return asked

    def in_trial(self, *, servers: bool = True) -> Request:
        """A request whose trial runs."""
        asked = self.planned(servers=servers)
        number = asked.approve_all("Provision")
        asked.until("the trial runs", lambda s: s["progress"].get("completedPlan") == number)
        return asked

    def must_not_count(self, asked: Request, answer: Answer, *reasons: str) -> None:
        """Let in by admission, which cannot know; refused by the controller for one of the reasons, as has to be on record in the end."""
        assert not answer.refused, f"admission cannot know this, but refused: {answer.err}"
        name = answer.out.strip().rpartition("/")[2]
        verdict = asked.verdict_on(name)
        assert verdict["status"] == "False" and verdict["reason"] in reasons, verdict
        self.refused[name] = verdict["reason"]

    def all_of_it_is_on_record(self) -> None:
        judged = {(r["attributes"]["approval"], r["reason"]["rule"]) for r in witness.records(self.world) if "approval" in r.get("attributes", {})}
        assert judged >= set(self.refused.items())

    def replayed(self, asked: Request, answer: Answer) -> Answer:
        """A decision filed once more, by the official who made it."""
        number = f"九重放〔2026〕{os.urandom(4).hex()}号"
        old = again(self.world, asked, answer, number)
        return filed_as(self.world, old["spec"]["approver"], old)

    def nothing_in_the_cloud(self, asked: Request) -> None:
        assert looks.everything_of(self.world, asked.uid) == []

    def writes(self) -> int:
        """How many writes the cloud saw so far about the attacked unit and its requests."""
        return witness.writes_about(self.world, self.place.name, self.place.uid)

    def must_be_told_of_the_policies(self, *outcomes: str) -> None:
        """Wait until that, and nothing else, stands in the audit log: that a window closes is recorded by whoever looks next."""
        self.world.until(f"the log tells of the policies: {', '.join(outcomes)}", lambda: self.windows() == list(outcomes))

    def windows(self) -> list[str]:
        """What the audit log says of the policies since the story began: failure where one opens, success where it ends."""
        records = witness.records(self.world)
        return [r["outcome"] for r in records if r["target"]["kind"] == "ValidatingAdmissionPolicy" and r["time"] > self.began]

    def claimed(self, asked: Request, progress: dict[str, Any]) -> Answer:
        """The administrator writes into the status what only the controller writes."""
        lie = f"--patch={json.dumps({'status': {'progress': progress}})}"
        return self.world.kubectl(None, "patch", "csreq", asked.name, "-n", asked.namespace, "--subresource=status", "--type=merge", lie)

    def alterations(self, asked: Request) -> list[str]:
        """What the audit log says of statuses of the request that somebody else wrote."""
        uid = asked.uid
        told = (r for r in witness.records(self.world) if r.get("reason", {}).get("rule") == "StatusAltered")
        return [r["message"] for r in told if r["target"].get("id") == uid]

    def rights(self, binding: str) -> list[str]:
        """What the audit log says of the rights that a binding grants, by the reasons."""
        target = f"{self.place.name}/{binding}"
        about = (r for r in witness.records(self.world) if (r["target"]["kind"], r["target"].get("name")) == ("RoleBinding", target))
        return [r["reason"]["rule"] for r in about]

    def log_is_whole(self) -> None:
        verified = self.world.govcloud("audit", "verify", "--log", str(self.world.audit_log))
        assert verified.code == 0, verified.out + verified.err


def in_another_second(world: World, decision: str, namespace: str) -> None:
    """Decisions of one second have no order but that a revocation comes last: the API server dates them to the second only."""
    made = world.get("csapp", decision.rpartition("/")[2], namespace)["metadata"]["creationTimestamp"]
    world.until("another second has begun", lambda: now() > made)


def waits_for(asked: Request, step: str) -> None:
    """Also through a moment in which it stands still, as it does until the policies are seen again."""
    asked.world.until(f"{asked.name} waits for {step}", lambda: (asked.current_status.get("nextAction") or {}).get("waitingFor") == step)


def stalled(asked: Request, reason: str) -> dict[str, Any] | None:
    """The condition, where the request stands still for this reason."""
    found = asked.condition("Stalled")
    return found if (found.get("status"), found.get("reason")) == ("True", reason) else None


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
