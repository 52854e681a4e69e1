"""Plans that restore, made by hand: for tests of what carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from govcloud.api.backup import PartStatus
from govcloud.api.request import RequestKey
from govcloud.core.plan import Plan, Values, planned_changes
from govcloud.core.planned_restore import PlannedRestore, PlannedVolume
from stacks.diff import diff
from stacks.program import Program
from stacks.program_json import to_json
from stacks.transform import Origin, made_from

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def restoring(key: RequestKey, unit: str, running: Program, statuses: Mapping[str, PartStatus], number: int = 2) -> Plan:
    """The plan that gives the volumes of these names, which are all of service `data`, what was backed up of them."""
    volumes = tuple(
        PlannedVolume(
            resource=name, service="data", backup_id=str(status.backup_id), sha256=str(status.source_sha256), bytes=int(status.source_bytes or 0)
        )
        for name, status in statuses.items()
    )
    wanted = made_from(running, {each.resource: Origin(each.backup_id, f"restore-{number}") for each in volumes})
    restore = PlannedRestore(
        backup="the-set", reason="误删", manifest_sha256="0" * 64, frozen_at=MOMENT, backup_project="govcloud-backups", volumes=volumes
    )
    values = Values(
        catalog="2026", offerings=(), images=(), pack="jiujiang", edition=date(2026, 1, 1), jurisdiction="jiujiang", external_network="public",
        backup_project="govcloud-backups", quarantine_project="govcloud-quarantine", trial_days=15, extension_days=0, cooling_off_days=0,
        backup_retention_days=365,
    )  # fmt: skip
    return Plan(
        request=key, number=number, generation=2, previous=None, base_plan=1, base_running=True, unit=unit, applicant="li.na", transition="Restore",
        stage="Trial", spec={}, values=values, steps=(), program=to_json(wanted), diff=planned_changes(diff(running, wanted)), quota={}, prices=(),
        monthly_cost="0.00", restore=restore,
    )  # fmt: skip
