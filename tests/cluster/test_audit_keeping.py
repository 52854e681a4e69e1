"""The running controller copies its log into Swift, records legal holds; the log comes back from the copies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from adapters.s3_server import running_s3
from cluster.worlds import world_of

from devcloud import controller
from devcloud.demo.world import World
from devcloud.failures import DevCloudError
from devcloud.patience import PATIENCE
from govcloud.audit.query import search
from govcloud.audit.records import Action, Phase, Record
from govcloud.audit.removal import TARGET_KIND

pytestmark = pytest.mark.cluster

OFTEN = {"GOVCLOUD_AUDIT_SEAL_SECONDS": "10"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A controller that seals its log every ten seconds; afterwards the ordinary one runs again."""
    with world_of("keeping", Path(tmp_path_factory.mktemp("keeping")), OFTEN) as world:
        yield world


def test_the_log_is_copied_comes_back_from_the_copies_and_keeps_what_is_held(world: World, tmp_path: Path) -> None:
    name = f"case-{os.urandom(3).hex()}"
    ordered = _as_auditor(world, "hold", "add", name, "--unit", "no-such-unit", "--reason", "inspection")
    assert ordered == (0, f"ordered: {name} keeps every record of no-such-unit\n")
    hold = world.until("the hold is on record", lambda: next((hold for hold in _holds(world) if hold["name"] == name), None))
    assert (hold["by"], hold["unit"], hold["reason"]) == ("auditor", "no-such-unit", "inspection")
    before = _status(world)["records"]
    world.until("the log is copied", lambda: _status(world)["copied"] >= before)

    back = world.govcloud("audit", "restore", str(tmp_path / "back"), "--key", str(world.audit_log / "public-key"))
    assert back.code == 0, back.out + back.err
    assert back.out.startswith("ok: The audit log is whole")
    for path in sorted((tmp_path / "back" / "segments").iterdir())[:-1]:
        assert path.read_bytes() == (world.audit_log / "segments" / path.name).read_bytes()

    assert _as_auditor(world, "hold", "remove", name, "--reason", "it ended")[0] == 0
    metrics = urlopen(world.environment.health_url.replace("/healthz", "/metrics")).read().decode()  # noqa: S310
    assert "govcloud_audit_uncopied_seconds" in metrics


@pytest.mark.soak
def test_a_log_in_a_locked_bucket_survives_who_administers_the_bucket(world: World, tmp_path: Path) -> None:
    with running_s3(tmp_path) as s3:
        name, key = s3.make(locked=True), str(world.audit_log / "public-key")
        where = ("--copies", s3.url(name), "--credentials", str(s3.credentials))
        settings = {"GOVCLOUD_AUDIT_COPIES": s3.url(name), "GOVCLOUD_AUDIT_COPIES_CREDENTIALS": str(s3.credentials)}
        controller.stop(world.environment)
        before = _status(world)["records"]
        controller.start(world.environment, {**OFTEN, **settings})
        world.until("the log is copied", lambda: _metric(world, "govcloud_audit_uncopied_records") < 100)
        assert _metric(world, "govcloud_audit_copies_locked_days") == 1_095
        controller.stop(world.environment)
        for each in s3.administrator.list_objects_v2(Bucket=name)["Contents"]:
            s3.administrator.delete_object(Bucket=name, Key=each["Key"])

        back = world.govcloud("audit", "restore", str(tmp_path / "back"), "--key", key, *where)
        assert back.code == 0, back.out + back.err
        assert len(list(search(tmp_path / "back"))) >= before
        held = world.govcloud("audit", "verify", "--published", "storage", *where)
        assert held.code == 0, held.out + held.err
        behind = world.govcloud("audit", "verify", "--log", str(tmp_path / "back"), "--key", key, "--published", "storage", *where)
        assert behind.code == 2, behind.out + behind.err
        assert s3.credentials.read_text().split()[-1].encode() not in b"".join(
            path.read_bytes() for path in (world.audit_log / "segments").iterdir()
        )
    controller.start(world.environment, OFTEN)


def _metric(world: World, name: str) -> float:
    text = urlopen(world.environment.health_url.replace("/healthz", "/metrics")).read().decode()  # noqa: S310
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(f"{name} ")))


@pytest.mark.soak
def test_a_controller_killed_while_it_ships_copies_leaves_nothing_half_copied(world: World, tmp_path: Path) -> None:
    controller.stop(world.environment)
    interrupted = [_killed_while_it_ships(world) for _ in range(4)]
    assert any(interrupted), "every shipment was over before the kill"
    before = _status(world)["records"]
    controller.start(world.environment, OFTEN)
    world.until("the log is copied", lambda: _status(world)["copied"] >= before)

    assert world.govcloud("audit", "verify").code == 0
    key = str(world.audit_log / "public-key")
    back = world.govcloud("audit", "restore", str(tmp_path / "back"), "--key", key)
    assert back.code == 0, back.out + back.err
    copied = sorted((tmp_path / "back" / "segments").iterdir())[:-1]
    assert int(copied[-1].stem) > before - 100
    for path in copied:
        assert path.read_bytes() == (world.audit_log / "segments" / path.name).read_bytes()
    assert (tmp_path / "back" / "keyring").read_bytes() == (world.audit_log / "keyring").read_bytes()


def _killed_while_it_ships(world: World) -> bool:
    """Whether it was: a shipment is over in a moment, so the first one of a life is watched for from its beginning."""
    before = set((world.audit_log / "segments").iterdir())
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(controller.start, world.environment, OFTEN)
        _wait_for_a_shipment(world.audit_log, before)
        controller.kill(world.environment)
        with suppress(DevCloudError):  # it ended before it was healthy
            starting.result()
    return bool(_unsettled_shipments(world.audit_log))


def _wait_for_a_shipment(audit: Path, before: set[Path]) -> None:
    """Until a segment that was not there before holds the intent of one."""
    deadline = time.monotonic() + PATIENCE
    while not any(b'"copy records' in path.read_bytes() for path in (audit / "segments").iterdir() if path not in before):
        assert time.monotonic() < deadline, "nothing was shipped"
        time.sleep(0.002)


def _unsettled_shipments(audit: Path) -> list[Record]:
    about = [record for record in search(audit) if record.action is Action.BACKUP and record.target.kind == TARGET_KIND]
    settled = {record.intent for record in about if record.settles}
    return [record for record in about if record.phase is Phase.INTENT and record.id not in settled]


def _status(world: World) -> dict[str, int]:
    status: dict[str, int] = json.loads(world.govcloud("audit", "status", "--format", "json").out)
    return status


def _holds(world: World) -> list[dict[str, str]]:
    return [json.loads(line) for line in world.govcloud("audit", "hold", "list", "--format", "json").out.splitlines()]


def _as_auditor(world: World, *arguments: str) -> tuple[int, str]:
    answer = world.govcloud("audit", *arguments, kubeconfig=world.environment.kubeconfig_of("auditor"))
    return answer.code, answer.out
