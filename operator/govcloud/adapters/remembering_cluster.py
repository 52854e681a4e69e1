"""A cluster whose statuses are believed only as far as this controller wrote them: `status.progress` of requests, the evidence of backup sets,
and which project a unit has."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from govcloud.adapters.status_book import StatusBook
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.common import as_written
from govcloud.api.unit import UnitStatus
from govcloud.core.objects import BackupObject, FoundOtherwise, RequestObject, UnitObject
from govcloud.core.remembered import Said, altered
from govcloud.failures import Stop
from govcloud.ports import Cluster

log = logging.getLogger(__name__)

PROGRESS = "progress"


def remembering(cluster: Cluster, book: StatusBook) -> Cluster:
    """The cluster, with what was written last kept in a book before it is written, and gone by when it is read."""
    return cast(Cluster, _Remembering(cluster, book))


def statuses_shown(cluster: Cluster) -> Mapping[str, Said]:
    """What there is to be taken over into a new book: all requests, their units, and all backup sets, by uid."""
    requests = cluster.requests()
    shown: dict[str, Said] = {request.key.uid: request.status.get(PROGRESS, {}) for request in requests}
    for name in sorted({str(unit) for request in requests if (unit := request.spec.get("unit"))}):
        shown |= _of_the_unit(cluster, name)
    return shown | {backup.uid: as_written(backup.status) for backup in cluster.backups()}


def _of_the_unit(cluster: Cluster, name: str) -> Mapping[str, Said]:
    try:
        unit = cluster.unit(name)
    except Stop as error:  # its requests stand still until that is put right; the others are not to wait for it
        log.warning("%s", error)
        return {}
    return {unit.uid: as_written(unit.status)} if unit else {}


@dataclass(frozen=True)
class _Remembering:
    """What is not defined here is the cluster's own."""

    cluster: Cluster
    book: StatusBook

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    # Requests

    def request(self, namespace: str, name: str) -> RequestObject | None:
        found = self.cluster.request(namespace, name)
        return self._believed(found) if found else None

    def requests(self) -> Sequence[RequestObject]:
        return [self._believed(found) for found in self.cluster.requests()]

    def write_request_status(self, request: RequestObject, status: Mapping[str, Any], labels: Mapping[str, str | None]) -> None:
        self.book.keep(request.key.uid, status.get(PROGRESS, {}))
        found = replace(request, status=request.otherwise.status) if request.otherwise else request
        self.cluster.write_request_status(found, status, labels)
        self.book.arrived(request.key.uid)

    def _believed(self, found: RequestObject) -> RequestObject:
        kept, shown = self.book.of(found.key.uid), found.status.get(PROGRESS, {})
        if shown == kept.now:
            return found
        otherwise = FoundOtherwise(found.status, altered(shown, kept) if isinstance(shown, Mapping) else (PROGRESS,))
        return replace(found, status={**found.status, PROGRESS: kept.now}, otherwise=otherwise)

    # Units

    def unit(self, name: str) -> UnitObject | None:
        found = self.cluster.unit(name)
        return replace(found, status=UnitStatus.model_validate(self.book.of(found.uid).now)) if found else None

    def write_unit_status(self, unit: UnitObject, status: UnitStatus) -> None:
        self.book.keep(unit.uid, as_written(status))
        self.cluster.write_unit_status(unit, status)

    # Backup sets

    def backup(self, name: str) -> BackupObject | None:
        """None, too, where somebody else made it: whoever opens it finds it, and whether it says what it should."""
        found = self.cluster.backup(name)
        return self._proven(found) if found is not None and self.book.knows(found.uid) else None

    def backups_of(self, uid: str) -> Sequence[BackupObject]:
        return [self._proven(found) for found in self.cluster.backups_of(uid) if self.book.knows(found.uid)]

    def backups(self) -> Sequence[BackupObject]:
        return [self._proven(found) for found in self.cluster.backups() if self.book.knows(found.uid)]

    def create_backup(self, name: str, spec: BackupSpec) -> BackupObject:
        made = self.cluster.create_backup(name, spec)
        if not self.book.knows(made.uid):
            self.book.keep(made.uid, as_written(BackupStatus()))
        return self._proven(made)

    def write_backup_status(self, backup: BackupObject, status: BackupStatus) -> None:
        self.book.keep(backup.uid, as_written(status))
        self.cluster.write_backup_status(backup, status)

    def delete_backup(self, backup: BackupObject) -> None:
        self.cluster.delete_backup(backup)
        self.book.forget(backup.uid)

    def _proven(self, found: BackupObject) -> BackupObject:
        return replace(found, status=BackupStatus.model_validate(self.book.of(found.uid).now))
