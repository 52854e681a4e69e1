"""What the audit log says of a backup set beside what it says of every action. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from govcloud.api.backup import BackupSpec
from govcloud.core import actions as act


def backup_spec_of(action: act.Performed) -> BackupSpec | None:
    """The backup set that an action is about; None where it is about none."""
    match action:
        case act.OpenBackup(_, spec):
            return spec
        case act.TakeBackup(backup) | act.StoreManifest(backup) | act.GiveUpBackup(backup) | act.ClearBackup(backup):
            return backup.spec
    return None


def backup_attributes(action: act.Performed) -> Mapping[str, str]:
    """Its name, and of what kind it is; of a restore, the set that data comes from, and the volume."""
    if isinstance(action, act.CopyBack | act.ProveCopy | act.HandOver | act.ClearCopies):
        restore, volume = action.plan.restore, getattr(action, "volume", None)
        return {"backup": restore.backup if restore else "", **({"volume": volume.resource} if volume else {})}
    spec = backup_spec_of(action)
    name = action.name if isinstance(action, act.OpenBackup) else getattr(getattr(action, "backup", None), "name", "")
    return {"backup": str(name)[:256], "backupKind": spec.kind} if spec else {}
