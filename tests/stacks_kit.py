"""Requests of all kinds, a catalog, and hypothesis strategies for programs, for the tests of this folder."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from govcloud.api.request import Service
from stacks.kind import Image, Offering, Parameters
from stacks.program import CloudConfig, External, Joined, Lookup, Program, Ref, Resource, ScramVerifier, Secret, Value
from stacks.request import Wanted

OWNER = "5c2f2a52-0000-4000-8000-000000000001"

ON_A_MACHINE = Offering(
    name="pg-machine",
    kind="database",
    flavor="m1.medium",
    vcpus=2,
    ram_mib=4096,
    volume_type="standard",
    image="debian",
    datastore="postgresql",
    datastore_version="15",
    unit_price="200",
    storage_unit_price="0.5",
)

OFFERINGS = (
    Offering(name="small", kind="virtualMachine", flavor="m1.small", vcpus=1, ram_mib=2048, unit_price="100"),
    Offering(
        name="large",
        kind="virtualMachine",
        flavor="m1.large",
        vcpus=4,
        ram_mib=8192,
        volume_type="standard",
        unit_price="400.50",
        storage_unit_price="0.5",
    ),
    Offering(name="nameless", kind="virtualMachine", vcpus=4, ram_mib=8192, unit_price="400"),
    Offering(name="disk", kind="blockStorage", volume_type="standard", unit_price="0.4"),
    Offering(name="objects", kind="objectStorage", unit_price="0.1"),
    Offering(name="shares", kind="fileStorage", share_type="nfs-standard", unit_price="0.6"),
    Offering(
        name="pg",
        kind="database",
        flavor="m1.medium",
        vcpus=2,
        ram_mib=4096,
        datastore="postgresql",
        datastore_version="15",
        unit_price="300",
        storage_unit_price="0.8",
    ),
    ON_A_MACHINE,
)
IMAGES = (
    Image(name="cirros", image="cirros-0.6"),
    Image(name="kylin", image="Kylin V10", min_disk_gib=40),
    Image(name="debian", image="Debian 12"),
)

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SHORT_RSA_KEY = (
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQC0bQ9o9GVf4NftqCBrsCA/r2dHHi/Yb59MCwLsn3O3aM7EVZWr/758pLF5c2KBJeYLklsd"
    "ggiAYeibDS+Wg+5nt+com/f8NorrNDMlqOh7RJcW04HOG6cbNw8VK1PDasRklS0Txh0AxREkWX3nNAL6nqu5Q6LRsSEUbwHGmKDX"
    "SVvxZhv9MwCq+AIvkJUDwMoswAJQGGEctGDKnykQLu8O8wE7XCZoDFOxjsg6BkM1BJJxn2GM2NE9ob46IohJwTwSlpGSsooG9feW"
    "RPmbJhg0at+DPvDYN8SgQLTq2J5KQToPfUxwf3Lv/p00FAxqC4LXlewK1NKaOnkDjmbUeyR3"
)
"""Of 2048 bits."""
USER_DATA = {
    "hostname": "portal",
    "timezone": "Asia/Shanghai",
    "ntpServers": ["ntp.example.gov.cn"],
    "packages": ["nginx"],
    "users": [{"name": "keeper", "sshPublicKeys": [PUBLIC_KEY], "sudo": True}],
    "files": [{"path": "/etc/motd", "content": "九江市政务云\n"}],
}
MACHINES = {"count": 2, "offering": "small", "image": "cirros", "bootVolumeGib": 10}
NETWORK = {"cidr": "10.20.0.0/24"}
DATABASE = {"engine": "postgresql", "offering": "pg", "storageGib": 20, "databaseName": "orders"}
SHARED = {
    "sizeGib": 50,
    "offering": "shares",
    "access": [{"addresses": "10.20.0.0/25"}, {"addresses": "10.20.0.200/32", "readOnly": True}],
}
EVERYTHING: dict[str, dict[str, Any]] = {
    "web": {
        "virtualMachine": {
            **MACHINES,
            "antiAffinity": True,
            "floatingAddress": True,
            "bootVolumeOffering": "disk",
            "extraVolumes": [{"name": "logs", "sizeGib": 3, "offering": "disk"}],
            "sshPublicKey": PUBLIC_KEY,
            "userData": USER_DATA,
            "securityRules": [
                {"protocol": "tcp", "portMin": 443, "remotePrefix": "0.0.0.0/0"},
                {"protocol": "icmp", "remotePrefix": "2001:db8::/32"},
            ],
        }
    },
    "orders": {"database": DATABASE},
    "data": {"blockStorage": {"sizeGib": 100, "offering": "disk", "attachTo": {"service": "web", "index": 1}}},
    "files": {"objectStorage": {"quotaGib": 5, "versioning": True, "offering": "objects"}},
    "lan": {"network": {**NETWORK, "dnsServers": ["223.5.5.5"]}},
    "front": {"loadBalancer": {"target": "web", "listeners": [{"port": 443, "targetPort": 8443}]}},
    "shared": {"fileStorage": SHARED},
}


def services(entries: dict[str, dict[str, Any]]) -> dict[str, tuple[str, Parameters]]:
    """Services as the request's model reads them."""
    parsed = [Service.model_validate({"name": name, **entry}) for name, entry in entries.items()]
    return {service.name: (service.kind.name, service.parameters) for service in parsed}


