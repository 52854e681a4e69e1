"""Functions that programs call: finding what the cloud offers by its exact name. Several matches are an error, never a
guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from stacks.provider.clouds import Cloud
from stacks.provider.errors import Code, ProviderError
from stacks.provider.properties import Properties

_IMAGE_ARGUMENTS = frozenset({"name", "imageId", "properties"})
_HASH = ("os_hash_algo", "os_hash_value")
"""How Glance says what an image's content is."""
_NETWORK_ARGUMENTS = frozenset({"name", "networkId", "external"})
_NAME_ONLY = frozenset({"name"})


def get_image(cloud: Cloud, arguments: Properties) -> dict[str, Any]:
    """The active image of that exact name, or with that id; `properties` may say which content it must have."""
    _refuse_unknown("getImage", arguments, _IMAGE_ARGUMENTS)
    if given := arguments.get("imageId"):
        found = [_one(cloud, "image", f"/images/{given}", "")]
    else:
        name = _needed("getImage", arguments)
        query = (("name", name), ("status", "active"))
        found = [image for image in cloud.listing("image", "/images", "images", query=query) if image["name"] == name]
    image = _exactly_one(found, "image", arguments)
    _refuse_another_content(image, arguments.get("properties") or {})
    return {
        "id": image["id"],
        "imageId": image["id"],
        "name": image["name"],
        "checksum": image.get("checksum"),
        "containerFormat": image.get("container_format"),
        "diskFormat": image.get("disk_format"),
        "minDiskGb": image.get("min_disk"),
        "minRamMb": image.get("min_ram"),
        "owner": image.get("owner"),
        "properties": {name: str(image[name]) for name in _HASH if image.get(name)},
        "sizeBytes": image.get("size"),
        "tags": image.get("tags"),
        "visibility": image.get("visibility"),
        "createdAt": image.get("created_at"),
        "updatedAt": image.get("updated_at"),
        "region": cloud.login.region,
    }


def _refuse_another_content(image: dict[str, Any], wanted: Properties) -> None:
    _refuse_unknown("getImage properties", wanted, frozenset(_HASH))
    if different := [name for name in _HASH if name in wanted and image.get(name) != wanted[name]]:
        shown = " ".join(str(image.get(name) or "without one") for name in different)
        asked = " ".join(str(wanted[name]) for name in different)
        sentence = f"there is no image named {image['name']} with checksum {asked}; the one there has {shown}"
        raise ProviderError(Code.NOT_FOUND, sentence)


def get_network(cloud: Cloud, arguments: Properties) -> dict[str, Any]:
    """The network of that exact name that the login may see, or with that id."""
    _refuse_unknown("getNetwork", arguments, _NETWORK_ARGUMENTS)
    if given := arguments.get("networkId"):
        found = [_one(cloud, "network", f"/networks/{given}", "network")]
    else:
        external = {"router:external": str(arguments["external"]).lower()} if "external" in arguments else {}
        query = (("name", _needed("getNetwork", arguments)), *external.items())
        found = cloud.listing("network", "/networks", "networks", query=query)
    network = _exactly_one(found, "network", arguments)
    return {
        "id": network["id"],
        "networkId": network["id"],
        "name": network["name"],
        "adminStateUp": str(network.get("admin_state_up")).lower(),
        "allTags": network.get("tags"),
        "description": network.get("description"),
        "external": network.get("router:external"),
        "mtu": network.get("mtu"),
        "shared": str(network.get("shared")).lower(),
        "status": network.get("status"),
        "subnets": network.get("subnets"),
        "tenantId": network.get("project_id"),
        "region": cloud.login.region,
    }


def get_flavor(cloud: Cloud, arguments: Properties) -> dict[str, Any]:
    """The flavor of that exact name."""
    _refuse_unknown("getFlavor", arguments, _NAME_ONLY)
    name = _needed("getFlavor", arguments)
    found = [item for item in cloud.listing("compute", "/flavors/detail", "flavors") if item["name"] == name]
    flavor = _exactly_one(found, "flavor", arguments)
    return {
        "id": flavor["id"],
        "flavorId": flavor["id"],
        "name": flavor["name"],
        "disk": flavor.get("disk"),
        "ram": flavor.get("ram"),
        "vcpus": flavor.get("vcpus"),
        "isPublic": flavor.get("os-flavor-access:is_public"),
        "region": cloud.login.region,
    }


def get_role(cloud: Cloud, arguments: Properties) -> dict[str, Any]:
    """The role of that exact name; the login must be allowed to list roles."""
    _refuse_unknown("getRole", arguments, _NAME_ONLY)
    name = _needed("getRole", arguments)
    role = _exactly_one(cloud.listing("identity", "/roles", "roles", query=(("name", name),)), "role", arguments)
    return {"id": role["id"], "name": role["name"], "domainId": role.get("domain_id"), "region": cloud.login.region}


def _one(cloud: Cloud, service: str, path: str, envelope: str) -> dict[str, Any]:
    document = cloud.get(service, path)
    return dict(document[envelope]) if envelope else document


def _exactly_one(found: list[dict[str, Any]], kind: str, arguments: Properties) -> dict[str, Any]:
    if len(found) == 1:
        return found[0]
    name = arguments.get("name")
    if not found:
        raise ProviderError(Code.NOT_FOUND, f"there is no {kind} named {name}")
    ids = ", ".join(sorted(str(item["id"]) for item in found))
    raise ProviderError(Code.INVALID, f"{len(found)} {kind}s are named {name}: {ids}")


def _needed(function: str, arguments: Properties) -> str:
    name = arguments.get("name")
    if not isinstance(name, str) or not name:
        raise ProviderError(Code.INVALID, f"{function} needs a name")
    return name


def _refuse_unknown(function: str, arguments: Properties, known: frozenset[str]) -> None:
    unknown = sorted(name for name, value in arguments.items() if value is not None and name not in known)
    if unknown:
        takes = ", ".join(sorted(known))
        raise ProviderError(Code.INVALID, f"{function} does not implement {', '.join(unknown)}; it takes: {takes}")


FUNCTIONS: Mapping[str, Callable[[Cloud, Properties], dict[str, Any]]] = MappingProxyType(
    {
        "openstack:images/getImage:getImage": get_image,
        "openstack:networking/getNetwork:getNetwork": get_network,
        "openstack:compute/getFlavor:getFlavor": get_flavor,
        "openstack:identity/getRole:getRole": get_role,
    }
)
"""Every function by its token."""
