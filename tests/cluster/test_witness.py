"""A witness in a process of its own signs what the running controller publishes, and keeps it from running on an older copy of its log."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cluster.worlds import world_of

from devcloud import controller
from devcloud.demo.world import World
from devcloud.failures import DevCloudError
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE
from devcloud.ports import choose
from govcloud.audit.cosignatures import COSIGNATURE, cosigned_at
from govcloud.audit.notes import PublicKey, SignedCheckpoint, parse
from govcloud.audit.proofs import newest_checkpoint
from govcloud.audit.witness import SIZE, Submission

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

CHECKPOINT_MAP = "govcloud-audit-checkpoint"


@dataclass(frozen=True)
class Watched:
    """A controller whose log has a witness, and the log as it was before."""

    world: World
    url: str
    key: PublicKey
    older: Path

    def settings(self) -> dict[str, str]:
        return {"GOVCLOUD_WITNESS_URL": self.url, "GOVCLOUD_WITNESS_KEY": self.key.text()}

    def start(self) -> None:
        controller.start(self.world.environment, self.settings())

    def stop(self) -> None:
        controller.stop(self.world.environment)

    def published(self) -> SignedCheckpoint:
        return parse(self.world.get("configmap", CHECKPOINT_MAP, "govcloud-system")["data"]["checkpoint"])

    def cosigned(self) -> datetime | None:
        return cosigned_at(self.published(), self.key)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Afterwards the ordinary controller runs again."""
    with world_of("witness", tmp_path) as world:
        controller.stop(world.environment)
        shutil.copytree(world.audit_log, tmp_path / "older")
        port = choose(["witness"], {})["witness"]
        witness = _witness(tmp_path, world.audit_log / "public-key", port)
        try:
            assert witness.stdout is not None
            key = PublicKey.parse(witness.stdout.readline(), COSIGNATURE)
            yield Watched(world, f"http://127.0.0.1:{port}", key, tmp_path / "older")
        finally:
            witness.terminate()
            witness.wait(PATIENCE)
            controller.stop(world.environment)
            controller.start(world.environment)


def _witness(directory: Path, log_key: Path, port: int) -> subprocess.Popen[str]:
    """The auditor's own process: it has the log's public key, and neither the cluster nor the log."""
    command = ["-m", "govcloud", "witness", "--state", str(directory / "witness"), "--name", "audit.example.gov.cn"]
    where = ["--log-key", str(log_key), "--listen", f"127.0.0.1:{port}"]
    return subprocess.Popen(
        [sys.executable, *command, *where], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "operator")},
    )  # fmt: skip


def test_what_is_published_is_cosigned_and_a_log_that_was_rolled_back_is_refused(watched: Watched) -> None:
    watched.start()
    at = watched.world.until("the published checkpoint has the witness's signature", watched.cosigned)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    watched.stop()

    audit, newest = watched.world.audit_log, watched.older.with_name("newest")
    last, old = watched.published(), newest_checkpoint(watched.older)
    assert last.checkpoint.size > old.checkpoint.size
    assert watched.cosigned(), "what the end of the controller signed was taken to the witness too"

    refused = requests.post(f"{watched.url}/add-checkpoint", data=Submission(0, (), old).body().encode(), timeout=PATIENCE)
    assert (refused.status_code, refused.text) == (409, f"{last.checkpoint.size}\n")
    assert refused.headers["Content-Type"] == SIZE

    audit.rename(newest)
    shutil.copytree(watched.older, audit)
    try:
        with pytest.raises(DevCloudError, match=f"the witness has a checkpoint of {last.checkpoint.size} records"):
            watched.start()
        assert newest_checkpoint(audit) == old, "nothing is written to the older copy"
    finally:
        shutil.rmtree(audit)
        newest.rename(audit)
