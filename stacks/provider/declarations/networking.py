"""Neutron: networks and all that is plugged into them. Data only.

Neutron takes no tags in a create request, so the mark stands in the description, which every kind here has; a mark
added afterwards would leave an unmarked orphan when the process dies in between.
"""

from __future__ import annotations

from .model import Change, Deadlines, Declaration, Field, MarkIn, Special, Wait, local, name, output

_OWN = (("project_id", "{project}"),)

_DESCRIPTION = Field("description", change=Change.UPDATE, nulls=True)
_TENANT = Field("tenantId", computed=True)
_TAGS = (
    Field("tags", "texts", sent=False, unordered=True, change=Change.HANDLED, by="change_tags_of_network_object"),
    output("allTags", "texts", shown="tags"),
)

NETWORK = Declaration(
    type="openstack:networking/network:Network",
    service="network",
    collection="/networks",
    singular="network",
    plural="networks",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    tags_apart=True,
    fields=(
        name(),
        _DESCRIPTION,
        Field("adminStateUp", "flag", computed=True, change=Change.UPDATE),
        Field("shared", "flag", computed=True, change=Change.UPDATE),
        Field("external", "flag", api="router:external", computed=True, change=Change.UPDATE),
        Field("mtu", "whole", computed=True, change=Change.UPDATE),
        Field("dnsDomain", computed=True, change=Change.UPDATE),
        Field("portSecurityEnabled", "flag", computed=True, change=Change.UPDATE),
        Field("qosPolicyId", computed=True, change=Change.UPDATE, nulls=True),
        Field("availabilityZoneHints", "texts", computed=True, unordered=True),
        _TENANT,
        *_TAGS,
    ),
)

SUBNET = Declaration(
    type="openstack:networking/subnet:Subnet",
    service="network",
    collection="/subnets",
    singular="subnet",
    plural="subnets",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    tags_apart=True,
    fields=(
        Field("networkId", required=True),
        name(),
        _DESCRIPTION,
        Field("cidr", computed=True),
        Field("ipVersion", "whole", default=4),
        Field("enableDhcp", "flag", default=True, change=Change.UPDATE),
        Field("gatewayIp", computed=True, change=Change.UPDATE),
        Field("noGateway", "flag", sent=False, shown=None, change=Change.HANDLED, by="change_gateway_of_subnet"),
        Field("dnsNameservers", "texts", change=Change.UPDATE),
        Field(
            "allocationPools",
            "objects",
            computed=True,
            unordered=True,
            change=Change.UPDATE,
            fields=(Field("start", required=True), Field("end", required=True)),
        ),
        Field("serviceTypes", "texts", unordered=True, change=Change.UPDATE),
        Field("ipv6AddressMode"),
        Field("ipv6RaMode"),
        Field("subnetpoolId"),
        Field("prefixLength", "whole", api="prefixlen", shown=None),
        Field("segmentId"),
        _TENANT,
        *_TAGS,
    ),
    at_most_one=(("gatewayIp", "noGateway"),),
    special=Special(body="subnet_body"),
)

ROUTER = Declaration(
    type="openstack:networking/router:Router",
    service="network",
    collection="/routers",
    singular="router",
    plural="routers",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    tags_apart=True,
    fields=(
        name(),
        _DESCRIPTION,
        Field("adminStateUp", "flag", computed=True, change=Change.UPDATE),
        Field("distributed", "flag", shown=None),
        Field("externalNetworkId", api="external_gateway_info.network_id", change=Change.UPDATE),
        Field("enableSnat", "flag", api="external_gateway_info.enable_snat", computed=True, change=Change.UPDATE),
        Field(
            "externalFixedIps",
            "objects",
            api="external_gateway_info.external_fixed_ips",
            computed=True,
            unordered=True,
            change=Change.UPDATE,
            fields=(Field("subnetId"), Field("ipAddress")),
        ),
        Field("availabilityZoneHints", "texts", computed=True, unordered=True),
        _TENANT,
        *_TAGS,
    ),
    wait=Wait(ready=frozenset({"ACTIVE", "DOWN", "ALLOCATING"}), failed=frozenset({"ERROR"})),
)

ROUTER_INTERFACE = Declaration(
    type="openstack:networking/routerInterface:RouterInterface",
    service="network",
    collection="/ports",
    singular="port",
    plural="ports",
    mark=MarkIn.NOTHING,
    verb="",
    fields=(
        Field("routerId", required=True, shown="device_id"),
        Field("subnetId", computed=True, shown=None),
        Field("portId", computed=True, shown="id"),
        local("forceDestroy"),
    ),
    needs_one=(("subnetId", "portId"),),
    special=Special(
        create="add_router_interface",
        find="find_router_interface",
        shown="router_interface_shown",
        delete="remove_router_interface",
    ),
)

