"""Who may open a log, where, and what a new one is."""

from pathlib import Path

import pytest
from audit.logs import KEY, QuickFiles, event, open_log

from govcloud.audit.errors import AuditUnavailable
from govcloud.audit.files import RealFiles
from govcloud.audit.layout import Layout


def test_one_writer_only(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(AuditUnavailable, match=rf"^Another process already writes the audit log in {tmp_path}$"):
        open_log(tmp_path)
    log.close()
    open_log(tmp_path).close()


def test_a_shared_file_system_is_refused(tmp_path: Path) -> None:
    class Shared(QuickFiles):
        def kind(self, directory: Path) -> str:
            return kind if directory == tmp_path else "ext4"

    for kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.s3fs", "fuse.sshfs", "fuse.glusterfs"):
        with pytest.raises(AuditUnavailable, match=rf"^The audit log must be on a local disk; {tmp_path} is on {kind}$"):
            open_log(tmp_path, Shared())


def test_a_new_log_lies_durably_in_its_directory_with_its_key(tmp_path: Path) -> None:
    flushed = list[Path]()

    class Watched(QuickFiles):
        def flush_directory(self, path: Path) -> None:
            flushed.append(path)

    open_log(tmp_path / "audit", Watched()).close()
    assert flushed[:2] == [tmp_path, tmp_path / "audit"]
    assert Layout(tmp_path / "audit").public_key.read_text() == KEY.text() + "\n"
    assert {path.name for path in (tmp_path / "audit").iterdir() if path.is_dir()} == {"segments", "hashes", "trees", "starts", "checkpoints", "reads"}


def test_the_kind_of_this_disk_is_found(tmp_path: Path) -> None:
    assert RealFiles().kind(tmp_path) not in ("", "unknown")
    assert RealFiles().kind(Path("/proc/self")) == "proc"


def test_files_are_not_readable_by_everybody(tmp_path: Path) -> None:
    log = open_log(tmp_path / "audit", RealFiles())
    log.append(event())
    log.close()
    assert [path for path in (tmp_path / "audit").rglob("*") if path.stat().st_mode & 0o007] == []
