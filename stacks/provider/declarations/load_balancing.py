"""Octavia: load balancers, what they listen on, and where they send it. Data only.

Octavia takes tags in a create request, so the mark is a tag; a health monitor has no tags in `pulumi_openstack`, so its name carries the mark.
Catalogs name Octavia without a version. While one part of a load balancer changes, Octavia refuses to touch any other: all these kinds insist.
"""

from __future__ import annotations

from .model import Change, Deadlines, Declaration, Field, MarkIn, Special, Wait, name

_SERVICE = "load-balancer"
_OWN = (("tags", "govcloud_op={key}"),)
_WAIT = Wait(
    status="provisioning_status",
    ready=frozenset({"ACTIVE"}),
    failed=frozenset({"ERROR"}),
    going=frozenset({"PENDING_DELETE"}),
    gone=frozenset({"DELETED"}),
    deleting_failed=frozenset({"ERROR"}),
)
_DEADLINES = Deadlines(create=600.0, update=300.0, delete=300.0)
_COMMON = (
    name(),
    Field("description", change=Change.UPDATE),
    Field("adminStateUp", "flag", computed=True, change=Change.UPDATE),
    Field("tags", "texts", unordered=True, change=Change.UPDATE),
)

LOAD_BALANCER = Declaration(
    type="openstack:loadbalancer/loadBalancer:LoadBalancer",
    service=_SERVICE,
    collection="/v2/lbaas/loadbalancers",
    singular="loadbalancer",
    plural="loadbalancers",
    mark=MarkIn.TAGS,
    list_query=_OWN,
    fields=(
        *_COMMON,
        Field("vipSubnetId", computed=True),
        Field("vipNetworkId", computed=True),
        Field("vipPortId", computed=True),
        Field("vipAddress", computed=True),
        Field("loadbalancerProvider", api="provider", computed=True),
        Field("flavorId", computed=True),
        Field("availabilityZone", computed=True),
    ),
    needs_one=(("vipSubnetId", "vipNetworkId", "vipPortId"),),
    wait=_WAIT,
    insists=True,
    deadlines=_DEADLINES,
)

LISTENER = Declaration(
    type="openstack:loadbalancer/listener:Listener",
    service=_SERVICE,
    collection="/v2/lbaas/listeners",
    singular="listener",
    plural="listeners",
    mark=MarkIn.TAGS,
    list_query=_OWN,
    fields=(
        *_COMMON,
        Field("loadbalancerId", required=True, shown=None),
        Field("protocol", required=True, one_of=("TCP", "UDP", "HTTP")),
        Field("protocolPort", "whole", required=True),
        Field("connectionLimit", "whole", computed=True, change=Change.UPDATE),
        Field("allowedCidrs", "texts", unordered=True, change=Change.UPDATE),
    ),
    wait=_WAIT,
    insists=True,
    deadlines=_DEADLINES,
)

POOL = Declaration(
    type="openstack:loadbalancer/pool:Pool",
    service=_SERVICE,
    collection="/v2/lbaas/pools",
    singular="pool",
    plural="pools",
    mark=MarkIn.TAGS,
    list_query=_OWN,
    fields=(
        *_COMMON,
        Field("listenerId", shown=None),
        Field("loadbalancerId", shown=None),
        Field("protocol", required=True, one_of=("TCP", "UDP", "HTTP", "PROXY")),
        Field(
            "lbMethod",
            api="lb_algorithm",
            required=True,
            one_of=("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"),
            change=Change.UPDATE,
        ),
    ),
    needs_one=(("listenerId", "loadbalancerId"),),
    wait=_WAIT,
    insists=True,
    deadlines=_DEADLINES,
)

MEMBERS = Declaration(
    type="openstack:loadbalancer/members:Members",
    service=_SERVICE,
    collection="/v2/lbaas/pools",
    singular="pool",
    plural="pools",
    # All members of a pool are one setting of it.
    mark=MarkIn.NOTHING,
    fields=(
        Field("poolId", required=True, shown=None),
        Field(
            "members",
            "objects",
            unordered=True,
            change=Change.HANDLED,
            by="put_members",
            fields=(
                Field("address", required=True),
                Field("protocolPort", "whole", required=True),
                Field("subnetId"),
                Field("name"),
                Field("weight", "whole", default=1),
            ),
        ),
    ),
    special=Special(create="set_members", find="find_members", read="read_members", delete="clear_members"),
    deadlines=_DEADLINES,
)

MONITOR = Declaration(
    type="openstack:loadbalancer/monitor:Monitor",
    service=_SERVICE,
    collection="/v2/lbaas/healthmonitors",
    singular="healthmonitor",
    plural="healthmonitors",
    mark=MarkIn.NAME,
    fields=(
        name(Change.REPLACE),
        Field("poolId", required=True, shown=None),
        Field("type", required=True, one_of=("TCP", "HTTP", "UDP-CONNECT", "PING")),
        Field("delay", "whole", required=True, change=Change.UPDATE),
        Field("timeout", "whole", required=True, change=Change.UPDATE),
        Field("maxRetries", "whole", required=True, change=Change.UPDATE),
        Field("urlPath", computed=True, change=Change.UPDATE),
        Field("expectedCodes", computed=True, change=Change.UPDATE),
    ),
    wait=_WAIT,
    insists=True,
    deadlines=_DEADLINES,
)

DECLARATIONS = (LOAD_BALANCER, LISTENER, POOL, MEMBERS, MONITOR)
