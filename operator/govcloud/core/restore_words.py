"""What people read of a restore before they decide on it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from govcloud.core.plan import Plan
from govcloud.core.said import Said


def restored(plan: Plan) -> Iterator[Said]:
    """Whose data takes the place of what, and that nothing is replaced unproven; nothing for a plan that restores nothing."""
    if (restore := plan.restore) is None:
        return
    names, moment = ", ".join(volume.resource for volume in restore.volumes), f"{restore.frozen_at:%Y-%m-%d %H:%M} UTC"
    yield Said(
        f"以备份 {restore.backup}({moment})的数据替换 {names} 的现有数据,事由:{restore.reason}",
        f"The data of {names} becomes that of the backup {restore.backup}, of {moment}. Why: {restore.reason}",
    )
    yield Said(
        "先恢复备份并逐字节核验;再停机备份现有数据并核验;均无误后方才替换",
        "The backup is restored and compared byte for byte first; then the servers stop, and what is there now is backed up and proven; only then it is replaced",
    )
