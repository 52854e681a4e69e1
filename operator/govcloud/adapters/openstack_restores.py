"""`Restores` on OpenStack: a backup becomes a volume in quarantine, is read, and goes over to the unit's project by a volume transfer.

Nothing is overwritten: the volume that is there stays as it is until the engine's run replaces it. Wherever this dies, the next call looks
where the copy is: in quarantine under its helper's name, there under its final mark, or in the unit's project under that mark.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

from govcloud.adapters.openstack_adoption import Adoption, one_of
from govcloud.adapters.openstack_bench import Bench
from govcloud.adapters.openstack_helper_volumes import (
    VOLUME_TYPE,
    awaited,
    helper_volume,
    read_volume,
    remove,
    remove_images,
)
from govcloud.adapters.openstack_login import Json, Login
from govcloud.adapters.openstack_restore_names import COPY, HANDOVER, IMAGE, Restoration
from govcloud.adapters.openstack_waiting import Poller
from govcloud.core.objects import UnitObject
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from govcloud.failures import Stop
from govcloud.reasons import Reason

_TRANSFER_TYPE = "openstack:blockstorage/volumeTransfer:VolumeTransfer"
_WITH_KEYS = "3.70"
"""Cinder of Wallaby: from this microversion on an encrypted volume is transferred together with its key."""


class OpenStackRestores:
    """Makes copies with the controller's logins, and accepts them with the unit's own.

    Args:
        login: the login scoped to the project of that name; `CloudLogins` is one.
        unit_login: the login with which the unit's requests are carried out.
        poller: how patiently to wait for Cinder and Glance.
    """

    def __init__(self, login: Callable[[str], Login], unit_login: Callable[[UnitObject], Login], poller: Poller | None = None) -> None:
        self._login = login
        self._unit_login = unit_login
        self._poller = poller or Poller()
        self._adoption = Adoption(self._poller.clock)
        self._readers = threading.BoundedSemaphore(os.cpu_count() or 1)

    def copy(self, plan: Plan, volume: PlannedVolume) -> None:
        """A new volume made of the backup, in quarantine."""
        self._copied(Restoration(plan, volume), self._bench(plan))

    def prove(self, plan: Plan, volume: PlannedVolume) -> None:
        """Read the copy.

        Raises:
            Stop: it is not what was backed up.
        """
        restoration, bench = Restoration(plan, volume), self._bench(plan)
        self._proven(restoration, bench, self._copied(restoration, bench))

    def hand_over(self, plan: Plan, volume: PlannedVolume, unit: UnitObject) -> None:
        """Give the copy its final size and marks, and let the unit's project have it."""
        restoration, bench, ours = Restoration(plan, volume), self._bench(plan), self._unit_login(unit)
        if (there := _marked(ours, restoration)) is None:
            copy = _marked(bench.quarantine, restoration) or self._made_anew_if_gone(restoration, bench)
            _transfer(restoration, bench, ours, _labelled(restoration, bench, _grown(restoration, bench, _held_back(restoration, bench, copy))))
        awaited(ours, bench, "volumes", there["id"] if there else _required(ours, restoration)["id"])

    def clear(self, plan: Plan) -> None:
        """Remove the copies, and the images that they were read by."""
        bench = self._bench(plan)
        for volume in plan.restore.volumes if plan.restore else ():
            restoration = Restoration(plan, volume)
            remove_images(bench.quarantine, restoration, IMAGE)
            remove(bench.quarantine, bench, restoration, "volumes", COPY)

    def _copied(self, restoration: Restoration, bench: Bench) -> Json:
        backup = bench.backups.get("block-storage", f"/backups/{restoration.volume.backup_id}")["backup"]
        typed = {"volume_type": restoration.volume_type} if restoration.volume_type else {}
        return helper_volume(bench.quarantine, bench, restoration, COPY, {"backup_id": backup["id"], "size": backup["size"], **typed})

    def _proven(self, restoration: Restoration, bench: Bench, copy: Json) -> Json:
        wanted, reading = restoration.volume, read_volume(bench.quarantine, bench, restoration, copy, IMAGE)
        if (reading.sha256, reading.bytes) != (wanted.sha256, wanted.bytes):
            told = f"{restoration.title} reads {reading.bytes} bytes with SHA-256 {reading.sha256}, but {wanted.bytes} with {wanted.sha256} were backed up"
            raise Stop(Reason.BACKUP_MISMATCH, f"{told}. Nothing was replaced; look what the backup store did to {wanted.backup_id}")
        return copy

    def _made_anew_if_gone(self, restoration: Restoration, bench: Bench) -> Json:
        """The proven copy; where somebody deleted it, another one, which is proven too."""
        found = list(bench.quarantine.pages("block-storage", "/volumes/detail", "volumes", name=restoration.name(COPY)))
        known = one_of(found, restoration.key(COPY), "copy")
        return known or self._proven(restoration, bench, self._copied(restoration, bench))

    def _bench(self, plan: Plan) -> Bench:
        backups = plan.restore.backup_project if plan.restore else plan.values.backup_project
        return Bench(self._login(backups), self._login(plan.values.quarantine_project), self._poller, self._adoption, self._readers)


