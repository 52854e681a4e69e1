"""Services of a request drawn by chance, and changes of them that a plan may hold: what cannot shrink or be rebuilt does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from random import Random
from typing import Any

from adapters.stack_tenants import Tenant
from stacks_kit import PUBLIC_KEY, USER_DATA

from stacks.diff import diff, rebuilds, shrinks

Services = dict[str, dict[str, Any]]
Change = Callable[[Random, Services], None]

_PORTS = (22, 80, 443, 5432)


def drawn(random: Random, database_chance: float = 0.2) -> Services:
    """Services of several kinds; at least one."""
    services: Services = {}
    if random.random() < 0.6:
        services["lan"] = {"network": {"cidr": f"10.{random.randint(10, 99)}.0.0/24", "dnsServers": []}}
    if random.random() < 0.8:
        services["web"] = {"virtualMachine": _machines(random)}
    if random.random() < 0.6:
        services["data"] = {"blockStorage": {"sizeGib": random.randint(1, 2), "offering": "disk"}}
    if random.random() < 0.5 or not services:
        services["files"] = _container(random)
    if random.random() < database_chance:
        services["orders"] = {
            "database": {"engine": "postgresql", "offering": "pg", "storageGib": 1, "databaseName": "orders"}
        }
    _attach(random, services)
    return services


def changed(random: Random, services: Services, tenant: Tenant) -> Services:
    """The services after one to three changes, such that neither the way there nor the way back shrinks or rebuilds anything."""
    for _ in range(100):
        other = deepcopy(services)
        for change in random.sample(_CHANGES, random.randint(1, 3)):
            change(random, other)
        if (
            _differ(tenant, services, other)
            and not _refused(tenant, services, other)
            and not _refused(tenant, other, back(other, services))
        ):
            return other
    raise AssertionError(f"nothing of {services} can be changed")


def back(from_services: Services, to_services: Services) -> Services:
    """The services as they were, but for sizes, which stay as they have become."""
    again = deepcopy(to_services)
    for name, kind, field in (("data", "blockStorage", "sizeGib"), ("orders", "database", "storageGib")):
        if name in again and name in from_services:
            again[name][kind][field] = from_services[name][kind][field]
    return again


def _differ(tenant: Tenant, old: Services, new: Services) -> bool:
    """Whether anything has to be done: the same rules in another order are the same rules."""
    return bool(diff(tenant.program(old), tenant.program(new)))


def _refused(tenant: Tenant, old: Services, new: Services) -> bool:
    before, after = tenant.program(old), tenant.program(new)
    return bool(rebuilds(before, after) or shrinks(before, after))


def _machines(random: Random) -> dict[str, Any]:
    extra = [{"name": "logs", "sizeGib": 1, "offering": "disk"}]
    return {
        "count": random.choice((1, 1, 2)),
        "offering": random.choice(("small", "medium")),
        "image": "cirros",
        "bootVolumeGib": 1,
        "bootVolumeOffering": random.choice((None, "disk")),
        "extraVolumes": random.choice(([], extra)),
        "sshPublicKey": random.choice((None, PUBLIC_KEY)),
        "userData": random.choice((None, USER_DATA)),
        "antiAffinity": False,
        "floatingAddress": random.random() < 0.4,
        "securityRules": _rules(random),
    }


def _rules(random: Random) -> list[dict[str, Any]]:
    ports = random.sample(_PORTS, random.randint(0, 3))
    return [{"protocol": "tcp", "portMin": port, "remotePrefix": "10.0.0.0/8"} for port in ports]


def _container(random: Random) -> dict[str, Any]:
    return {"objectStorage": {"quotaGib": random.randint(1, 3), "versioning": random.random() < 0.5}}


def _attach(random: Random, services: Services) -> None:
    if "data" not in services:
        return
    services["data"]["blockStorage"].pop("attachTo", None)
    if "web" in services and random.random() < 0.7:
        index = random.randrange(services["web"]["virtualMachine"]["count"])
        services["data"]["blockStorage"]["attachTo"] = {"service": "web", "index": index}


def _more_or_fewer_machines(random: Random, services: Services) -> None:
    if "web" in services:
        services["web"]["virtualMachine"]["count"] = random.randint(1, 3)
        _attach(random, services)


def _a_machine_setting(random: Random, services: Services) -> None:
    if "web" in services:
        name = random.choice(("offering", "floatingAddress", "securityRules", "extraVolumes"))
        services["web"]["virtualMachine"][name] = _machines(random)[name]


def _a_larger_volume(random: Random, services: Services) -> None:
    if "data" in services:
        services["data"]["blockStorage"]["sizeGib"] += random.randint(1, 2)


def _another_type_of_volume(random: Random, services: Services) -> None:
    if "data" in services:
        services["data"]["blockStorage"]["offering"] = random.choice(("disk", "fast"))


def _another_machine_for_the_volume(random: Random, services: Services) -> None:
    _attach(random, services)


def _another_container(random: Random, services: Services) -> None:
    if random.random() < 0.3 and len(services) > 1:
        services.pop("files", None)
    else:
        services["files"] = _container(random)


def _other_name_servers(random: Random, services: Services) -> None:
    if "lan" in services:
        services["lan"]["network"]["dnsServers"] = random.sample(
            ["223.5.5.5", "119.29.29.29", "10.0.0.2"], random.randint(0, 2)
        )


_CHANGES: tuple[Change, ...] = (
    _more_or_fewer_machines,
    _a_machine_setting,
    _a_larger_volume,
    _another_type_of_volume,
    _another_machine_for_the_volume,
    _another_container,
    _other_name_servers,
)


def asked_of_machines(services: Mapping[str, Any]) -> dict[str, str]:
    """Name of each machine -> its flavor, from the request itself."""
    if "web" not in services:
        return {}
    wanted = services["web"]["virtualMachine"]
    flavor = {"small": "m1.small", "medium": "m1.medium"}[wanted["offering"]]
    return {f"web-{index}": flavor for index in range(wanted["count"])}
