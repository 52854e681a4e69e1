"""Regular backups, which a completed plan names for its protection level 等保 (S3, S4): when one begins, what comes next, when one is given up. Pure.

Nothing is stopped for them and nothing waits for them, but for what would remove the very volumes that they hold snapshots of.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import count

from govcloud.api.backup import MOST_PARTS, BackedUpRequest, BackupSpec, Part
from govcloud.api.progress import Failure
from govcloud.core.actions import ClearBackup, GiveUpBackup, OpenBackup, StoreManifest, TakeBackup
from govcloud.core.backup_sets import differs, holds_helpers, is_running, named_after
from govcloud.core.existing import data_that_exists, not_backed_up, parts_of, resources_that_exist
from govcloud.core.facts import Facts
from govcloud.core.objects import BackupObject
from govcloud.core.plan import Plan
from govcloud.reasons import Reason

Step = OpenBackup | TakeBackup | StoreManifest | GiveUpBackup | ClearBackup


def next_step(facts: Facts, taken: Collection[str] = ()) -> Step | None:
    """What has to be done now for the regular backups of a request; None where nothing has.

    `taken`: names under which somebody else put something in the way. A backup gets another one.
    """
    if not _is_known_and_free(facts):
        return None
    if (running := next((backup for backup in facts.regular if is_running(backup)), None)) is not None:
        return _go_on_with(facts, running)
    failed = (backup for backup in facts.regular if holds_helpers(backup) and _may_be_tried(backup.status.clearing, facts.now))
    if (left := next(failed, None)) is not None:
        return ClearBackup(left)
    return _begin(facts, taken)


def due_at(facts: Facts) -> datetime | None:
    """When the next regular backup is due: an interval after the last one was begun, whatever became of it.

    The first comes an interval after the first plan was completed. None where the plan names no interval or nothing holds data.
    """
    plan = facts.completed
    every = plan.values.backup_every_days if plan else None
    if every is None or facts.progress.terminated_at is not None or not parts_of(data_that_exists(facts)):
        return None
    trial = facts.progress.trial
    since = max((backup.spec.frozen_at for backup in facts.regular), default=trial.started_at if trial else facts.progress.production_since)
    return since + timedelta(days=every) if since else None


def must_let_go(facts: Facts) -> bool:
    """Whether something that holds data is to be removed: no snapshot of it may be in the way."""
    operation, started = facts.progress.operation, facts.started
    if facts.progress.terminated_at is not None or (operation is not None and operation.transition == "Terminate"):
        return True
    doomed = {name for name, what in started.allowed() if what in ("delete", "replace")} if started else set()
    return any(resource.holds_data and resource.name in doomed for resource in resources_that_exist(facts))


def in_the_way(facts: Facts) -> tuple[BackupObject, ...]:
    """The regular backups whose snapshots would keep that from being removed."""
    return tuple(backup for backup in facts.regular if holds_helpers(backup)) if must_let_go(facts) else ()


def _is_known_and_free(facts: Facts) -> bool:
    """Whether it is known what there is, and nobody ordered that nothing is done."""
    held_up = facts.admission.fault is not None or facts.pause is not None
    unknown = facts.unreadable is not None or facts.state_is_lost or facts.damaged or facts.missing_plans
    return not held_up and not unknown


def _go_on_with(facts: Facts, backup: BackupObject) -> Step | None:
    if (why := _why_given_up(facts, backup)) is not None:
        return GiveUpBackup(backup, *why)
    if not _may_be_tried(backup.status.failure, facts.now):
        return None
    finished = backup.status.parts and all(part.state == "Cleaned" for part in backup.status.parts)
    return StoreManifest(backup) if finished else TakeBackup(backup)


def _why_given_up(facts: Facts, backup: BackupObject) -> tuple[Reason, str] | None:
    failure = backup.status.failure
    if wrong := differs(backup.status):
        told = f"the restored backup of {', '.join(wrong)} differs from what was backed up; backup and restored copy are kept as evidence"
        return Reason.BACKUP_MISMATCH, told
    if failure is not None and failure.kind == "Stop":
        return Reason(failure.reason), failure.message
    if must_let_go(facts):
        return Reason.TERMINATING, "what it is of is about to be removed"
    if (due := due_at(facts)) is not None and facts.now >= due:
        reason, told = (Reason(failure.reason), f": {failure.message}") if failure else (Reason.BACKUP_RUNNING, "")
        return reason, f"it did not end before the next one was due{told}"
    return None


def _begin(facts: Facts, taken: Collection[str]) -> OpenBackup | None:
    plan, due = facts.completed, due_at(facts)
    project = facts.unit.status.project_id if facts.unit else None
    if plan is None or due is None or project is None or facts.now < due or must_let_go(facts):
        return None
    if len(parts := parts_of(data_that_exists(facts))) > MOST_PARTS:
        return None
    after = max((backup.spec.number for backup in facts.regular), default=0)
    number = next(number for number in count(after + 1) if regular_backup_name(plan, number) not in taken)
    return OpenBackup(regular_backup_name(plan, number), _spec(facts, plan, number, project, parts))


def regular_backup_name(plan: Plan, number: int) -> str:
    """Name of a request's regular backup: by its uid and number, so that whoever comes after a crash finds it."""
    return f"{named_after(plan.request.name)}-{plan.request.uid[:8]}-regular-{number}"


def _spec(facts: Facts, plan: Plan, number: int, project: str, parts: tuple[Part, ...]) -> BackupSpec:
    kept = plan.values.backup_kept_days or plan.values.backup_retention_days
    return BackupSpec(
        kind="Regular",
        number=number,
        request=BackedUpRequest(namespace=plan.request.namespace, name=plan.request.name, uid=plan.request.uid),
        unit=plan.unit,
        jurisdiction=plan.values.jurisdiction,
        plan=plan.number,
        plan_digest=plan.digest,
        project_id=project,
        backup_project=plan.values.backup_project,
        quarantine_project=plan.values.quarantine_project,
        frozen_at=facts.now,
        parts=parts,
        not_covered=not_backed_up(data_that_exists(facts)),
        retain_until=facts.now + timedelta(days=kept),
    )


def _may_be_tried(failure: Failure | None, now: datetime) -> bool:
    return failure is None or failure.retry_at is None or failure.retry_at <= now
