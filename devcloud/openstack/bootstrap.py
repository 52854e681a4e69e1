"""Fills a fresh cloud with what a provider would offer: flavors, an image, a public network, volume types, datastores.

Runs inside the OpenStack environment, against running services, once for a template:
`python -m devcloud.openstack.bootstrap <directory>`. The image and the networks go through the services' own APIs.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from devcloud.openstack.services.runtime import Runtime, runtime_from_arguments
from devcloud.openstack.settings.cinder import BACKEND

# name: virtual processors, memory in MiB, root disk in GiB
FLAVORS = {
    "m1.tiny": (1, 512, 1),
    "m1.small": (1, 2048, 2),
    "m1.medium": (2, 4096, 4),
    "m1.large": (4, 8192, 8),
    "m1.xlarge": (8, 16384, 16),
    "c1.zero": (1, 512, 0),
}
IMAGE = "cirros"
IMAGE_BYTES = 4 << 20
PUBLIC_NETWORK = "public"
PUBLIC_RANGE = ("172.24.0.0/16", "172.24.0.1")
VOLUME_TYPES = {
    "standard": "Sparse files.",
    "fast": "The same sparse files under another name, to change to and from.",
    "encrypted": "Sparse files, each volume with a key of its own in Barbican.",
}
# As dm-crypt names it. "plain" has no header: what is written here is what dm-crypt would write.
ENCRYPTION = {
    "encrypted": {"provider": "plain", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}
}
# datastore: version, as Trove's manager knows them
DATASTORES = {"mysql": "8.4", "postgresql": "15"}


def main() -> None:
    runtime = runtime_from_arguments()
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(runtime.layout.clouds_yaml)
    import openstack

    cloud = openstack.connect(cloud="admin")
    _flavors(cloud)
    image = cloud.image.create_image(
        name=IMAGE, disk_format="raw", container_format="bare", visibility="public", data=image_content()
    )
    _public_network(cloud)
    for name, description in VOLUME_TYPES.items():
        extra = {"volume_backend_name": BACKEND, "govcloud:tier": name}
        made = cloud.block_storage.create_type(name=name, description=description, extra_specs=extra).id
        if name in ENCRYPTION:
            cloud.block_storage.create_type_encryption(made, **ENCRYPTION[name])
    _datastores(runtime, image.id)


def image_content() -> bytes:
    """Bytes that are the same everywhere and do not repeat: a hash chain."""
    blocks: list[bytes] = []
    block = b"govcloud"
    while len(blocks) * hashlib.sha256().digest_size < IMAGE_BYTES:
        block = hashlib.sha256(block).digest()
        blocks.append(block)
    return b"".join(blocks)


def _flavors(cloud: Any) -> None:
    for name, (processors, memory, disk) in FLAVORS.items():
        cloud.compute.create_flavor(name=name, vcpus=processors, ram=memory, disk=disk)


def _public_network(cloud: Any) -> None:
    network = cloud.network.create_network(
        name=PUBLIC_NETWORK, is_router_external=True, provider_network_type="flat", provider_physical_network="public"
    )
    addresses, gateway = PUBLIC_RANGE
    cloud.network.create_subnet(
        name=f"{PUBLIC_NETWORK}-v4", network_id=network.id, ip_version=4, cidr=addresses, gateway_ip=gateway,
        is_dhcp_enabled=False,
    )  # fmt: skip


def _datastores(runtime: Runtime, image: str) -> None:
    """Written into Trove's database: its API wants these made by its command line tool."""
    os.environ["NO_EVENTLET_MONKEYPATCH"] = "1"
    from trove.common import cfg
    from trove.datastore import models
    from trove.db import get_db_api

    cfg.CONF(["--config-file", runtime.conf("trove.conf")], project="trove")
    get_db_api().configure_db()
    for name, version in DATASTORES.items():
        models.update_datastore(name, None)
        models.update_datastore_version(name, version, name, image, "", "", 1, "", "", version=version)
        models.update_datastore(name, version)


if __name__ == "__main__":
    main()
