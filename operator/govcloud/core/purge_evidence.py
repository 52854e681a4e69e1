"""What the audit log says of backups whose retention is over. Pure."""

from __future__ import annotations

from govcloud.audit.records import Action as Verb
from govcloud.audit.records import Entry, Phase, Target
from govcloud.audit.records import Outcome as Result
from govcloud.audit.records import Reason as Why
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.core.purging import ClearOrphan, Forget, Purge, Step

PURGE_RULE = "backup-retention"
_VERBS = {Purge: Verb.SANITISE, Forget: Verb.DELETE, ClearOrphan: Verb.DELETE}
_EFFECTS = {Purge: "PurgeBackup", Forget: "ForgetBackup", ClearOrphan: "ClearOrphanedBackup"}
_SENTENCES = {
    Purge: "the retention of {name} ended {until:%Y-%m-%dT%H:%M:%SZ}: its data is deleted",
    Forget: "{name} was purged: its ServiceBackup is deleted, its manifest stays",
    ClearOrphan: "the request of {name} is gone: what it made so far is deleted",
}


def purge_entry(step: Step, result: Result = Result.PENDING, intent: str = "", message: str = "") -> Entry:
    """The intent, or with `intent` its outcome."""
    spec, kind = step.backup.spec, type(step)
    told = _SENTENCES[kind].format(name=step.backup.name, until=spec.retain_until)
    return Entry(
        phase=Phase.OUTCOME if intent else Phase.INTENT,
        action=_VERBS[kind],
        outcome=result,
        intent=intent,
        initiator=BY_CONTROLLER,
        target=Target(kind="CloudServiceRequest", id=spec.request.uid, name=f"{spec.request.namespace}/{spec.request.name}"),
        request=spec.request.uid,
        unit=spec.unit,
        reason=Why(plan_number=spec.plan, plan_digest=spec.plan_digest, rule=PURGE_RULE),
        message=(message or told)[:1000],
        attributes={
            "effect": _EFFECTS[kind],
            "step": _EFFECTS[kind],
            "backup": step.backup.name,
            "backupKind": spec.kind,
            "manifestSha256": step.backup.status.manifest_sha256 or "",
        },
    )
