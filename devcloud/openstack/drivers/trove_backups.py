"""Trove's backups: archives in the object store of the instance's owner."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from trove.backup import models, state
from trove.common import cfg

from devcloud.patience import PATIENCE

PIECE = 1 << 20


def store(context: Any, backup_info: dict[str, Any], make: Callable[[Path], None]) -> None:
    """Has an archive made, uploads it, and tells Trove where it is; or that it failed, and raises what went wrong."""
    backup = models.Backup.get_by_id(context, backup_info["id"])
    try:
        with tempfile.TemporaryDirectory(prefix="govcloud-") as directory:
            archive = Path(directory) / "backup.tar"
            make(archive)
            backup.location = _upload(context, backup_info, archive)
            backup.checksum = _md5(archive)
            backup.size = round(archive.stat().st_size / (1 << 30), 2)
        backup.state = state.BackupState.COMPLETED
    except Exception:
        backup.state = state.BackupState.FAILED
        raise
    finally:
        backup.save()


def _upload(context: Any, backup_info: dict[str, Any], archive: Path) -> str:
    container = f"{backup_info['swift_url']}/{backup_info.get('swift_container') or cfg.CONF.backup_swift_container}"
    location = f"{container}/{backup_info['id']}.tar"
    _put(context, container, None)
    with archive.open("rb") as file:
        _put(context, location, file)
    return location


def _put(context: Any, url: str, content: Any) -> None:
    requests.put(url, data=content, headers=_token(context), timeout=PATIENCE).raise_for_status()


@contextmanager
def fetched(context: Any, backup_info: dict[str, Any] | None) -> Iterator[Path | None]:
    """The archive that a new instance starts from, as a file; None if it starts from no backup in the object store."""
    if not backup_info or backup_info.get("storage_driver", "swift") != "swift":
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="govcloud-", suffix=".tar") as file:
        with requests.get(backup_info["location"], headers=_token(context), stream=True, timeout=PATIENCE) as answer:
            answer.raise_for_status()
            for piece in answer.iter_content(PIECE):
                file.write(piece)
        file.flush()
        yield Path(file.name)


def _token(context: Any) -> dict[str, str]:
    return {"X-Auth-Token": context.auth_token, "User-Agent": "trove-guest"}


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
