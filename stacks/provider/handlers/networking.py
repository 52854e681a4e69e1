"""Neutron: relations (router interfaces, floating addresses), tags, and what "none" means for ports and subnets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider.errors import Code, ProviderError
from stacks.provider.marks import in_tags, marks_of
from stacks.provider.properties import Properties
from stacks.provider.work import Work

# ---------------------------------------------------------------------------------------------------------- bodies


def subnet_body(work: Work, inputs: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The create request of a subnet; without a gateway where the program says so."""
    return {"subnet": {**body, "gateway_ip": None} if inputs.get("noGateway") else body}


def port_body(work: Work, inputs: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The create request of a port; with no address or no security group where the program says so."""
    none_of: dict[str, Any] = {}
    if inputs.get("noFixedIp"):
        none_of["fixed_ips"] = []
    if inputs.get("noSecurityGroups"):
        none_of["security_groups"] = []
    return {"port": {**body, **none_of}}


def port_shown(work: Work, answer: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """The addresses of a port as plain texts, in Neutron's order."""
    return {"allFixedIps": [str(fixed["ip_address"]) for fixed in answer.get("fixed_ips") or ()]}


def floating_ip_body(work: Work, inputs: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The create request of a floating address, from the external network of that exact name."""
    pool = str(inputs["pool"])
    found = work.cloud.listing("network", "/networks", "networks", query=(("name", pool), ("router:external", "true")))
    if not found:
        raise ProviderError(Code.NOT_FOUND, f"{work.what}: there is no external network named {pool}")
    if len(found) > 1:
        raise ProviderError(Code.INVALID, f"{work.what}: {len(found)} external networks are named {pool}")
    return {"floatingip": {**body, "floating_network_id": found[0]["id"]}}


# ---------------------------------------------------------------------------------------------------------- changes


def change_tags_of_network_object(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Set the tags, and among them the marks that the description carries."""
    set_tags(work, identity, new.get("tags") or (), work.show(identity) or {})


def set_tags(work: Work, identity: str, tags: Sequence[str], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Set the tags of an object that was shown like this; the object as it is then."""
    marked = in_tags(tags, marks_of({"description": shown.get("description")}))
    work.write("PUT", work.path_of(identity, "tags"), {"tags": marked})
    return {**shown, "tags": marked}


def change_gateway_of_subnet(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Take the gateway away, or give one back."""
    if new.get("noGateway"):
        work.write("PUT", work.path_of(identity), {"subnet": {"gateway_ip": None}})
    elif not new.get("gatewayIp"):
        raise ProviderError(Code.INVALID, f"{work.what}: a subnet that had no gateway needs gatewayIp to get one")


def change_security_groups_of_port(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Take all security groups away, or set those that are given."""
    groups = [] if new.get("noSecurityGroups") else list(new.get("securityGroupIds") or ())
    if groups or new.get("noSecurityGroups"):
        work.write("PUT", work.path_of(identity), {"port": {"security_groups": groups}})


def delete_default_rules(work: Work, identity: str, inputs: Properties) -> bool:
    """Delete the rules that Neutron puts into every new security group, where the program asks for it."""
    if not inputs.get("deleteDefaultRules"):
        return False
    for rule in (work.show(identity) or {}).get("security_group_rules") or ():
        if _is_default_rule(rule):
            work.delete_if_there(f"/security-group-rules/{rule['id']}")
    return False


def _is_default_rule(rule: Mapping[str, Any]) -> bool:
    limits = ("protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id")
    ours = marks_of(rule).key is not None
    return rule.get("direction") == "egress" and not ours and not any(rule.get(limit) for limit in limits)


# ---------------------------------------------------------------------------------------------------- router interface


def add_router_interface(work: Work, inputs: Properties) -> str:
    """Plug the router into a subnet or a port. The id is the port's."""
    answer = work.write("PUT", f"/routers/{inputs['routerId']}/add_router_interface", _plug(inputs))
    return str(answer["port_id"])


def find_router_interface(work: Work, inputs: Properties) -> list[str]:
    """The router's port on this subnet, or this port if it is the router's."""
    query = (("device_id", str(inputs["routerId"])),)
    ports = work.cloud.listing("network", "/ports", "ports", query=query)
    if port := inputs.get("portId"):
        return [str(found["id"]) for found in ports if found["id"] == port]
    subnet = inputs.get("subnetId")
    return [
        str(port["id"])
        for port in ports
        if str(port.get("device_owner", "")).startswith("network:router_interface")
        and any(fixed.get("subnet_id") == subnet for fixed in port.get("fixed_ips") or ())
    ]


def router_interface_shown(work: Work, answer: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """The subnet that the interface is on."""
    fixed = answer.get("fixed_ips") or ()
    return {"subnetId": next((address.get("subnet_id") for address in fixed), None)}


def remove_router_interface(work: Work, identity: str, inputs: Properties) -> None:
    """Unplug the router; extra routes go first where the program says so."""
    router = inputs.get("routerId") or (work.show(identity) or {}).get("device_id")
    if not router:
        return
    if inputs.get("forceDestroy"):
        work.write("PUT", f"/routers/{router}", {"router": {"routes": []}})
    try:
        work.insist(lambda: work.write("PUT", f"/routers/{router}/remove_router_interface", {"port_id": identity}))
    except ksa.NotFound:
        return


def _plug(inputs: Properties) -> dict[str, str]:
    return {"port_id": str(inputs["portId"])} if inputs.get("portId") else {"subnet_id": str(inputs["subnetId"])}


# ---------------------------------------------------------------------------------------- floating address to a port


def associate_floating_ip(work: Work, inputs: Properties) -> str:
    """Point the floating address at the port. The id is the floating address's."""
    identity = str(_floating_ip(work, inputs)["id"])
    wanted = {"port_id": inputs["portId"], "fixed_ip_address": inputs.get("fixedIp")}
    given = {name: value for name, value in wanted.items() if value}
    work.write("PUT", work.path_of(identity), {"floatingip": given})
    return identity


def find_floating_ip_association(work: Work, inputs: Properties) -> list[str]:
    """The floating address, if it points at the port already."""
    found = _floating_ip(work, inputs)
    return [str(found["id"])] if found.get("port_id") == inputs["portId"] else []


def disassociate_floating_ip(work: Work, identity: str, inputs: Properties) -> None:
    """Point the floating address at nothing; the address itself stays."""
    try:
        work.write("PUT", work.path_of(identity), {"floatingip": {"port_id": None}})
    except ksa.NotFound:
        return


def _floating_ip(work: Work, inputs: Properties) -> dict[str, Any]:
    address = str(inputs["floatingIp"])
    query = (("floating_ip_address", address), ("project_id", work.cloud.project_id))
    found = work.cloud.listing("network", "/floatingips", "floatingips", query=query)
    if len(found) != 1:
        raise ProviderError(Code.NOT_FOUND, f"{work.what}: the project has no floating address {address}")
    return found[0]


HANDLERS = (
    subnet_body,
    port_body,
    port_shown,
    floating_ip_body,
    change_tags_of_network_object,
    change_gateway_of_subnet,
    change_security_groups_of_port,
    delete_default_rules,
    add_router_interface,
    find_router_interface,
    router_interface_shown,
    remove_router_interface,
    associate_floating_ip,
    find_floating_ip_association,
    disassociate_floating_ip,
)
