"""The evidence of a backup, kept beside the backup itself: a ServiceBackup that was lost can be made again from it.

Container `govcloud-manifests` of the backup project holds `<request uid>/<backup>/manifest.json`, and for each container
that was backed up `<request uid>/<backup>/<part>.objects` with one line an object (`openstack_object_lines`).
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import rfc8785

from govcloud.adapters.openstack_backup_names import manifest_effect
from govcloud.adapters.openstack_failures import SOON
from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_swift import Container
from govcloud.api.backup import BackupSpec, PartStatus
from govcloud.api.common import API_VERSION
from govcloud.failures import Retry
from govcloud.ports import BackupObject
from govcloud.reasons import Reason

MANIFESTS = "govcloud-manifests"
FORMAT = 1


def manifest_of(backup: BackupObject, cinder_records: dict[str, Any]) -> bytes:
    """The manifest: canonical JSON (RFC 8785) of what was to be backed up and of the evidence.

    Args:
        cinder_records: by part, what `cinder backup-import` needs to know a backup again when Cinder's database is lost.
    """
    status = backup.status.model_dump(mode="json", by_alias=True, exclude_none=True, include={"parts", "verified_at"})
    document = {
        "apiVersion": API_VERSION,
        "kind": "ServiceBackup",
        "format": FORMAT,
        "name": backup.name,
        "uid": backup.uid,
        "spec": backup.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": status,
        "cinderRecords": cinder_records,
    }
    return bytes(rfc8785.dumps(document))


def store_manifest(login: Login, backup: BackupObject) -> tuple[str, str]:
    """Store the manifest: (container/object in the backup project, SHA-256 of its bytes as 64 hexadecimal digits)."""
    records = {part.name: _cinder_record(login, part) for part in backup.status.parts if _lies_in_cinder(backup, part)}
    text = manifest_of(backup, records)
    location = store_beside(login, backup.name, backup.spec, "manifest.json", text, "application/json")
    return location, hashlib.sha256(text).hexdigest()


def store_beside(login: Login, backup: str, spec: BackupSpec, name: str, content: bytes, content_type: str) -> str:
    """Store a piece of evidence of a backup; says where."""
    container = Container(login, login.project_id, MANIFESTS)
    path = f"{_folder(backup, spec)}{quote(name, safe='')}"
    with manifest_effect(backup, spec):
        container.make({})
        container.put(path, content, content_type)
    return f"{MANIFESTS}/{path}"


def remove_lists(login: Login, backup: BackupObject) -> None:
    """Delete the lists of objects of a set: names may tell as much as contents. The manifest stays.

    Raises:
        Retry: one is still listed.
    """
    container, folder = Container(login, login.project_id, MANIFESTS), _folder(backup.name, backup.spec)
    if not container.exists():
        return
    with manifest_effect(backup.name, backup.spec, "purge"):
        for listed in _lists(container, folder):
            container.remove(listed)
    if left := _lists(container, folder):
        raise Retry(Reason.CONFLICT, f"{left[0]} is still listed after its deletion", SOON)


def _lists(container: Container, folder: str) -> list[str]:
    return [listed.name for listed in container.objects(folder) if listed.name.endswith(".objects")]


def _folder(backup: str, spec: BackupSpec) -> str:
    return f"{spec.request.uid}/{quote(backup, safe='')}/"


def _lies_in_cinder(backup: BackupObject, part: PartStatus) -> bool:
    how = {each.name: each.how for each in backup.spec.parts}
    return how.get(part.name) != "Container" and part.backup_id is not None


def _cinder_record(login: Login, part: PartStatus) -> Any:
    return login.get("block-storage", f"/backups/{part.backup_id}/export_record")["backup-record"]