def wanted(entries: dict[str, dict[str, Any]], **changes: Any) -> Wanted:
    """A request for these services."""
    fields: dict[str, Any] = {
        "owner": OWNER,
        "unit": "education",
        "stage": "trial",
        "running": True,
        "protection_level": 2,
        "external_network": "public",
        "offerings": {offering.name: offering for offering in OFFERINGS},
        "images": {image.name: image for image in IMAGES},
        "services": services(entries),
    }
    return Wanted(**(fields | changes))


names = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=12)
texts = st.text(max_size=12)
leaves: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    texts,
    st.builds(Ref, names, texts),
    st.builds(Lookup, st.sampled_from(["image", "network", "flavor", "role"]), texts),
    st.builds(Lookup, st.just("image"), texts, texts),
    st.builds(Secret, texts),
    st.builds(External, texts),
    st.builds(ScramVerifier, st.builds(Secret, texts)),
)
keys = st.one_of(texts, st.sampled_from(["$ref", "$$ref", "$", "$lookup", "$joined", "$cloudConfig"]))
values: st.SearchStrategy[Value] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(lambda parts: Joined(tuple(parts))),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3).map(CloudConfig),
    ),
    max_leaves=6,
)
resources = st.builds(
    Resource,
    type=texts,
    name=names,
    inputs=st.dictionaries(keys, values, max_size=4),
    after=st.lists(names, max_size=2).map(tuple),
    ignore_changes=st.lists(texts, max_size=2).map(tuple),
    holds_data=st.booleans(),
    service=texts,
    login=st.sampled_from(["unit", "service-user", "admin"]),
    trigger=texts,
)
programs = st.builds(Program, st.lists(resources, max_size=4).map(tuple), st.dictionaries(texts, values, max_size=3))
"""Programs of any shape: they need not make sense."""


_extra_volumes = st.fixed_dictionaries(
    {"name": st.sampled_from(["logs", "data"]), "sizeGib": st.integers(1, 100), "offering": st.just("disk")}
)


@st.composite
def requests(draw: st.DrawFn) -> Wanted:
    """Requests that make sense, of every kind."""
    entries: dict[str, dict[str, Any]] = {}
    if draw(st.booleans()):
        entries["lan"] = {"network": {**NETWORK, "router": True}}
    machines = draw(st.integers(0, 4))
    if machines:
        entries["web"] = {
            "virtualMachine": {
                **MACHINES,
                "count": machines,
                "offering": draw(st.sampled_from(["small", "large"])),
                "bootVolumeGib": draw(st.integers(1, 100)),
                "antiAffinity": draw(st.booleans()),
                "floatingAddress": draw(st.booleans()),
                "bootVolumeOffering": draw(st.sampled_from([None, "disk"])),
                "extraVolumes": draw(st.lists(_extra_volumes, max_size=2, unique_by=lambda extra: extra["name"])),
                "sshPublicKey": draw(st.sampled_from([None, PUBLIC_KEY])),
                "userData": draw(st.sampled_from([None, USER_DATA])),
            }
        }
        if "lan" in entries and draw(st.booleans()):
            ports = draw(st.lists(st.sampled_from([80, 443, 53]), min_size=1, max_size=3, unique=True))
            listeners = [{"port": port, "protocol": "UDP" if port == 53 else "TCP"} for port in ports]
            entries["front"] = {"loadBalancer": {"target": "web", "listeners": listeners}}
        if draw(st.booleans()):
            attach = {"service": "web", "index": draw(st.integers(0, machines - 1))}
            entries["data"] = {
                "blockStorage": {"sizeGib": draw(st.integers(1, 500)), "offering": "disk", "attachTo": attach}
            }
    if "lan" in entries and draw(st.booleans()):
        mounting = draw(st.lists(st.sampled_from(["10.20.0.0/24", "10.20.0.5/32", "10.20.0.64/26"]), min_size=1, max_size=3, unique=True))
        access = [{"addresses": addresses, "readOnly": draw(st.booleans())} for addresses in mounting]
        entries["shared"] = {"fileStorage": {**SHARED, "sizeGib": draw(st.integers(1, 100)), "access": access}}
    if draw(st.booleans()):
        offering = draw(st.sampled_from(["pg", "pg-machine"] if "lan" in entries else ["pg"]))
        size, replicas = draw(st.integers(1, 100)), draw(st.integers(0, 3 if offering == "pg" else 0))
        entries["orders"] = {"database": {**DATABASE, "offering": offering, "storageGib": size, "replicas": replicas}}
    if draw(st.booleans()) or not entries:
        entries["files"] = {"objectStorage": {"quotaGib": draw(st.integers(1, 50)), "versioning": draw(st.booleans())}}
    return wanted(entries, running=draw(st.booleans()), stage=draw(st.sampled_from(["trial", "production"])))
