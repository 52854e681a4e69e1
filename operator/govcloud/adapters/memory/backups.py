"""The backup and quarantine projects in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from govcloud.adapters.memory.cloud import MemoryCloud, Thing
from govcloud.adapters.memory.wire import Wire
from govcloud.api.backup import BackupSpec, Part, PartState, PartStatus
from govcloud.core.canonical import canonical
from govcloud.core.objects import (
    BackupObject,
)
from govcloud.failures import Stop
from govcloud.reasons import Reason

_NEXT: Mapping[PartState, PartState] = {
    "Pending": "Frozen",
    "Frozen": "SourceRead",
    "SourceRead": "BackedUp",
    "BackedUp": "Restored",
    "Restored": "RestoreRead",
    "RestoreRead": "Verified",
    "Verified": "Cleaned",
}


class MemoryBackups:
    """`ports.Backups`. Copies the contents of things into things of the backup project, and back into the quarantine project.

    Attributes:
        corrupt: names of parts whose restored copy differs from the source.
        manifests: location -> text.
        quiesced: names of parts that were told to write everything down.
    """

    def __init__(self, wire: Wire, cloud: MemoryCloud) -> None:
        self._wire, self._cloud = wire, cloud
        self.corrupt: set[str] = set()
        self.manifests: dict[str, str] = {}
        self.quiesced: set[str] = set()

    def quiesce(self, spec: BackupSpec, part: str) -> None:
        """Note that a database was told to stop."""
        if _part(spec, part).how == "DatabaseVolume":
            with self._wire.write(f"backup.quiesce {part}"):
                self.quiesced.add(part)

    def advance(self, backup: BackupObject, part: PartStatus) -> PartStatus:
        """Do the next step of a part."""
        step = _NEXT[part.state]
        with self._wire.write(f"backup.{step} {part.name}"):
            return self._advance(backup, part, step)

    def changed(self, backup: BackupObject) -> Mapping[str, str]:
        """Parts whose source holds something else than was read of it."""
        read = {part.name: part.source_sha256 for part in backup.status.parts}
        there = {part.name: self._cloud.contents.get(part.source_id) for part in backup.spec.parts}
        return {name: f"{name} changed after its backup was proven" for name, now in there.items() if now is not None and _sha(now) != read[name]}

    def clear(self, backup: BackupObject) -> None:
        """Remove what was made of it; the evidence of a mismatch stays."""
        states = {part.name: part.state for part in backup.status.parts}
        kept = {f"{name}-backup" for name in states} if "Mismatch" in states.values() else set()
        kept |= {f"{name}-restored" for name, state in states.items() if state == "Mismatch"}
        self._remove("clear", backup, kept)

    def purge(self, backup: BackupObject) -> None:
        """Remove all that was made of it."""
        self._remove("purge", backup, set())

    def _remove(self, what: str, backup: BackupObject, kept: set[str]) -> None:
        for thing in self._cloud.things():
            if thing.key.startswith(f"{backup.spec.request.uid}/{backup.name}/") and thing.name not in kept:
                with self._wire.write(f"backup.{what} {thing.name}"):
                    self._cloud.remove(thing.id)

    def store_manifest(self, backup: BackupObject) -> tuple[str, str]:
        """Keep the evidence as canonical JSON."""
        text = canonical(backup.status.model_dump(mode="json", by_alias=True, exclude_none=True))
        location = f"govcloud-manifests/{backup.name}.json"
        with self._wire.write("backup.manifest"):
            self.manifests[location] = text
        return location, hashlib.sha256(text.encode()).hexdigest()

    def _advance(self, backup: BackupObject, part: PartStatus, step: PartState) -> PartStatus:
        spec = backup.spec
        source = _part(spec, part.name)
        match step:
            case "Frozen":
                if spec.kind != "Regular":
                    self._refuse_running_servers(spec)
                snapshot = self._copy(backup, part, "snapshot", spec.backup_project, source.source_id)
                return part.model_copy(update={"state": step, "ids": {"snapshot": snapshot.id}})
            case "SourceRead":
                read = self._cloud.contents[part.ids["snapshot"]]
                return part.model_copy(update={"state": step, "source_sha256": _sha(read), "source_bytes": len(read)})
            case "BackedUp":
                kept = self._copy(backup, part, "backup", spec.backup_project, part.ids["snapshot"])
                return part.model_copy(update={"state": step, "backup_id": kept.id})
            case "Restored":
                restored = self._copy(backup, part, "restored", spec.quarantine_project, str(part.backup_id))
                if part.name in self.corrupt:
                    self._cloud.contents[restored.id] += b"?"
                return part.model_copy(update={"state": step, "ids": {**part.ids, "restored": restored.id}})
            case "RestoreRead":
                read = self._cloud.contents[part.ids["restored"]]
                return part.model_copy(
                    update={"state": step, "restored_sha256": _sha(read), "restored_bytes": len(read)}
                )
            case "Verified":
                same = (part.source_sha256, part.source_bytes) == (part.restored_sha256, part.restored_bytes)
                return part.model_copy(update={"state": step if same else "Mismatch"})
            case _:
                for id_ in part.ids.values():
                    self._cloud.remove(id_)
                return part.model_copy(update={"state": step, "ids": {}})

    def _refuse_running_servers(self, spec: BackupSpec) -> None:
        """A source that something can still write to is not frozen."""
        running = [
            thing.name
            for thing in self._cloud.things(spec.project_id)
            if (thing.owner, thing.inputs.get("power_state")) == (spec.request.uid, "active")
        ]
        if running:
            raise Stop(Reason.INVALID_INPUT, f"servers are still on: {', '.join(running)}")

    def _copy(self, backup: BackupObject, part: PartStatus, step: str, project: str, source: str) -> Thing:
        key = f"{backup.spec.request.uid}/{backup.name}/{part.name}/{step}"
        found = self._cloud.made_by(project, key)
        if found is None and source not in self._cloud.contents:
            raise Stop(Reason.INVALID_INPUT, f"{part.name} names {source}, which is not there")
        if found is None:
            found = self._cloud.make(f"memory:{step}", project, f"{part.name}-{step}", "", key, {"of": source})
            self._cloud.contents[found.id] = self._cloud.contents[source]
        return found


def _part(spec: BackupSpec, name: str) -> Part:
    return next(part for part in spec.parts if part.name == name)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