def _marked(login: Login, restoration: Restoration) -> Json | None:
    """The volume with the final mark in the project of the login."""
    volumes = login.pages("block-storage", "/volumes/detail", "volumes")
    key = restoration.final_key
    return one_of([volume for volume in volumes if (volume.get("metadata") or {}).get("govcloud_op") == key], key, "volume")


def _required(login: Login, restoration: Restoration) -> Json:
    if (found := _marked(login, restoration)) is None:
        raise Stop(Reason.RESOURCE_FAILED, f"{restoration.title} was handed over, but the unit's project does not have it")
    return found


def _held_back(restoration: Restoration, bench: Bench, copy: Json) -> Json:
    """The copy, no transfer of which is open: the word that accepts one is told once, to a process that may have died."""
    for transfer in _transfers(bench.quarantine, str(copy["id"])):
        with restoration.effect(_TRANSFER_TYPE, "delete", HANDOVER):
            bench.quarantine.delete("block-storage", f"/volume-transfers/{transfer['id']}")
    return awaited(bench.quarantine, bench, "volumes", copy["id"])


def _transfers(login: Login, volume: str) -> Iterator[Json]:
    listed = login.pages("block-storage", "/volume-transfers/detail", "transfers")
    return (transfer for transfer in listed if transfer["volume_id"] == volume)


def _grown(restoration: Restoration, bench: Bench, copy: Json) -> Json:
    """As large as the volume that it takes the place of, which may have grown since."""
    if int(copy["size"]) >= restoration.size_gib:
        return copy
    with restoration.effect(VOLUME_TYPE, "update", HANDOVER):
        bench.quarantine.post("block-storage", f"/volumes/{copy['id']}/action", {"os-extend": {"new_size": restoration.size_gib}})
    return awaited(bench.quarantine, bench, "volumes", copy["id"])


def _labelled(restoration: Restoration, bench: Bench, copy: Json) -> Json:
    """Name and marks as the run of the program looks for them. Cinder gave it those of the volume that was backed up."""
    with restoration.effect(VOLUME_TYPE, "update", HANDOVER):
        body = bench.quarantine.put("block-storage", f"/volumes/{copy['id']}", {"volume": restoration.final_labels})
    return {**copy, **body["volume"]}


def _transfer(restoration: Restoration, bench: Bench, ours: Login, copy: Json) -> None:
    microversion = _WITH_KEYS if copy.get("encrypted") else None
    offer = {"volume_id": copy["id"], "name": restoration.name(HANDOVER)}
    with restoration.effect(_TRANSFER_TYPE, "restore", HANDOVER):
        transfer = bench.quarantine.post("block-storage", "/volume-transfers", {"transfer": offer}, microversion)["transfer"]
        word = {"accept": {"auth_key": transfer["auth_key"]}}
        ours.post("block-storage", f"/volume-transfers/{transfer['id']}/accept", word, microversion)
