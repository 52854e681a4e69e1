"""What is destroyed without a proven backup, in words that cannot be overlooked, and as the audit log has it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from govcloud.api.progress import TerminationRecord
from govcloud.core import actions as act
from govcloud.core.plan import Plan, PlannedWaiver
from govcloud.core.said import Said
from stacks.request import data_of

RULE = "waived-backup"

_GROUNDS = {
    "NoBackupPossible": Said("平台无法备份", "the platform cannot back it up"),
    "BackupMismatch": Said("备份恢复后与源不一致", "its restored backup differs from the source"),
    "BackupFailed": Said("备份失败", "its backup failed"),
}
_REASONS = {
    "TakenOver": Said("使用单位已自行迁出数据", "the unit has taken the data over itself"),
    "NotNeeded": Said("使用单位无需保留", "the unit needs it no longer"),
}


def waived(plan: Plan) -> tuple[Said, ...]:
    """One grave sentence for each part that the plan gives up."""
    return tuple(_told(waiver) for waiver in plan.waivers)


def _told(waiver: PlannedWaiver) -> Said:
    ground, reason = _GROUNDS[waiver.ground], _REASONS[waiver.reason]
    return Said(
        f"不经备份即销毁:{waiver.part}(服务 {waiver.service});{ground.zh};{reason.zh}:{waiver.zh};使用单位文件 {waiver.number},SHA-256 {waiver.sha256}",
        f"Will be destroyed WITHOUT a backup: {waiver.part} (service {waiver.service}); {ground.en}; {reason.en}: {waiver.en}; "
        f"document {waiver.number} of the unit, SHA-256 {waiver.sha256}",
        grave=True,
    )


def not_saved(plan: Plan) -> tuple[Said, ...]:
    """What of the services that the plan leads to the platform does not back up."""
    names = ", ".join(part.name for _, part in data_of(plan.resources()) if part.how == "NotBackedUp")
    if not names:
        return ()
    return (
        Said(
            f"平台不备份 {names} 的数据,请使用单位自行备份;终止时须由使用单位书面豁免后方可销毁",
            f"The platform does not back up the data of {names}: the unit does so itself, and they end only by a waiver of the unit",
        ),
    )


def given_up(record: TerminationRecord | None) -> Said | None:
    """What a termination gave up without a proven backup; None where it gave up nothing."""
    if record is None or not record.waived:
        return None
    names = ", ".join(f"{part.part} ({part.number})" for part in record.waived)
    return Said(f"使用单位书面同意不经备份即销毁:{names}", f"given up WITHOUT a backup, by documents of the unit: {names}", grave=True)


def waiver_attributes(action: act.Performed) -> Mapping[str, str]:
    """For the audit log, of an action under a plan that gives something up: which rule, what, and once the approvals count the unit's own."""
    match action:
        case act.Freeze(plan) | act.Begin(plan) if plan.waivers:
            return {"waiverRule": RULE, "waived": _names(plan.waivers)}
        case act.Destroy(waived=given) | act.FinishStep(waived=given) if given is not None:
            return {"waiverRule": RULE, "waived": _names(given.waivers), "consents": ", ".join(given.consents)[:256]}
    return {}


def attributes_of(waiver: PlannedWaiver, consent: str) -> Mapping[str, str]:
    """For the audit log, of one part: on which ground it is given up, by which document and by which approval of the unit."""
    return {
        "part": waiver.part,
        "resource": waiver.source_id,
        "ground": waiver.ground,
        "documentNumber": waiver.number,
        "documentSha256": waiver.sha256,
        "consent": consent,
    }


def _names(waivers: tuple[PlannedWaiver, ...]) -> str:
    return ", ".join(waiver.part for waiver in waivers)[:256]
