"""Whether the audit log is kept as long as every regulation pack demands."""

from __future__ import annotations

from collections.abc import Iterable

from policies.rules import Pack


def retention_fault(days: int, packs: Iterable[Pack]) -> str | None:
    """What is wrong with keeping records for so many days, in one sentence; None when nothing is."""
    for pack in packs:
        for demanded in (edition.log_retention for edition in pack.editions):
            if days < demanded.value:
                return f"the pack {pack.id} demands {demanded.value} days ({demanded.source.cite()}); {days} is too few"
    return None