PORT = Declaration(
    type="openstack:networking/port:Port",
    service="network",
    collection="/ports",
    singular="port",
    plural="ports",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    tags_apart=True,
    fields=(
        Field("networkId", required=True),
        name(),
        _DESCRIPTION,
        Field("adminStateUp", "flag", computed=True, change=Change.UPDATE),
        Field(
            "fixedIps",
            "objects",
            computed=True,
            unordered=True,
            change=Change.UPDATE,
            fields=(Field("subnetId"), Field("ipAddress", computed=True)),
        ),
        Field("noFixedIp", "flag", sent=False, shown=None),
        Field("securityGroupIds", "texts", api="security_groups", computed=True, unordered=True, change=Change.UPDATE),
        Field(
            "noSecurityGroups",
            "flag",
            sent=False,
            shown=None,
            change=Change.HANDLED,
            by="change_security_groups_of_port",
        ),
        Field("portSecurityEnabled", "flag", computed=True, change=Change.UPDATE),
        Field(
            "allowedAddressPairs",
            "objects",
            unordered=True,
            change=Change.UPDATE,
            fields=(Field("ipAddress", required=True), Field("macAddress", computed=True)),
        ),
        Field(
            "extraDhcpOptions",
            "objects",
            api="extra_dhcp_opts",
            unordered=True,
            change=Change.UPDATE,
            fields=(
                Field("name", api="opt_name", required=True),
                Field("value", api="opt_value", required=True),
                Field("ipVersion", "whole", default=4),
            ),
        ),
        Field("macAddress", computed=True),
        Field("deviceId", shown=None),
        Field("deviceOwner", shown=None),
        Field("dnsName", computed=True, change=Change.UPDATE),
        Field("qosPolicyId", computed=True, change=Change.UPDATE, nulls=True),
        _TENANT,
        *_TAGS,
        output("allFixedIps", "texts", shown="fixed_ips"),
        output("allSecurityGroupIds", "texts", shown="security_groups"),
    ),
    at_most_one=(("fixedIps", "noFixedIp"), ("securityGroupIds", "noSecurityGroups")),
    special=Special(body="port_body", shown="port_shown"),
)

SEC_GROUP = Declaration(
    type="openstack:networking/secGroup:SecGroup",
    service="network",
    collection="/security-groups",
    singular="security_group",
    plural="security_groups",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    tags_apart=True,
    fields=(
        name(),
        _DESCRIPTION,
        Field("deleteDefaultRules", "flag", sent=False, shown=None, default=False),
        Field("stateful", "flag", computed=True, change=Change.UPDATE),
        _TENANT,
        *_TAGS,
    ),
    special=Special(after_create="delete_default_rules"),
)

SEC_GROUP_RULE = Declaration(
    type="openstack:networking/secGroupRule:SecGroupRule",
    service="network",
    collection="/security-group-rules",
    singular="security_group_rule",
    plural="security_group_rules",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    verb="",
    fields=(
        Field("securityGroupId", required=True),
        Field("direction", required=True, one_of=("ingress", "egress")),
        Field("ethertype", required=True, one_of=("IPv4", "IPv6")),
        Field("description"),
        Field("protocol"),
        Field("portRangeMin", "whole"),
        Field("portRangeMax", "whole"),
        Field("remoteIpPrefix"),
        Field("remoteGroupId"),
        Field("remoteAddressGroupId"),
        _TENANT,
    ),
)

FLOATING_IP = Declaration(
    type="openstack:networking/floatingIp:FloatingIp",
    service="network",
    collection="/floatingips",
    singular="floatingip",
    plural="floatingips",
    mark=MarkIn.DESCRIPTION,
    list_query=_OWN,
    tags_apart=True,
    fields=(
        Field("pool", required=True, sent=False, shown=None),
        _DESCRIPTION,
        Field("address", api="floating_ip_address", computed=True),
        Field("portId", computed=True, change=Change.UPDATE, nulls=True),
        Field("fixedIp", api="fixed_ip_address", computed=True, change=Change.UPDATE),
        Field("subnetId", shown=None),
        Field("dnsName", computed=True),
        Field("dnsDomain", computed=True),
        _TENANT,
        *_TAGS,
    ),
    wait=Wait(ready=frozenset({"ACTIVE", "DOWN"}), failed=frozenset({"ERROR"})),
    special=Special(body="floating_ip_body"),
)

FLOATING_IP_ASSOCIATE = Declaration(
    type="openstack:networking/floatingIpAssociate:FloatingIpAssociate",
    service="network",
    collection="/floatingips",
    singular="floatingip",
    plural="floatingips",
    mark=MarkIn.NOTHING,
    fields=(
        Field("floatingIp", required=True, sent=False, shown="floating_ip_address"),
        Field("portId", required=True, change=Change.UPDATE),
        Field("fixedIp", api="fixed_ip_address", computed=True, change=Change.UPDATE),
    ),
    special=Special(
        create="associate_floating_ip", find="find_floating_ip_association", delete="disassociate_floating_ip"
    ),
)

QUOTA = Declaration(
    type="openstack:networking/quotaV2:QuotaV2",
    service="network",
    collection="/quotas",
    singular="quota",
    plural="",
    mark=MarkIn.NOTHING,
    fields=(
        Field("projectId", required=True, sent=False, shown=None),
        *(
            Field(wire, "whole", computed=True, change=Change.HANDLED, by="put_quota")
            for wire in (
                "floatingip",
                "network",
                "port",
                "rbacPolicy",
                "router",
                "securityGroup",
                "securityGroupRule",
                "subnet",
                "subnetpool",
            )
        ),
    ),
    special=Special(create="create_quota", find="find_quota", read="read_quota", delete="leave_quota"),
    deadlines=Deadlines(),
)

DECLARATIONS = (
    NETWORK,
    SUBNET,
    ROUTER,
    ROUTER_INTERFACE,
    PORT,
    SEC_GROUP,
    SEC_GROUP_RULE,
    FLOATING_IP,
    FLOATING_IP_ASSOCIATE,
    QUOTA,
)
