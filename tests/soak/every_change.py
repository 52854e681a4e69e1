"""For each kind of service, requests that follow each other and between them change every parameter that can change."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from soak.random_services import Services
from stacks_kit import PUBLIC_KEY, USER_DATA
from stacks_kit import services as parsed

from stacks.kind import Parameters

Chain = tuple[Services, ...]

_LAN, _OTHER = ({"network": {"cidr": cidr}} for cidr in ("10.20.0.0/24", "10.30.0.0/24"))
_HTTPS = {"protocol": "tcp", "portMin": 443, "remotePrefix": "10.0.0.0/8"}
_MACHINE: dict[str, Any] = {
    "count": 1, "offering": "small", "image": "cirros", "bootVolumeGib": 1, "bootVolumeOffering": "disk", "network": "lan",
}  # fmt: skip
_LARGER = {**_MACHINE, "count": 2, "offering": "medium", "bootVolumeGib": 2, "bootVolumeOffering": "fast"}
_EQUIPPED = {
    **_LARGER,
    "extraVolumes": [{"name": "logs", "sizeGib": 1, "offering": "disk"}],
    "securityRules": [_HTTPS],
    "floatingAddress": True,
    "sshPublicKey": PUBLIC_KEY,
}
_ELSEWHERE = {
    **_EQUIPPED,
    "extraVolumes": [{"name": "logs", "sizeGib": 2, "offering": "fast"}],
    "image": "other",
    "userData": USER_DATA,
    "network": "other",
    "antiAffinity": True,
}
_DATABASE = {"engine": "postgresql", "offering": "pg", "storageGib": 1, "databaseName": "orders", "network": "lan"}


def _machines(*each: dict[str, Any]) -> Chain:
    return tuple({"lan": _LAN, "other": _OTHER, "web": {"virtualMachine": machine}} for machine in each)


def _volumes(*each: dict[str, Any]) -> Chain:
    machines = {"virtualMachine": {**_MACHINE, "count": 2}}
    return tuple({"lan": _LAN, "web": machines, "data": {"blockStorage": volume}} for volume in each)


CHAINS: Mapping[str, Chain] = {
    "virtualMachine": _machines(_MACHINE, _LARGER, _EQUIPPED, _ELSEWHERE),
    "blockStorage": _volumes(
        {"sizeGib": 1, "offering": "disk"},
        {"sizeGib": 2, "offering": "disk", "attachTo": {"service": "web", "index": 0}},
        {"sizeGib": 3, "offering": "fast", "attachTo": {"service": "web", "index": 1}},
        {"sizeGib": 3, "offering": "disk"},
    ),
    "objectStorage": tuple(
        {"files": {"objectStorage": container}}
        for container in (
            {"quotaGib": 1},
            {"quotaGib": 3, "versioning": True, "offering": "objects"},
            {"quotaGib": 2, "versioning": False},
        )
    ),
    "network": tuple(
        {"lan": {"network": network}}
        for network in (
            {"cidr": "10.20.0.0/24"},
            {"cidr": "10.20.0.0/24", "dnsServers": ["223.5.5.5", "119.29.29.29"], "router": False},
            {"cidr": "10.30.0.0/24", "dnsServers": ["119.29.29.29"]},
        )
    ),
    "database": (
        {"lan": _LAN, "orders": {"database": _DATABASE}},
        {"lan": _LAN, "orders": {"database": {**_DATABASE, "offering": "pg-medium", "storageGib": 2}}},
        {"lan": _LAN, "orders": {"database": {**_DATABASE, "offering": "pg-medium", "storageGib": 2, "replicas": 1}}},
    ),
}

REFUSED: Mapping[str, frozenset[str]] = {
    "database": frozenset({"engine", "version", "database_name", "network", "settings"}),
}
"""What cannot change once the service runs: the planner refuses it."""

NOT_HERE = frozenset({"loadBalancer", "fileStorage"})
"""Kinds for which the development cloud has no service."""


def changed_parameters(kind: str) -> frozenset[str]:
    """Parameters of a kind that differ between two requests of its chain that follow each other."""
    steps = [_of_kind(kind, request) for request in CHAINS[kind]]
    return frozenset(
        name
        for before, after in pairwise(steps)
        for name in type(before).model_fields
        if getattr(before, name) != getattr(after, name)
    )


def _of_kind(kind: str, request: Services) -> Parameters:
    return next(
        parameters for name, (known, parameters) in parsed(request).items() if known == kind and name != "other"
    )
