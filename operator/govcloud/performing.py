"""Carrying actions out: the only writes to the cloud, and to the cluster all but statuses of requests and approvals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any, assert_never

from govcloud.api.backup import PartStatus
from govcloud.api.common import Condition
from govcloud.api.progress import Failure
from govcloud.core import actions as act
from govcloud.core.accounts import reservation_of
from govcloud.core.backup_sets import holds_helpers, is_regular, with_changes
from govcloud.core.ending_steps import backup_name
from govcloud.core.facts import Facts
from govcloud.core.objects import BackupObject, UnitObject
from govcloud.core.outcome import Outcome
from govcloud.core.plan import Plan
from govcloud.core.report import credentials_secret
from govcloud.failures import Retry, Stop
from govcloud.observe import status_of
from govcloud.ports import Ports
from govcloud.reasons import Reason
from govcloud.reserving import reserve, settle
from stacks.kind import Quota
from stacks.program import Program
from stacks.request import credentials_in


@dataclass
class Performer:
    """Does what was decided. Safe to use from several threads, one request in each."""

    ports: Ports
    _units: Mapping[str, Lock] = field(default_factory=lambda: defaultdict(Lock))

    def perform(self, facts: Facts, action: act.Performed) -> Outcome:
        """Do it.

        Raises:
            Retry, Stop: it could not be done; what was done of it stays, and is found by the next attempt.
        """
        cluster, key = self.ports.cluster, facts.request.key
        match action:
            case act.AddFinalizer():
                cluster.add_finalizer(facts.request)
            case act.RemoveFinalizer():
                cluster.remove_finalizer(facts.request)
            case act.Reserve(plan, account, yearly):
                reserve(cluster, account, reservation_of(key, plan.number, yearly, facts.now))
            case act.SettleReservation(account, yearly):
                settle(cluster, account, reservation_of(key, facts.progress.completed_plan or 0, yearly, facts.now))
            case act.Freeze(plan):
                self.ports.frozen.note(plan)
                cluster.pin_plan(key, plan.number, plan.text())
            case act.EnsureUnit(_, unit, hold):
                self._ensure_unit(facts, unit, hold)
            case act.Deploy(_, plan, unit, program, allowed, anew=anew):
                return Outcome(operations=self.ports.stacks.up(key, unit, plan.number, program, allowed, anew).operations)
            case act.RebuildState(plan, unit, program, may_be_missing):
                return self._rebuild_state(facts, plan, unit, program, may_be_missing)
            case act.WriteCredentials():
                self._write_credentials(facts)
            case act.OpenBackup(name, spec):
                cluster.create_backup(name, spec)
            case act.TakeBackup(backup):
                self._take_backup(backup)
            case act.StoreManifest(backup):
                self._store_manifest(facts, backup)
            case act.CopyBack(plan, volume):
                self.ports.restores.copy(plan, volume)
            case act.ProveCopy(plan, volume):
                self.ports.restores.prove(plan, volume)
            case act.HandOver(plan, unit, volume):
                self.ports.restores.hand_over(plan, volume, unit)
            case act.ClearCopies(_, plan):
                self._clear_restore(facts, plan)
            case act.GiveUpBackup(backup, reason, message):
                self._give_up(facts, backup, reason, message)
            case act.ClearBackup(backup):
                self.ports.backups.clear(backup)
                self._note(backup, clearing=None, cleared_at=facts.now, failed_at=backup.status.failed_at or facts.now)
            case act.LookAgain(_, backup):
                self._look_again(facts, backup)
            case act.Destroy(_, plan, unit):
                return Outcome(operations=self.ports.stacks.destroy(key, unit, plan.number).operations)
            case act.ProveAbsence(_, unit):
                self._prove_absence(facts, unit)
            case act.Begin() | act.TryAgain() | act.BeginRebuild() | act.BeginTrialEnd() | act.Reject() | act.FinishStep() | act.Complete():
                pass  # these are written down in the status, nowhere else
            case _:
                assert_never(action)
        return Outcome()

    def _ensure_unit(self, facts: Facts, unit: UnitObject, hold: Quota) -> None:
        """The unit's quota is the sum of what its requests hold. The lock makes the last writer the one who saw all of them."""
        if facts.jurisdiction is None:
            raise Stop(
                Reason.JURISDICTION_MISSING, f"the Jurisdiction {unit.spec.jurisdiction!r} is gone; create it again"
            )
        with self._units[unit.uid]:
            quota = sum((held for held in self._held_by_others(facts, unit)), start=hold)
            access = self.ports.stacks.ensure_unit(unit, facts.jurisdiction, quota)
            status = unit.status.model_copy(
                update={
                    "project_id": access.project_id,
                    "quota": dict(vars(quota)),
                    "observed_generation": unit.generation,
                    "conditions": (_project_ready(facts, unit),),
                }
            )
            self.ports.cluster.write_unit_status(unit, status)

    def _held_by_others(self, facts: Facts, unit: UnitObject) -> list[Quota]:
        others = (
            r
            for r in self.ports.cluster.requests()
            if r.key.uid != facts.request.key.uid and r.spec.get("unit") == unit.name
        )
        return [Quota(**status_of(request).progress.allocated) for request in others]

    def _rebuild_state(
        self, facts: Facts, plan: Plan, unit: UnitObject, program: Program, may_be_missing: frozenset[str]
    ) -> Outcome:
        """The unit's stack first: it finds its own objects by their marks, and the request's are looked up with its credential."""
        self._ensure_unit(facts, unit, Quota(**facts.progress.allocated))
        rebuilt = self.ports.stacks.rebuild(facts.request.key, unit, plan.number, program, may_be_missing)
        return Outcome(operations=rebuilt.operations)

    def _write_credentials(self, facts: Facts) -> None:
        outcome = self.ports.stacks.outcome(facts.request.key)
        values = credentials_in(outcome.outputs) if outcome else {}
        self.ports.cluster.write_secret(facts.request.key, credentials_secret(facts.request.key.name), values)

    def _take_backup(self, backup: BackupObject) -> None:
        """Every unfinished part one step on, side by side: the cloud works on one while another is being read."""
        known = {part.name: part for part in backup.status.parts}
        parts = [known.get(part.name) or PartStatus(name=part.name) for part in backup.spec.parts]
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="backup") as pool:
            tasks = [pool.submit(self._advance, backup, part) for part in parts]
        # A part that failed keeps its old state; the others keep what they reached. The first failure is told.
        moved = tuple(_after(part, task) for part, task in zip(parts, tasks, strict=True))
        failed = next((error for task in tasks if (error := task.exception())), None)
        self._note(backup, parts=moved, **({} if failed else {"failure": None}))
        if failed:
            raise failed

    def _advance(self, backup: BackupObject, part: PartStatus) -> PartStatus:
        if part.state in ("Cleaned", "Mismatch"):
            return part
        if part.state == "Pending" and not is_regular(backup):
            self.ports.backups.quiesce(backup.spec, part.name)
        return self.ports.backups.advance(backup, part)

    def _store_manifest(self, facts: Facts, backup: BackupObject) -> None:
        location, digest = self.ports.backups.store_manifest(backup)
        verified = Condition(
            type="Ready",
            status="True",
            reason=Reason.BACKUP_VERIFIED,
            message="every part equals its source",
            last_transition_time=facts.now,
        )
        self._note(
            backup, manifest_location=location, manifest_sha256=digest, verified_at=facts.now, conditions=(verified,), failure=None
        )

    def _look_again(self, facts: Facts, backup: BackupObject) -> None:
        """What changed since it was proven is a mismatch from now on, and no proof any more."""
        if not (changed := self.ports.backups.changed(backup)):
            return
        told = "; ".join(changed.values())
        parts = tuple(
            part.model_copy(update={"state": "Mismatch", "message": changed[part.name]}) if part.name in changed else part
            for part in backup.status.parts
        )
        self._note(backup, parts=parts, conditions=(_backup_not_ready(facts, Reason.BACKUP_MISMATCH, told),))
        raise Stop(Reason.BACKUP_MISMATCH, f"{told}. Nothing is destroyed")

    def _clear_restore(self, facts: Facts, plan: Plan) -> None:
        """A backup that is finished stays, as evidence of what was there; one that is not holds snapshots."""
        self.ports.restores.clear(plan)
        safeguard = self.ports.cluster.backup(backup_name(plan))
        if safeguard is not None and holds_helpers(safeguard):
            self.ports.backups.clear(safeguard)
            self._note(safeguard, failed_at=facts.now, cleared_at=facts.now)

    def _give_up(self, facts: Facts, backup: BackupObject, reason: Reason, message: str) -> None:
        failure = Failure(kind="Stop", reason=reason, message=message[:2000])
        self._note(backup, failed_at=facts.now, failure=failure, conditions=(_backup_not_ready(facts, reason, message),))

    def _note(self, backup: BackupObject, **changes: Any) -> None:
        self.ports.cluster.write_backup_status(backup, with_changes(backup.status, **changes))

    def _prove_absence(self, facts: Facts, unit: UnitObject) -> None:
        if unit.status.project_id is None:
            return
        if left := self.ports.cloud.marked(unit.status.project_id, facts.request.key.uid):
            names = ", ".join(f"{found.type} {found.id}" for found in left[:10])
            raise Retry(
                Reason.RESOURCE_FAILED,
                f"{len(left)} objects of this request are still in the unit's project: {names}",
                timedelta(seconds=10),
            )


def _after(part: PartStatus, task: Future[PartStatus]) -> PartStatus:
    """How a part stands after an attempt at its next step."""
    error = task.exception()
    if error is None:
        return task.result().model_copy(update={"failure": None})
    return part.model_copy(update={"failure": f"{error.reason}: {error.message}"[:2000] if isinstance(error, Stop) else None})


def _backup_not_ready(facts: Facts, reason: Reason, message: str) -> Condition:
    return Condition(type="Ready", status="False", reason=reason, message=message[:4000], last_transition_time=facts.now)


def _project_ready(facts: Facts, unit: UnitObject) -> Condition:
    old = next((c for c in unit.status.conditions if c.type == "Ready" and c.status == "True"), None)
    since = old.last_transition_time if old else facts.now
    return Condition(
        type="Ready", status="True", reason="ProjectReady", message="project and quota are as approved",
        observed_generation=unit.generation, last_transition_time=since,
    )  # fmt: skip
