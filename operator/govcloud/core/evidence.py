"""What the audit log says of a pass: who, on whose behalf, what, why, on what. Pure: what is written, not how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from govcloud.api.progress import Drift
from govcloud.api.reservation import Reservation
from govcloud.audit import usage
from govcloud.audit.records import Action as Verb
from govcloud.audit.records import Entry, Initiator, InitiatorType, Phase, Target, escape_invisible
from govcloud.audit.records import Outcome as Result
from govcloud.audit.records import Reason as Why
from govcloud.core import actions as act
from govcloud.core.accounts import NOTHING, Holder, as_money, ref_to
from govcloud.core.backup_evidence import backup_attributes, backup_spec_of
from govcloud.core.drift import NAMED_AT_ONCE, as_told
from govcloud.core.facts import Facts
from govcloud.core.guard import Admission
from govcloud.core.outcome import Outcome
from govcloud.core.plan import Plan, PlannedPrice
from govcloud.core.standing import Verdict
from govcloud.core.waiver_words import RULE, attributes_of, waiver_attributes
from govcloud.core.waiver_words import waived as sentences
from govcloud.reasons import Reason

DRIFT = "drift"
CONTROLLER = "system:serviceaccount:govcloud-system:govcloud-controller"
BY_CONTROLLER = Initiator(id=CONTROLLER, type=InitiatorType.CONTROLLER)
"""Who acts where the controller acts for nobody else."""

_VERBS: dict[type[act.Performed], Verb] = {
    act.Freeze: Verb.EVALUATE,
    act.AddFinalizer: Verb.UPDATE,
    act.RemoveFinalizer: Verb.UPDATE,
    act.Reject: Verb.DENY,
    act.Reserve: Verb.RESERVE,
    act.SettleReservation: Verb.RESERVE,
    act.Begin: Verb.ALLOW,
    act.TryAgain: Verb.EVALUATE,
    act.BeginRebuild: Verb.EVALUATE,
    act.BeginTrialEnd: Verb.DISABLE,
    act.FinishStep: Verb.VERIFY,
    act.Complete: Verb.ENABLE,
    act.EnsureUnit: Verb.CONFIGURE,
    act.Deploy: Verb.DEPLOY,
    act.RebuildState: Verb.REPAIR,
    act.WriteCredentials: Verb.CREATE,
    act.OpenBackup: Verb.BACKUP,
    act.TakeBackup: Verb.BACKUP,
    act.StoreManifest: Verb.BACKUP,
    act.CopyBack: Verb.RESTORE,
    act.ProveCopy: Verb.VERIFY,
    act.HandOver: Verb.RESTORE,
    act.ClearCopies: Verb.DELETE,
    act.GiveUpBackup: Verb.EVALUATE,
    act.ClearBackup: Verb.DELETE,
    act.LookAgain: Verb.VERIFY,
    act.Destroy: Verb.UNDEPLOY,
    act.ProveAbsence: Verb.SANITISE,
}


def intent(facts: Facts, action: act.Performed) -> Entry:
    """The record that is durable before the action happens."""
    return _entry(facts, action, _Said(Phase.INTENT, Result.PENDING))


def outcome(facts: Facts, action: act.Performed, result: Outcome, intent_id: str, milliseconds: int) -> Entry:
    """The record of what came of it."""
    counts = {f"engine.{name}": str(count) for name, count in result.operations.items()}
    if result.fault is None:
        return _entry(facts, action, _Said(Phase.OUTCOME, Result.SUCCESS, intent_id, "", milliseconds, counts))
    said = _Said(
        Phase.OUTCOME, Result.FAILURE, intent_id, f"{result.fault.reason}: {result.fault.message}", milliseconds, counts
    )
    return _entry(facts, action, said)


def unexpected(facts: Facts, action: act.Performed, error: BaseException, intent_id: str) -> Entry:
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


def resumed(facts: Facts, pause: str) -> Entry:
    """A request that goes on after a pause; `pause` is what was said of it while it held."""
    return _event(facts, Verb.ENABLE, Result.SUCCESS, Why(rule=str(Reason.PAUSED)), f"resumed: no pause holds any more. Before: {pause}")


def altered(facts: Facts, fields: tuple[str, ...]) -> Entry:
    """That somebody else wrote into the status what decisions rest on. A crash may have it written twice."""
    why = Why(plan_number=facts.progress.completed_plan, rule=str(Reason.STATUS_ALTERED))
    entry = _event(facts, Verb.REPAIR, Result.SUCCESS, why, told_of(fields))
    return entry.model_copy(update={"initiator": BY_CONTROLLER})


def told_of(altered: tuple[str, ...]) -> str:
    """The sentence for people."""
    return f"status.progress was not as this controller wrote it last ({', '.join(altered)}); it goes by its own record, and has put that back"


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
            "initiator": Initiator(id=escape_invisible(spec.approver)[:256], type=InitiatorType.PERSON),
            "attributes": {
                "approval": verdict.approval.name,
                "step": spec.step,
                "office": spec.office,
                "documentNumber": spec.document_number,
                **({"keyId": spec.signature.key_id} if spec.signature else {}),
            },
        }
    )


def drifted(facts: Facts, drift: tuple[Drift, ...]) -> Entry:
    """What a look at the cloud found. A crash may have it written twice: written again, it says the same."""
    why = Why(plan_number=facts.progress.completed_plan, rule=DRIFT)
    entry = _event(facts, Verb.MONITOR, Result.FAILURE if drift else Result.SUCCESS, why, as_told(drift))
    named = {f"drift.{n}": f"{each.resource} {each.type} {each.id}"[:256] for n, each in enumerate(drift[:NAMED_AT_ONCE], 1)}
    return entry.model_copy(update={"initiator": BY_CONTROLLER, "attributes": named})


def guarded(admission: Admission) -> Entry | None:
    """That admission was found unguarded, or is guarded again, and from when to when it may not have been; None where that is no news."""
    before, now = admission.remembered, admission.guard
    if before.windows == now.windows:
        return None
    window = now.windows[-1]
    since = f"{window.since:%Y-%m-%dT%H:%M:%SZ}" if window.since else "the beginning"
    if window.until is None:
        what = f"since {since} the admission policies may not have been intact: {admission.fault}"
    else:
        what = f"the admission policies are intact; from {since} to {window.until:%Y-%m-%dT%H:%M:%SZ} they may not have been"
    return Entry(
        phase=Phase.EVENT,
        action=Verb.MONITOR,
        outcome=Result.FAILURE if now.is_open else Result.SUCCESS,
        initiator=BY_CONTROLLER,
        target=Target(kind="ValidatingAdmissionPolicy", name="deploy/admission"),
        reason=Why(rule=str(Reason.ADMISSION_POLICY_MISSING)),
        message=f"{what[:900]}; unsigned decisions of that time never count",
    )


def freed(holder: Holder, reservation: Reservation, result: Result = Result.PENDING, intent: str = "") -> Entry:
    """Money that was reserved for a request which does not exist any more becomes free again: the intent, or with `intent` its outcome."""
    account = ref_to(holder, getattr(reservation, "item", ""))
    return Entry(
        phase=Phase.OUTCOME if intent else Phase.INTENT,
        action=Verb.RESERVE,
        outcome=result,
        intent=intent,
        initiator=BY_CONTROLLER,
        target=Target(kind=account.kind, id=holder.uid, name=holder.name),
        request=reservation.uid,
        message=f"{reservation.namespace}/{reservation.name} is gone: the {reservation.yearly} yuan a year reserved for it become free",
        attributes={"account": str(account), "yearly": as_money(NOTHING)},
    )


def metered(facts: Facts, plan: Plan) -> Iterator[Entry]:
    """The usage ledger (M1): what a completed plan changes in what is used, how much of it, and at which price.

    Begins with the promotion (M2: the trial costs nothing), ends with the termination. A crash may have it written twice: written again,
    it says the same.
    """
    in_production = facts.progress.production_since is not None
    if not in_production and not (plan.transition == "Promote" or plan.stage == "Production"):
        return
    before = _used_by(facts.completed) if in_production and facts.completed else {}
    after = _used_by(plan)
    initiator, reason = _initiator(facts), _why(plan)
    for key, price in after.items():
        if before.get(key) != price:
            yield usage.start_entry(_item(facts, price), _rate(price), facts.now, initiator=initiator, reason=reason)
    for key in sorted(before.keys() - after.keys()):
        # Started and ended at one moment is nothing used: so a repeated end is no end of what does not run.
        item, rate = _item(facts, before[key]), _rate(before[key])
        yield usage.start_entry(item, rate, facts.now, initiator=initiator, reason=reason)
        yield usage.stop_entry(item, facts.now, initiator=initiator, reason=reason)


def waived(facts: Facts, action: act.Begin) -> Iterator[Entry]:
    """What an approved plan gives up without a proven backup, one record a part: by which document, and by which approval of the unit (S2)."""
    consents = {verdict.approval.spec.step: verdict.approval.name for verdict in action.standing.approved}
    why = _why(action.plan, tuple(verdict.approval.uid for verdict in action.standing.approved)).model_copy(update={"rule": RULE})
    for waiver, sentence in zip(action.plan.waivers, sentences(action.plan), strict=True):
        entry = _event(facts, Verb.ALLOW, Result.SUCCESS, why, sentence.en)
        yield entry.model_copy(update={"attributes": dict(attributes_of(waiver, consents.get(waiver.consent, "")))})


def _used_by(plan: Plan) -> dict[tuple[str, str], PlannedPrice]:
    return {(price.service, price.item): price for price in plan.prices}


def _item(facts: Facts, price: PlannedPrice) -> usage.Item:
    if (unit := facts.unit) is None:
        return usage.Item(facts.request.key.uid, "", price.service, price.item)
    return usage.Item(facts.request.key.uid, unit.name, price.service, price.item, unit.spec.jurisdiction, unit.spec.county or "")


def _rate(price: PlannedPrice) -> usage.Rate:
    measure = "instance" if price.unit == "month" else "GiB"
    return usage.Rate(Decimal(price.quantity), measure, Decimal(price.unit_price))


def _plan_of(facts: Facts, action: act.Performed) -> Plan | None:
    if (backup := backup_spec_of(action)) is not None:
        return facts.plans.get(backup.plan)
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


def _entry(facts: Facts, action: act.Performed, said: _Said) -> Entry:
    plan = _plan_of(facts, action)
    approvals = facts.progress.operation.approvals if facts.progress.operation and plan == facts.started else ()
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
        attributes={
            "effect": type(action).__name__,
            "step": getattr(action, "step", "") or type(action).__name__,
            **_money(action),
            **backup_attributes(action),
            **waiver_attributes(action),
            **said.attributes,
        },
        duration_ms=said.milliseconds,
    )


def _money(action: act.Performed) -> Mapping[str, str]:
    """From which account how much, in yuan a year."""
    if isinstance(action, act.Reserve | act.SettleReservation):
        return {"account": str(action.account), "yearly": as_money(action.yearly)}
    return {}


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
    return Initiator(id=CONTROLLER, type=InitiatorType.CONTROLLER, on_behalf_of=escape_invisible(applicant)[:256])


def _target(facts: Facts) -> Target:
    key = facts.request.key
    return Target(kind="CloudServiceRequest", id=key.uid, name=f"{key.namespace}/{key.name}")


def _sentence(action: act.Performed, plan: Plan | None) -> str:
    if isinstance(action, act.GiveUpBackup):
        return f"{action.backup.name} is given up: {action.reason}: {action.message}"
    about = f" of plan {plan.number} ({plan.transition})" if plan else ""
    return f"{type(action).__name__}{about}"
