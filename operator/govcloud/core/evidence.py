"""What the audit log says of a pass: who, on whose behalf, what, why, on what. Pure: what is written, not how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from govcloud.audit.records import Action as Verb
from govcloud.audit.records import Entry, Initiator, InitiatorType, Phase, Target
from govcloud.audit.records import Outcome as Result
from govcloud.audit.records import Reason as Why
from govcloud.core import actions as act
from govcloud.core.approvals import Verdict
from govcloud.core.facts import Facts
from govcloud.core.outcome import Outcome
from govcloud.core.plan import Plan

CONTROLLER = "system:serviceaccount:govcloud-system:govcloud-controller"

_VERBS: dict[type[act.Effect | act.Note], Verb] = {
    act.Freeze: Verb.EVALUATE,
    act.AddFinalizer: Verb.UPDATE,
    act.RemoveFinalizer: Verb.UPDATE,
    act.Reject: Verb.DENY,
    act.Begin: Verb.ALLOW,
    act.BeginTrialEnd: Verb.DISABLE,
    act.AcceptBackup: Verb.VERIFY,
    act.Complete: Verb.ENABLE,
    act.EnsureUnit: Verb.CONFIGURE,
    act.Deploy: Verb.DEPLOY,
    act.WriteCredentials: Verb.CREATE,
    act.OpenBackup: Verb.BACKUP,
    act.TakeBackup: Verb.BACKUP,
    act.StoreManifest: Verb.BACKUP,
    act.Destroy: Verb.UNDEPLOY,
    act.ProveAbsence: Verb.SANITISE,
}


def intent(facts: Facts, action: act.Effect | act.Note) -> Entry:
    """The record that is durable before the action happens."""
    return _entry(facts, action, _Said(Phase.INTENT, Result.PENDING))


def outcome(facts: Facts, action: act.Effect | act.Note, result: Outcome, intent_id: str, milliseconds: int) -> Entry:
    """The record of what came of it."""
    counts = {f"engine.{name}": str(count) for name, count in result.operations.items()}
    if result.fault is None:
        return _entry(facts, action, _Said(Phase.OUTCOME, Result.SUCCESS, intent_id, "", milliseconds, counts))
    said = _Said(
        Phase.OUTCOME, Result.FAILURE, intent_id, f"{result.fault.reason}: {result.fault.message}", milliseconds, counts
    )
    return _entry(facts, action, said)


def unexpected(facts: Facts, action: act.Effect | act.Note, error: BaseException, intent_id: str) -> Entry:
    """Something that nobody foresaw ended the action: what it did is not known. Its text may hold anything, so only its type is told."""
    said = _Said(Phase.OUTCOME, Result.UNKNOWN, intent_id, f"ended by an unexpected {type(error).__name__}")
    return _entry(facts, action, said)


def refusal(facts: Facts, action: act.Refuse | act.Block) -> Entry:
    """A request that was refused, or that cannot go on."""
    if isinstance(action, act.Refuse):
        rule, article = action.violations[0].rule, action.violations[0].article or ""
        message = "; ".join(violation.sentence() for violation in action.violations)
    else:
        rule, article, message = str(action.reason), "", action.message
    return _event(facts, Verb.DENY, Result.FAILURE, Why(rule=rule, article=article), message)


def judged(facts: Facts, verdict: Verdict) -> Entry:
    """An approval that was seen: whether it counts, and why not."""
    spec = verdict.approval.spec
    why = Why(plan_digest=spec.plan_digest, rule=str(verdict.reason))
    verb = (
        Verb.REVOKE
        if spec.decision == "Revoked"
        else Verb.ALLOW
        if verdict.counts and spec.decision == "Approved"
        else Verb.DENY
    )
    entry = _event(facts, verb, Result.SUCCESS if verdict.counts else Result.FAILURE, why, verdict.message)
    return entry.model_copy(
        update={
            "initiator": Initiator(id=spec.approver, type=InitiatorType.PERSON),
            "attributes": {
                "approval": verdict.approval.name,
                "step": spec.step,
                "office": spec.office,
                "documentNumber": spec.document_number,
            },
        }
    )


def metered(facts: Facts, plan: Plan) -> Iterator[Entry]:
    """The usage ledger: what is used from now on, how much, at which price, under which plan (M1). Begins with the promotion."""
    wanted = plan.wanted()
    prices = {offering.name: offering for offering in plan.values.offerings}
    for service in wanted.services:
        parameters = service.parameters.model_dump(mode="json", by_alias=True)
        offering = prices.get(str(parameters.get("offering", "")))
        entry = _event(facts, Verb.METER, Result.SUCCESS, _why(plan), f"usage of {service.name} counts from here")
        attributes = {
            "service": service.name,
            "kind": service.kind.name,
            "offering": offering.name if offering else "",
            "quantity": str(parameters.get("count") or parameters.get("sizeGib") or parameters.get("storageGib") or 1),
            "unitPrice": offering.unit_price if offering else "0",
            "from": facts.now.isoformat(),
            "until": "",
        }
        yield entry.model_copy(update={"attributes": attributes})


def _plan_of(facts: Facts, action: act.Action) -> Plan | None:
    plan = getattr(action, "plan", None)
    return plan if isinstance(plan, Plan) else facts.started


def _why(plan: Plan | None, approvals: tuple[str, ...] = ()) -> Why:
    if plan is None:
        return Why()
    articles = ", ".join(dict.fromkeys(step.article for step in plan.steps))
    return Why(
        plan_number=plan.number,
        plan_digest=plan.digest,
        approval_digests=approvals[:16],
        rule=plan.transition,
        article=articles[:256],
    )


@dataclass(frozen=True)
class _Said:
    """What differs between the records of one action."""

    phase: Phase
    result: Result
    intent: str = ""
    message: str = ""
    milliseconds: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def _entry(facts: Facts, action: act.Effect | act.Note, said: _Said) -> Entry:
    plan = _plan_of(facts, action)
    approvals = facts.progress.operation.approvals if facts.progress.operation else ()
    return Entry(
        phase=said.phase,
        action=_VERBS[type(action)],
        outcome=said.result,
        intent=said.intent,
        initiator=_initiator(facts),
        target=_target(facts),
        request=facts.request.key.uid,
        unit=facts.unit.name if facts.unit else "",
        reason=_why(plan, approvals),
        message=(said.message or _sentence(action, plan))[:1000],
        attributes={"step": getattr(action, "step", "") or type(action).__name__, **said.attributes},
        duration_ms=said.milliseconds,
    )


def _event(facts: Facts, verb: Verb, result: Result, why: Why, message: str) -> Entry:
    return Entry(
        phase=Phase.EVENT,
        action=verb,
        outcome=result,
        initiator=_initiator(facts),
        target=_target(facts),
        request=facts.request.key.uid,
        unit=facts.unit.name if facts.unit else "",
        reason=why,
        message=message[:1000],
    )


def _initiator(facts: Facts) -> Initiator:
    applicant = facts.spec.applicant if facts.spec else ""
    return Initiator(id=CONTROLLER, type=InitiatorType.CONTROLLER, on_behalf_of=applicant)


def _target(facts: Facts) -> Target:
    key = facts.request.key
    return Target(kind="CloudServiceRequest", id=key.uid, name=f"{key.namespace}/{key.name}")


def _sentence(action: act.Action, plan: Plan | None) -> str:
    about = f" of plan {plan.number} ({plan.transition})" if plan else ""
    return f"{type(action).__name__}{about}"
