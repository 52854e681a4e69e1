"""The plan, the resources, the endpoints and the cost, as the status shows them."""

from __future__ import annotations

from collections.abc import Mapping

from govcloud.api.request_status import ChangeView, EndpointView, PlanView, ResourceView
from govcloud.core.drift import in_words
from govcloud.core.facts import Facts
from govcloud.core.funding import payers_of
from govcloud.core.plan import Plan, revision_name
from govcloud.core.report.view import View
from govcloud.core.waiver_words import waived
from govcloud.core.words import TRANSITIONS_ZH
from stacks.request import endpoints_in, service_of


def plan_view(plan: Plan, facts: Facts) -> PlanView:
    """The plan as it is decided on: what changes, what it costs, who decides."""
    counts = {
        kind: sum(1 for c in plan.diff if c.operation == kind) for kind in ("create", "update", "replace", "delete")
    }
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no change"
    payers, unsaved, (back_zh, back_en) = payers_of(plan), waived(plan), _put_back(plan)
    return PlanView(
        number=plan.number,
        revision=revision_name(plan.request, plan.number),
        transition=plan.transition,
        digest=plan.digest,
        digest_sm3=plan.digest_sm3,
        monthly_cost=plan.monthly_cost,
        steps=tuple(step.step for step in plan.steps),
        diff=tuple(ChangeView(service=c.service, resource=c.resource, type=c.type, operation=c.operation.title(), fields=c.fields) for c in plan.diff),
        quota={name: value for name, value in plan.quota.items() if value},
        backup_every_days=plan.values.backup_every_days,
        departures=tuple(departure.sentence()[:2000] for departure in plan.departures),
        waived=tuple(f"{each.en} / {each.zh}"[:2000] for each in unsaved),
        summary_zh=f"{TRANSITIONS_ZH[plan.transition]}{back_zh}:{_counted_zh(counts)}{_unsaved_zh(len(unsaved))};月费上限 {plan.monthly_cost} 元{payers.zh}",
        summary_en=f"{plan.transition}{back_en}: {said}{_unsaved_en(len(unsaved))}; at most {plan.monthly_cost} yuan a month{payers.en}",
    )  # fmt: skip


def _put_back(plan: Plan) -> tuple[str, str]:
    if not plan.repairs:
        return "", ""
    zh, en = in_words(plan.repairs)
    return f"(恢复 {zh})", f" (puts back {en})"


def _unsaved_zh(parts: int) -> str:
    return f",其中 {parts} 项数据不经备份即销毁" if parts else ""


def _unsaved_en(parts: int) -> str:
    return f", {parts} of what holds data WITHOUT a backup" if parts else ""


def _counted_zh(counts: Mapping[str, int]) -> str:
    words = {"create": "新建", "update": "修改", "replace": "重建", "delete": "删除"}
    return ",".join(f"{word} {counts[kind]}" for kind, word in words.items() if counts[kind]) or "无变化"


def running_cost(view: View) -> str | None:
    """What is paid now: nothing in a trial (JJ 16), the completed plan's cost in production."""
    plan = view.facts.plans.get(view.progress.completed_plan or 0)
    return plan.monthly_cost if plan and view.progress.production_since else "0.00" if plan else None


def resources(facts: Facts) -> tuple[ResourceView, ...]:
    """What the cloud holds for the request, each with the service that it belongs to."""
    programs = [plan.resources() for plan in (facts.completed, facts.started) if plan]
    services = {r.name: next((s for p in programs if (s := service_of(p, r.name))), "") for r in facts.resources}
    return tuple(
        ResourceView(service=services[r.name], name=r.name, type=r.type, id=r.id)
        for r in sorted(facts.resources, key=lambda r: r.name)
    )


def endpoints(view: View) -> tuple[EndpointView, ...]:
    """Where the services are reached, once there is something to reach."""
    if view.progress.completed_plan is None or view.progress.terminated_at:
        return ()
    return tuple(
        EndpointView(service=e.service, name=e.name, address=e.address, port=e.port)
        for e in endpoints_in(view.facts.outputs)
    )
