"""The parts of machines: port, boot volume, server, further volumes, key pair. Shared by the kinds that consist of machines. Pure.

A machine boots from a volume that we make ourselves, never from a disk that the hypervisor makes on the side: every byte of data is a
volume and can be backed up, encrypted and verified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from stacks import network
from stacks.kind import Image, Problem, Scope
from stacks.naming import named, owned, tags
from stacks.program import Lookup, Ref, Resource, Value
from stacks.security_rules import group_of

INSTANCE = "openstack:compute/instance:Instance"
VOLUME = "openstack:blockstorage/volume:Volume"
KEYPAIR = "openstack:compute/keypair:Keypair"
ATTACHMENT = "openstack:compute/volumeAttach:VolumeAttach"

_ONCE = ("key_pair", "user_data")
"""Read by the guest at its first start only: another value must not rebuild a machine that runs."""


def image_problems(name: str, boot_volume_gib: int, scope: Scope, field: str = "image") -> Iterator[Problem]:
    """What is wrong with the choice of an image, made by `field`, and of the volume that it is copied into."""
    image = scope.images.get(name)
    if image is None:
        listed = ", ".join(sorted(scope.images)) or "-"
        yield Problem(
            field,
            f"the catalog has no image {name}; it has: {listed}",
            f"目录中没有镜像 {name}；现有：{listed}",
        )
    elif boot_volume_gib < image.min_disk_gib:
        yield Problem(
            "bootVolumeGib",
            f"the image {image.name} needs at least {image.min_disk_gib} GiB, {boot_volume_gib} were asked for",
            f"镜像 {image.name} 至少需要 {image.min_disk_gib} GiB，申请为 {boot_volume_gib} GiB",
        )


def port(machine: str, chosen: str | None, scope: Scope) -> Resource:
    """The machine's port on the chosen network, in the service's security group."""
    name = named(machine, "port")
    return Resource(
        "openstack:networking/port:Port",
        name,
        {
            "name": name,
            "network_id": network.network_id(chosen),
            "security_group_ids": (Ref(group_of(scope.service)),),
            "tags": tags(scope.marks()),
        },
        after=network.reachable(chosen, scope),
        service=scope.service,
    )


def boot_volume(machine: str, size_gib: int, image: Image, volume_type: str | None, scope: Scope) -> Resource:
    """The volume that the machine boots from, a copy of the image."""
    inputs = _volume_inputs(named(machine, "boot"), size_gib, volume_type, scope)
    inputs["image_id"] = Lookup("image", image.image, image.sha512 or "")
    name = named(machine, "boot")
    # The image is copied once: a newer one of the same name must not rebuild what holds data.
    return Resource(VOLUME, name, inputs, ignore_changes=("image_id",), holds_data=True, service=scope.service)


def volume(name: str, size_gib: int, volume_type: str | None, scope: Scope) -> Resource:
    """An empty volume that can grow and change its type while it is used."""
    inputs = _volume_inputs(name, size_gib, volume_type, scope)
    return Resource(VOLUME, name, inputs, holds_data=True, service=scope.service)


def _volume_inputs(name: str, size_gib: int, volume_type: str | None, scope: Scope) -> dict[str, Value]:
    inputs: dict[str, Value] = {
        "name": name,
        "size": size_gib,
        "enable_online_resize": True,
        "metadata": scope.marks(),
    }
    return inputs if volume_type is None else {**inputs, "volume_type": volume_type}


def attachment(name: str, machine: str, volume_name: str, scope: Scope) -> Resource:
    """The volume on the machine."""
    inputs: dict[str, Value] = {"instance_id": Ref(machine), "volume_id": Ref(volume_name)}
    return Resource(ATTACHMENT, name, inputs, service=scope.service)


def server(
    machine: str, flavor: str | None, scope: Scope, more: Mapping[str, Value], also: tuple[str, ...] = ()
) -> Resource:
    """The machine itself, on its port and its boot volume; `more` holds inputs that not every machine has, `also` names volumes that it
    has from its first start on.
    """
    volumes = (_block_device(named(machine, "boot"), 0), *(_block_device(name, -1) for name in also))
    inputs: dict[str, Value] = {
        "name": machine,
        "flavor_name": flavor,
        "block_devices": volumes,
        "networks": ({"port": Ref(named(machine, "port"))},),
        "power_state": "active" if scope.running else "shutoff",
        "metadata": scope.marks(),
        **more,
    }
    return Resource(INSTANCE, machine, inputs, ignore_changes=_ONCE, service=scope.service)


def _block_device(volume_name: str, boot_index: int) -> dict[str, Value]:
    return {
        "uuid": Ref(volume_name),
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": boot_index,
        "delete_on_termination": False,
    }


def key_pair_name(public_key: str, scope: Scope) -> str:
    """Logical name of the key pair. It follows the key: another key is another pair, and machines made with the first keep running."""
    return named(scope.service, "key", hashlib.sha256(public_key.encode()).hexdigest()[:8])


def key_pair(public_key: str, scope: Scope) -> Resource:
    """The key pair of a service. It belongs to the unit's service user, so its name carries whose it is."""
    name = key_pair_name(public_key, scope)
    return Resource(KEYPAIR, name, {"name": owned(scope, name), "public_key": public_key}, service=scope.service)
