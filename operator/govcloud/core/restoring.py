"""Which volumes a restore replaces, by what, and why it is refused: decided from the evidence of the backup set alone. Pure.

Only volumes are restored. A set is believed as far as its manifest goes; its parts are matched with the completed plan's resources by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from govcloud.api.backup import Part, PartStatus
from govcloud.api.request import RequestSpec, RestoreFrom
from govcloud.core.backup_sets import state_of
from govcloud.core.case import Case
from govcloud.core.facts import Facts
from govcloud.core.objects import BackupObject
from govcloud.core.planned_restore import PlannedRestore, PlannedVolume
from govcloud.core.proof import is_equal_to_its_source
from govcloud.core.violations import Violation
from stacks.machines import VOLUME
from stacks.program import Resource

GIB = 1 << 30
_RULE = "restore"
_SET = "spec.restoreFrom.backup"
_SERVICES = "spec.restoreFrom.services"


@dataclass(frozen=True)
class _Asked:
    """What is asked for, and what there is."""

    wish: RestoreFrom
    backup: BackupObject
    resources: dict[str, Resource]

    def parts(self) -> Sequence[Part]:
        """The parts of the set whose data is wanted back."""
        wanted = self.wish.services
        return [part for part in self.backup.spec.parts if not wanted or part.service in wanted]

    def evidence(self, part: Part) -> PartStatus | None:
        """What was read of it."""
        return next((each for each in self.backup.status.parts if each.name == part.name), None)


def restore_is_refused(case: Case) -> Iterator[Violation]:
    """Data comes back from a proven set of the unit's own, into volumes that can take it, or not at all."""
    wish = case.spec.restore_from
    if case.transition != "Restore" or wish is None:
        return
    backup = case.facts.restore_set
    refused = tuple(_set_is_refused(case, wish, backup))
    yield from refused
    if backup is not None and not refused:
        yield from _parts_are_refused(_Asked(wish, backup, _resources(case.facts)))


def planned_restore(facts: Facts, spec: RequestSpec) -> PlannedRestore | None:
    """What a plan pins of a restore that nothing stands against; None where none is asked for."""
    wish, backup = spec.restore_from, facts.restore_set
    if wish is None or backup is None or backup.status.manifest_sha256 is None:
        return None
    asked = _Asked(wish, backup, _resources(facts))
    return PlannedRestore(
        backup=backup.name,
        reason=wish.reason,
        manifest_sha256=backup.status.manifest_sha256,
        frozen_at=backup.spec.frozen_at,
        backup_project=backup.spec.backup_project,
        volumes=tuple(_planned(part, evidence) for part in asked.parts() if (evidence := asked.evidence(part)) is not None),
    )


def _planned(part: Part, evidence: PartStatus) -> PlannedVolume:
    return PlannedVolume(
        resource=part.name,
        service=part.service,
        backup_id=evidence.backup_id or "",
        sha256=evidence.source_sha256 or "",
        bytes=evidence.source_bytes or 0,
    )


def _resources(facts: Facts) -> dict[str, Resource]:
    """What the completed plan made, by name."""
    return {resource.name: resource for resource in facts.completed.resources().resources} if facts.completed else {}


def _set_is_refused(case: Case, wish: RestoreFrom, backup: BackupObject | None) -> Iterator[Violation]:
    # Of another unit's set nobody learns so much as that it is there.
    if backup is None or backup.spec.unit != case.spec.unit:
        yield _at_set(
            f"the unit {case.spec.unit} has no ServiceBackup {wish.backup!r}; kubectl get csbak lists the sets, with unit and state",
            f"单位 {case.spec.unit} 没有名为 {wish.backup} 的备份;可用 kubectl get csbak 查看",
        )
    elif backup.spec.request.uid != case.facts.request.key.uid and backup.spec.kind != "Termination":
        owner = f"{backup.spec.request.namespace}/{backup.spec.request.name}"
        yield _at_set(
            f"{backup.name} is of the request {owner}; of another request only the set counts that its termination left",
            f"{backup.name} 属于申请 {owner};其他申请的备份,只有其终止时所留的才可用于恢复",
        )
    elif (state := state_of(backup.status)) != "Verified" or not _is_proven(backup):
        yield _at_set(
            f"{backup.name} is not a proven backup (state {state}); name one in state Verified, which was restored and found equal",
            f"{backup.name} 未经恢复核验(状态 {state});请选用状态为 Verified 的备份",
        )


def _is_proven(backup: BackupObject) -> bool:
    """Whether every part was found equal, as its manifest says."""
    evidence = {part.name: part for part in backup.status.parts}
    covered = evidence.keys() == {part.name for part in backup.spec.parts}
    return covered and backup.status.manifest_sha256 is not None and all(is_equal_to_its_source(part) for part in evidence.values())


def _parts_are_refused(asked: _Asked) -> Iterator[Violation]:
    held = {part.service for part in asked.backup.spec.parts}
    if missing := sorted(set(asked.wish.services) - held):
        listed = ", ".join(sorted(held)) or "-"
        yield _at_services(
            f"{asked.backup.name} holds no data of {', '.join(missing)}; it has data of: {listed}",
            f"{asked.backup.name} 中没有 {'、'.join(missing)} 的数据;现有:{listed}",
        )
    elif not held:
        yield _at_set(f"{asked.backup.name} holds no data", f"{asked.backup.name} 中没有数据")
    for part in asked.parts():
        yield from _part_is_refused(asked, part)


def _part_is_refused(asked: _Asked, part: Part) -> Iterator[Violation]:
    if part.how != "Volume":
        yield _other_than_a_volume(part)
        return
    resource, evidence = asked.resources.get(part.name), asked.evidence(part)
    if resource is None or resource.type != VOLUME:
        yield _at_services(
            f"this request has no volume {part.name} for the data of {part.service}; ask for the service as it was first, or name the others",
            f"本申请没有与 {part.service} 对应的云硬盘 {part.name};请先按原样申请该服务,或只列出其他服务",
        )
    elif evidence is not None and (size := resource.inputs.get("size")) is not None and int(str(size)) * GIB < (evidence.source_bytes or 0):
        needed = -(-(evidence.source_bytes or 0) // GIB)
        yield _at_services(
            f"the data of {part.name} has {needed} GiB and the volume {size}; let it grow to {needed} GiB by a change first",
            f"{part.name} 的备份为 {needed} GiB,现有云硬盘为 {size} GiB;请先申请扩容至 {needed} GiB",
        )


_WAY_OUT = {
    "Container": (
        "a container is not restored in place: leave {service} out of services, and have operations copy its objects back (docs/backup.md)",
        "对象存储不能就地恢复:请在 services 中不列 {service},由运维人员将对象逐一拷回(见 docs/backup.md)",
    ),
    "DatabaseVolume": (
        "a database of the cloud's own service cannot be given another volume: leave {service} out of services, and have operations restore its "
        "backup beside it (docs/backup.md)",
        "云数据库服务不能更换其数据盘:请在 services 中不列 {service},由运维人员另行恢复其备份后导入(见 docs/backup.md)",
    ),
}


def _other_than_a_volume(part: Part) -> Violation:
    en, zh = _WAY_OUT[part.how]
    return _at_services(en.format(service=part.service), zh.format(service=part.service))


def _at_set(en: str, zh: str) -> Violation:
    return Violation(_RULE, _SET, en, zh)


def _at_services(en: str, zh: str) -> Violation:
    return Violation(_RULE, _SERVICES, en, zh)
