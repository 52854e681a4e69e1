"""The proof without which nothing that holds data can be destroyed. Only `prove` makes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass

from govcloud.api.backup import PartStatus
from govcloud.core.existing import Holding
from govcloud.core.objects import BackupObject
from govcloud.core.plan import Plan

_SEAL = object()


@dataclass(frozen=True)
class VerifiedBackup:
    """Every part of a frozen source was restored from its backup and is equal to it, byte for byte, for this very plan."""

    backup: str
    plan: int
    digests: tuple[tuple[str, str], ...]
    seal: InitVar[object] = None
    """Not kept: so a proof cannot be turned into another one with `dataclasses.replace` either."""

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a VerifiedBackup is made by govcloud.core.proof.prove, from evidence, and by nothing else")


def prove(backup: BackupObject | None, plan: Plan, holdings: Sequence[Holding]) -> VerifiedBackup | None:
    """The proof, if the evidence holds.

    Args:
        holdings: what holds data and exists, and is not waived; the backup must cover each, by its very id.

    Returns:
        None unless the backup was made for exactly this plan, covers every part, and every part's restored copy has the size and the
        SHA-256 of its source.
    """
    if backup is None or backup.spec.kind == "Regular" or (backup.spec.plan, backup.spec.plan_digest) != (plan.number, plan.digest):
        return None
    if backup.spec.request.uid != plan.request.uid or backup.status.manifest_sha256 is None:
        return None
    evidence = {part.name: part for part in backup.status.parts}
    if not {holding.as_part() for holding in holdings} <= set(backup.spec.parts) or {p.name for p in backup.spec.parts} != evidence.keys():
        return None
    if not all(is_equal_to_its_source(part) for part in evidence.values()):
        return None
    digests = tuple(sorted((name, str(part.source_sha256)) for name, part in evidence.items()))
    return VerifiedBackup(backup.name, plan.number, digests, _SEAL)


def is_equal_to_its_source(part: PartStatus) -> bool:
    """Whether the restored copy has the size and the digest of its source; nothing missing counts as equal."""
    read = part.source_sha256, part.source_bytes
    return part.state == "Cleaned" and None not in read and read == (part.restored_sha256, part.restored_bytes)
