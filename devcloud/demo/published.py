"""The checkpoints that left the controller's machine, and what they are good for: an older copy of the log is noticed."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from devcloud import controller
from devcloud.demo.world import World
from devcloud.failures import DevCloudError
from devcloud.manifests import NAMESPACE
from devcloud.paths import ROOT
from govcloud.adapters.kube_checkpoint import KEY, NAME
from govcloud.adapters.openstack_checkpoints import CONTAINER

KEPT = ROOT / "build" / "demo"


def refuse_a_log_that_was_put_back(world: World) -> None:
    """Checkpoints lie in the cluster and in object storage; an older copy of the log, put back, does not start"""
    controller.stop(world.environment)
    older = _copied(world.audit_log, KEPT / "audit-older")
    controller.start(world.environment)
    controller.stop(world.environment)  # what this short life recorded is signed and published as it ends
    for where, note in _notes(world):
        _expect_it_in_the_log(world, where, note)
    newest = world.audit_log.rename(world.audit_log.with_name("audit-newest"))
    _copied(older, world.audit_log)
    said = _refused_start(world)
    world.expect("an older copy was put back" in said, f"the controller started on an older copy of its log, or ended otherwise: {said}")
    world.saw("an older copy of the log was put back: the controller says so and does not start")
    shutil.rmtree(world.audit_log)
    newest.rename(world.audit_log)
    controller.start(world.environment)


def _notes(world: World) -> Iterator[tuple[str, str]]:
    note = world.get("configmap", NAME, NAMESPACE)["data"][KEY]
    yield f"ConfigMap {NAME}", note
    swift = world.cloud("govcloud-backups").object_store
    folder = hashlib.sha256(note.splitlines()[0].encode()).hexdigest()[:16]
    names = sorted(each.name for each in swift.objects(CONTAINER, prefix=folder))
    yield f"the last of {len(names)} objects in container {CONTAINER}", swift.download_object(names[-1], CONTAINER).decode()


def _expect_it_in_the_log(world: World, where: str, note: str) -> None:
    kept = KEPT / "checkpoint"
    kept.write_text(note, encoding="utf-8")
    verified = world.govcloud("audit", "verify", "--log", str(world.audit_log), "--from-checkpoint", str(kept))
    world.expect(verified.code == 0, f"the checkpoint in {where} is not of this log: {verified.out}{verified.err}")
    world.saw(f"{where}: a checkpoint of {note.splitlines()[1]} records, and the log contains what it signed")


def _refused_start(world: World) -> str:
    try:
        controller.start(world.environment)
    except DevCloudError as error:
        return str(error)
    return "it started"


def _copied(source: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to)
    return to
