"""What each kind of service consists of, and what it refuses."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stacks_kit import (
    DATABASE,
    EVERYTHING,
    MACHINES,
    NETWORK,
    OWNER,
    PUBLIC_KEY,
    SHARED,
    SHORT_RSA_KEY,
    USER_DATA,
    requests,
    services,
    wanted,
)

from stacks.catalog import CATALOG, kind_named
from stacks.cloud_init import parse
from stacks.diff import diff
from stacks.kind import Image, Quota
from stacks.machines import INSTANCE, KEYPAIR
from stacks.order import leaves
from stacks.program import External, Joined, Lookup, Program, Ref, Resource, Secret
from stacks.provider import schema
from stacks.request import Wanted, lay_out, problems_of
from stacks.security_rules import RULE


def resource(program: Program, name: str) -> Resource:
    return next(item for item in program.resources if item.name == name)


def laid_out(entries: dict[str, dict[str, Any]]) -> Program:
    assert problems_of(wanted(entries)) == ()
    return lay_out(wanted(entries)).program


@given(requests())
def test_every_input_of_every_resource_is_one_that_the_provider_serves(request_: Wanted) -> None:
    for item in lay_out(request_).program.resources:
        assert item.inputs.keys() <= schema.known_inputs(item.type), item.name
        assert schema.required_inputs(item.type) <= item.inputs.keys(), item.name


@given(requests())
def test_the_quota_is_what_the_program_makes(request_: Wanted) -> None:
    layout = lay_out(request_)
    made = Counter(item.type.rpartition(":")[2] for item in layout.program.resources)
    trove = made["Instance"] - len([item for item in layout.program.resources if item.type == INSTANCE])
    quota = layout.quota
    assert quota.volumes == made["Volume"] + trove
    assert quota.networks == made["Network"]
    assert quota.subnets == made["Subnet"]
    assert quota.routers == made["Router"]
    assert quota.instances == made["Instance"]
    assert quota.security_groups == made["SecGroup"] + trove
    assert quota.floating_ips == made["FloatingIp"]
    # Trove makes one for a database whose replicas are to be kept apart from it.
    assert quota.server_groups == made["ServerGroup"] + sum("locality" in item.inputs for item in layout.program.resources)
    assert quota.key_pairs == 2 * made["Keypair"]  # the next one is made before the former goes
    assert (quota.shares, quota.share_networks) == (made["Share"], made["ShareNetwork"])
    assert quota.ports >= made["Port"] + made["RouterInterface"] + trove


@given(requests())
def test_every_resource_says_whose_it_is(request_: Wanted) -> None:
    for item in lay_out(request_).program.resources:
        relations = ("RouterInterface", "VolumeAttach", "RoleAssignment", "Members", "ShareAccess")  # between marked things
        unmarked = item.type.rpartition(":")[2] in relations
        assert unmarked or OWNER in str(item.inputs), item.name
        assert item.service in request_.services


@given(requests())
def test_no_password_stands_in_a_program(request_: Wanted) -> None:
    for item in lay_out(request_).program.resources:
        for user in (item.inputs, *item.inputs.get("users", ())):  # type: ignore[misc]
            assert isinstance(user.get("password", Secret("")), Secret)  # type: ignore[union-attr,arg-type]


def test_what_holds_data_is_what_a_backup_is_made_of() -> None:
    layout = lay_out(wanted(EVERYTHING))
    assert {part.resource for _, part in layout.data} == {
        item.name for item in layout.program.resources if item.holds_data
    }


def test_a_machine_boots_from_a_volume_that_outlives_it() -> None:
    program = laid_out({"web": {"virtualMachine": MACHINES}})
    (device,) = resource(program, "web-1").inputs["block_devices"]  # type: ignore[misc]
    assert device == {
        "uuid": Ref("web-1-boot"),
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0,
        "delete_on_termination": False,
    }
    volume = resource(program, "web-1-boot")
    assert volume.inputs["image_id"] == Lookup("image", "cirros-0.6")
    assert volume.ignore_changes == ("image_id",)
    assert volume.holds_data


def test_each_machine_has_the_further_volumes_that_were_asked_for_and_they_are_data() -> None:
    extra = [{"name": "logs", "sizeGib": 3, "offering": "disk"}]
    layout = lay_out(wanted({"web": {"virtualMachine": {**MACHINES, "extraVolumes": extra}}}))
    volume = resource(layout.program, "web-1-volume-logs")
    assert (volume.inputs["size"], volume.inputs["volume_type"], volume.holds_data) == (3, "standard", True)
    assert resource(layout.program, "web-1-volume-logs-attachment").inputs == {
        "instance_id": Ref("web-1"),
        "volume_id": Ref("web-1-volume-logs"),
    }
    assert layout.quota.gigabytes == 2 * (10 + 3)
    assert ("web", "disk", Decimal("2.4")) in [(service, item.item, item.monthly) for service, item in layout.prices]


def test_boot_volumes_may_be_of_another_offering_than_the_machines() -> None:
    layout = lay_out(
        wanted({"web": {"virtualMachine": {**MACHINES, "offering": "large", "bootVolumeOffering": "disk"}}})
    )
    assert resource(layout.program, "web-0-boot").inputs["volume_type"] == "standard"
    assert [item.item for _, item in layout.prices] == ["large", "disk"]


def test_a_machine_gets_the_key_pair_and_the_user_data_of_its_service() -> None:
    entry = {**MACHINES, "sshPublicKey": PUBLIC_KEY, "userData": USER_DATA}
    program = laid_out({"web": {"virtualMachine": entry}})
    (pair,) = (item for item in program.resources if item.type == KEYPAIR)
    assert pair.inputs["public_key"] == PUBLIC_KEY
    assert str(pair.inputs["name"]).endswith(OWNER)
    machine = resource(program, "web-1")
    assert machine.inputs["key_pair"] == Ref(pair.name, "name")
    assert parse(str(machine.inputs["user_data"]))["hostname"] == "portal-1"


def test_one_machine_alone_is_called_as_it_was_asked_for() -> None:
    program = laid_out({"web": {"virtualMachine": {**MACHINES, "count": 1, "userData": {"hostname": "portal"}}}})
    assert parse(str(resource(program, "web-0").inputs["user_data"])) == {"hostname": "portal"}


def test_an_image_is_looked_up_with_the_checksum_that_the_catalog_gives() -> None:
    images = {"cirros": Image(name="cirros", image="cirros-0.6", sha512="ab" * 64)}
    program = lay_out(wanted({"web": {"virtualMachine": MACHINES}}, images=images)).program
    assert resource(program, "web-0-boot").inputs["image_id"] == Lookup("image", "cirros-0.6", "ab" * 64)


def test_machines_that_should_not_run_are_made_switched_off() -> None:
    program = lay_out(wanted({"web": {"virtualMachine": MACHINES}}, running=False)).program
    assert resource(program, "web-0").inputs["power_state"] == "shutoff"


def test_a_rule_is_named_after_what_it_says_so_that_order_means_nothing() -> None:
    rules = [
        {"protocol": "tcp", "portMin": 80, "portMax": 90, "remotePrefix": "10.0.0.0/8"},
        {"protocol": "udp", "portMin": 53, "remotePrefix": "2001:db8::/32"},
    ]
    one = laid_out({"web": {"virtualMachine": {**MACHINES, "securityRules": rules}}})
    other = laid_out({"web": {"virtualMachine": {**MACHINES, "securityRules": rules[::-1]}}})
    assert {item.name: item for item in one.resources} == {item.name: item for item in other.resources}
    assert resource(one, "web-rule-tcp-80-90-10.0.0.0-8").inputs["port_range_max"] == 90
    assert resource(one, "web-rule-udp-53-53-2001.db8..-32").inputs["ethertype"] == "IPv6"


@pytest.mark.parametrize(("addresses", "protocol"), [("10.0.0.0/8", "icmp"), ("2001:db8::/32", "ipv6-icmp")])
def test_a_rule_says_icmp_as_neutron_shows_it(addresses: str, protocol: str) -> None:
    rules = [{"protocol": "icmp", "remotePrefix": addresses}]
    program = laid_out({"web": {"virtualMachine": {**MACHINES, "securityRules": rules}}})
    assert [each.inputs["protocol"] for each in program.resources if each.type == RULE] == [protocol]


def test_a_service_without_a_network_is_on_the_only_one_of_the_request() -> None:
    program = laid_out({"lan": {"network": NETWORK}, "web": {"virtualMachine": MACHINES}})
    port = resource(program, "web-0-port")
    assert port.inputs["network_id"] == Ref("lan")
    assert port.after == ("lan-interface",)


def test_a_request_without_a_network_uses_the_units_own() -> None:
    port = resource(laid_out({"web": {"virtualMachine": MACHINES}}), "web-0-port")
    assert port.inputs["network_id"] == External("default_network_id")
    assert port.after == ()


def test_a_network_without_a_router_asks_for_none() -> None:
    program = laid_out({"lan": {"network": {**NETWORK, "router": False}}, "web": {"virtualMachine": MACHINES}})
    assert {item.name for item in program.resources if item.service == "lan"} == {"lan", "lan-subnet"}
    assert resource(program, "web-0-port").after == ("lan-subnet",)


def test_a_containers_name_is_unique_in_the_unit() -> None:
    container = resource(laid_out({"files": {"objectStorage": {"quotaGib": 2}}}), "files")
    assert container.inputs["name"] == f"files-{OWNER}"
    assert container.inputs["metadata"]["quota-bytes"] == str(2 * 2**30)  # type: ignore[index,call-overload]


def test_a_container_is_open_to_its_own_user_and_to_nobody_else() -> None:
    layout = lay_out(wanted({"files": {"objectStorage": {"quotaGib": 2}}}))
    container, user = resource(layout.program, "files"), resource(layout.program, "files-user")
    only_its_user = Joined((External("access_project_id"), ":", Ref("files-user")))
    assert container.inputs["container_read"] == container.inputs["container_write"] == only_its_user
    assert user.inputs["password"] == Secret("objectStorage/files/password")
    assert user.inputs["default_project_id"] == External("access_project_id")
    assert resource(layout.program, "files-role").inputs["project_id"] == External("access_project_id")
    credentials = {key: value for _, key, value in layout.credentials}
    assert credentials["username"] == user.inputs["name"]
    assert credentials["password"] == user.inputs["password"]
    assert credentials["container"] == container.inputs["name"]


def test_a_load_balancer_sends_to_every_machine_of_its_target() -> None:
    entries = {"lan": {"network": NETWORK}, "web": {"virtualMachine": MACHINES}}
    balancer = {"target": "web", "listeners": [{"port": 443, "targetPort": 8443}], "allowedFrom": ["10.0.0.0/8"]}
    layout = lay_out(wanted({**entries, "front": {"loadBalancer": balancer}}))
    assert resource(layout.program, "front-tcp-443-members").inputs["members"] == tuple(
        {"address": Ref(f"web-{index}-port", "all_fixed_ips.0"), "protocol_port": 8443} for index in (0, 1)
    )
    assert resource(layout.program, "front-tcp-443").inputs["allowed_cidrs"] == ("10.0.0.0/8",)
    (endpoint,) = (each for service, each in layout.endpoints if service == "front")
    assert (endpoint.address, endpoint.port) == (Ref("front", "vip_address"), 443)


def test_one_port_may_be_listened_on_over_tcp_and_udp_but_not_twice_over_one() -> None:
    entries = {"lan": {"network": NETWORK}, "web": {"virtualMachine": MACHINES}}
    twice = [{"port": 53, "protocol": "UDP"}, {"port": 53}, {"port": 53, "protocol": "HTTP"}]
    problems = problems_of(wanted({**entries, "front": {"loadBalancer": {"target": "web", "listeners": twice}}}))
    assert [problem.field.rpartition(".loadBalancer.")[2] for problem in problems] == [
        "listeners[1].port",
        "listeners[2].port",
    ]


def test_a_share_is_on_a_network_of_the_request_and_mounted_from_there_only() -> None:
    layout = lay_out(wanted({"lan": {"network": NETWORK}, "shared": {"fileStorage": SHARED}}))
    assert resource(layout.program, "shared-network").inputs["neutron_subnet_id"] == Ref("lan-subnet")
    share = resource(layout.program, "shared")
    assert (share.inputs["size"], share.inputs["share_type"], share.holds_data) == (50, "nfs-standard", True)
    rules = [item.inputs for item in layout.program.resources if item.type.endswith(":ShareAccess")]
    assert [(rule["access_to"], rule["access_level"]) for rule in rules] == [("10.20.0.0/25", "rw"), ("10.20.0.200/32", "ro")]
    assert [(item.item, item.monthly) for _, item in layout.prices] == [("shares", Decimal("30.0"))]
    assert (layout.quota.shares, layout.quota.share_gigabytes, layout.quota.share_networks) == (1, 50, 1)
    (endpoint,) = (each for service, each in layout.endpoints if service == "shared")
    assert (endpoint.name, endpoint.address) == ("export", Ref("shared", "export_locations.0.path"))
    assert [(service, part.how) for service, part in layout.data] == [("shared", "NotBackedUp")]


def test_another_order_of_who_may_mount_a_share_changes_nothing() -> None:
    one, other = (
        laid_out({"lan": {"network": NETWORK}, "shared": {"fileStorage": {**SHARED, "access": access}}})
        for access in (SHARED["access"], SHARED["access"][::-1])  # type: ignore[index]
    )
    assert {item.name: item for item in one.resources} == {item.name: item for item in other.resources}


def test_a_share_that_goes_from_a_to_b_and_back_is_what_it_was() -> None:
    lan = {"lan": {"network": NETWORK}}
    first = laid_out({**lan, "shared": {"fileStorage": SHARED}})
    then = laid_out({**lan, "shared": {"fileStorage": {**SHARED, "access": [{"addresses": "10.20.0.0/25", "readOnly": True}]}}})
    there, back = diff(first, then), diff(then, first)
    assert [(c.resource, c.operation) for c in there] == [("shared-access-10-20-0-0-25", "replace"), ("shared-access-10-20-0-200-32", "delete")]
    assert [(c.resource, c.operation) for c in back] == [("shared-access-10-20-0-0-25", "replace"), ("shared-access-10-20-0-200-32", "create")]
    assert diff(first, first) == ()


def test_a_database_gives_out_all_that_a_client_needs() -> None:
    layout = lay_out(wanted({"lan": {"network": NETWORK}, "orders": {"database": DATABASE}}))
    credentials = {key: value for _, key, value in layout.credentials}
    assert credentials == {
        "host": Ref("orders", "addresses.0"),
        "port": "5432",
        "database": "orders",
        "username": "app",
        "password": Secret("database/orders/password"),
    }


def test_the_price_counts_machines_and_the_storage_beside_them() -> None:
    layout = lay_out(wanted({"web": {"virtualMachine": {**MACHINES, "offering": "large"}}}))
    assert [(service, item.item, item.monthly) for service, item in layout.prices] == [
        ("web", "large", Decimal("801.00")),
        ("web", "large storage", Decimal("10.0")),
    ]


REFUSED: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "an offering that is not in the catalog": (
        {"web": {"virtualMachine": {**MACHINES, "offering": "huge"}}},
        "services[web].virtualMachine.offering",
    ),
    "an offering of another kind": (
        {"web": {"virtualMachine": {**MACHINES, "offering": "pg"}}},
        "services[web].virtualMachine.offering",
    ),
    "an offering without a flavor": (
        {"web": {"virtualMachine": {**MACHINES, "offering": "nameless"}}},
        "services[web].virtualMachine.offering",
    ),
    "an image that is not in the catalog": (
        {"web": {"virtualMachine": {**MACHINES, "image": "beos"}}},
        "services[web].virtualMachine.image",
    ),
    "a boot volume smaller than its image": (
        {"web": {"virtualMachine": {**MACHINES, "image": "kylin"}}},
        "services[web].virtualMachine.bootVolumeGib",
    ),
    "a boot volume of an offering that is none of volumes": (
        {"web": {"virtualMachine": {**MACHINES, "bootVolumeOffering": "objects"}}},
        "services[web].virtualMachine.bootVolumeOffering",
    ),
    "a further volume of an offering that is not there": (
        {"web": {"virtualMachine": {**MACHINES, "extraVolumes": [{"name": "logs", "sizeGib": 1, "offering": "tape"}]}}},
        "services[web].virtualMachine.extraVolumes[0].offering",
    ),
    "a short RSA key": (
        {"web": {"virtualMachine": {**MACHINES, "sshPublicKey": SHORT_RSA_KEY}}},
        "services[web].virtualMachine.sshPublicKey",
    ),
    "a user called root": (
        {
            "web": {
                "virtualMachine": {
                    **MACHINES,
                    "userData": {"users": [{"name": "root", "sshPublicKeys": [PUBLIC_KEY]}]},
                }
            }
        },
        "services[web].virtualMachine.userData.users[0].name",
    ),
    "a network that is not there": (
        {"web": {"virtualMachine": {**MACHINES, "network": "lan"}}},
        "services[web].virtualMachine.network",
    ),
    "no choice between two networks": (
        {"a": {"network": NETWORK}, "b": {"network": NETWORK}, "web": {"virtualMachine": MACHINES}},
        "services[web].virtualMachine.network",
    ),
    "a floating address without a router": (
        {
            "lan": {"network": {**NETWORK, "router": False}},
            "web": {"virtualMachine": {**MACHINES, "floatingAddress": True}},
        },
        "services[web].virtualMachine.floatingAddress",
    ),
    "ports for icmp": (
        {
            "web": {
                "virtualMachine": {
                    **MACHINES,
                    "securityRules": [{"protocol": "icmp", "portMin": 1, "remotePrefix": "10.0.0.0/8"}],
                }
            }
        },
        "services[web].virtualMachine.securityRules[0].portMin",
    ),
    "tcp without ports": (
        {"web": {"virtualMachine": {**MACHINES, "securityRules": [{"protocol": "tcp", "remotePrefix": "10.0.0.0/8"}]}}},
        "services[web].virtualMachine.securityRules[0].portMin",
    ),
    "ports the wrong way round": (
        {
            "web": {
                "virtualMachine": {
                    **MACHINES,
                    "securityRules": [{"protocol": "tcp", "portMin": 9, "portMax": 8, "remotePrefix": "10.0.0.0/8"}],
                }
            }
        },
        "services[web].virtualMachine.securityRules[0].portMax",
    ),
    "a rule with host bits": (
        {
            "web": {
                "virtualMachine": {
                    **MACHINES,
                    "securityRules": [{"protocol": "tcp", "portMin": 9, "remotePrefix": "10.0.0.1/8"}],
                }
            }
        },
        "services[web].virtualMachine.securityRules[0].remotePrefix",
    ),
    "the same rule twice, the second time with its only port written as a range": (
        {
            "web": {
                "virtualMachine": {
                    **MACHINES,
                    "securityRules": [
                        {"protocol": "tcp", "portMin": 9, "remotePrefix": "10.0.0.0/8"},
                        {"protocol": "tcp", "portMin": 9, "portMax": 9, "remotePrefix": "10.0.0.0/8"},
                    ],
                }
            }
        },
        "services[web].virtualMachine.securityRules[1]",
    ),
    "a volume on a machine that is not there": (
        {"data": {"blockStorage": {"sizeGib": 1, "offering": "disk", "attachTo": {"service": "web"}}}},
        "services[data].blockStorage.attachTo.service",
    ),
    "a volume on the third of two machines": (
        {
            "web": {"virtualMachine": MACHINES},
            "data": {"blockStorage": {"sizeGib": 1, "offering": "disk", "attachTo": {"service": "web", "index": 2}}},
        },
        "services[data].blockStorage.attachTo.index",
    ),
    "an engine that the offering is not for": (
        {"orders": {"database": {**DATABASE, "engine": "mysql"}}},
        "services[orders].database.engine",
    ),
    "settings for a database of the cloud's own service": (
        {"orders": {"database": {**DATABASE, "settings": {"maxConnections": 50}}}},
        "services[orders].database.settings",
    ),
    "a database on a machine without a network": (
        {"orders": {"database": {**DATABASE, "offering": "pg-machine"}}},
        "services[orders].database.network",
    ),
    "a database of the system": (
        {"orders": {"database": {**DATABASE, "databaseName": "postgres"}}},
        "services[orders].database.databaseName",
    ),
    "a database on a network without a router": (
        {"lan": {"network": {**NETWORK, "router": False}}, "orders": {"database": DATABASE}},
        "services[orders].database.network",
    ),
    "a load balancer for machines that are not there": (
        {"lan": {"network": NETWORK}, "front": {"loadBalancer": {"target": "web", "listeners": [{"port": 80}]}}},
        "services[front].loadBalancer.target",
    ),
    "a load balancer without a network": (
        {
            "web": {"virtualMachine": MACHINES},
            "front": {"loadBalancer": {"target": "web", "listeners": [{"port": 80}]}},
        },
        "services[front].loadBalancer.network",
    ),
    "a share without a network": ({"shared": {"fileStorage": SHARED}}, "services[shared].fileStorage.network"),
    "a share of a type that the catalog does not have": (
        {"lan": {"network": NETWORK}, "shared": {"fileStorage": {**SHARED, "offering": "objects"}}},
        "services[shared].fileStorage.offering",
    ),
    "a share for another network": (
        {"lan": {"network": NETWORK}, "shared": {"fileStorage": {**SHARED, "access": [{"addresses": "10.21.0.0/24"}]}}},
        "services[shared].fileStorage.access[0].addresses",
    ),
    "a share for everybody": (
        {"lan": {"network": NETWORK}, "shared": {"fileStorage": {**SHARED, "access": [{"addresses": "0.0.0.0/0"}]}}},
        "services[shared].fileStorage.access[0].addresses",
    ),
    "a share for addresses that are none": (
        {"lan": {"network": NETWORK}, "shared": {"fileStorage": {**SHARED, "access": [{"addresses": "2001:db8::/32"}]}}},
        "services[shared].fileStorage.access[0].addresses",
    ),
    "an address range with host bits": ({"lan": {"network": {"cidr": "10.20.0.5/24"}}}, "services[lan].network.cidr"),
    "an address range that Neutron would write otherwise": ({"lan": {"network": {"cidr": "10.0.0.0/08"}}}, "services[lan].network.cidr"),
    "a rule for a range that Neutron would write otherwise": (
        {"web": {"virtualMachine": {**MACHINES, "securityRules": [
            {"protocol": "tcp", "portMin": 443, "remotePrefix": "2001:DB8::/32"}
        ]}}},
        "services[web].virtualMachine.securityRules[0].remotePrefix",
    ),
    "an address range that is too small": (
        {"lan": {"network": {"cidr": "10.20.0.0/30"}}},
        "services[lan].network.cidr",
    ),
    "a name server that is no address": (
        {"lan": {"network": {**NETWORK, "dnsServers": ["1.2.3.4.5"]}}},
        "services[lan].network.dnsServers[0]",
    ),
    "a name that another service's part bears": (
        {
            "web": {"virtualMachine": MACHINES},
            "web-0-boot": {"blockStorage": {"sizeGib": 1, "offering": "disk"}},
        },
        "services[web-0-boot].name",
    ),
    "a part that bears the name of another service's part": (
        {
            "web": {"virtualMachine": {**MACHINES, "extraVolumes": [{"name": "group", "sizeGib": 1, "offering": "disk"}]}},
            "web-0-volume": {"virtualMachine": MACHINES},
        },
        "services[web-0-volume].name",
    ),
    "a machine that bears the name of a replica": (
        {"orders": {"database": {**DATABASE, "replicas": 1}}, "orders-replica": {"virtualMachine": MACHINES}},
        "services[orders-replica].name",
    ),
    "a volume that bears the name of another one's attachment": (
        {"web": {"virtualMachine": {**MACHINES, "extraVolumes": [
            {"name": name, "sizeGib": 1, "offering": "disk"} for name in ("logs", "logs-attachment")
        ]}}},
        "services[web].name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_the_field_that_is_wrong(case: str) -> None:
    entries, field = REFUSED[case]
    problems = problems_of(wanted(entries))
    assert [problem.field for problem in problems] == [field]
    assert problems[0].en
    assert problems[0].zh


def test_two_further_volumes_of_one_name_are_both_named() -> None:
    volumes = [{"name": "logs", "sizeGib": 1, "offering": "disk"}] * 2
    problems = problems_of(wanted({"web": {"virtualMachine": {**MACHINES, "extraVolumes": volumes}}}))
    assert [problem.field.rpartition(".virtualMachine.")[2] for problem in problems] == [
        "extraVolumes[0].name",
        "extraVolumes[1].name",
    ]


def test_all_problems_are_told_at_once() -> None:
    entries = {
        "web": {"virtualMachine": {**MACHINES, "offering": "huge", "image": "beos"}},
        "orders": {"database": {**DATABASE, "databaseName": "mysql"}},
    }
    assert len(problems_of(wanted(entries))) == 3


@pytest.mark.parametrize("count", [0, 51, 1.5, "two"])
def test_a_number_of_machines_that_is_none_is_refused_by_the_model(count: Any) -> None:
    with pytest.raises(ValidationError, match="count"):
        services({"web": {"virtualMachine": {**MACHINES, "count": count}}})


def test_every_parameter_says_what_it_means() -> None:
    for kind in CATALOG:
        for name, field in kind.parameters.model_fields.items():
            assert field.description, f"{kind.name}.{name}"


def test_quotas_add_up_field_by_field() -> None:
    assert Quota(ram=1, volumes=2) + Quota(ram=3) == Quota(ram=4, volumes=2)


def test_a_kind_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="quantumComputer"):
        kind_named("quantumComputer")


@given(requests())
def test_what_a_resource_refers_to_comes_before_it(request_: Wanted) -> None:
    seen: set[str] = set()
    for item in lay_out(request_).program.resources:
        refs = {leaf.resource for leaf in leaves(dict(item.inputs)) if isinstance(leaf, Ref)}
        assert refs | set(item.after) <= seen
        seen.add(item.name)


_NAMES = ("web", "web-0", "web-0-volume", "web-0-boot", "web-group", "web-replica", "web-replica-1", "web-data", "web-machine")
_DISKS = [{"name": name, "sizeGib": 1, "offering": "disk"} for name in ("group", "logs", "logs-attachment")]
_ENTRIES: tuple[dict[str, Any], ...] = (
    {"virtualMachine": MACHINES},
    {"virtualMachine": {**MACHINES, "extraVolumes": _DISKS[:2]}},
    {"virtualMachine": {**MACHINES, "extraVolumes": _DISKS}},
    {"database": {**DATABASE, "replicas": 2}},
    {"database": {**DATABASE, "offering": "pg-machine"}},
    {"blockStorage": {"sizeGib": 1, "offering": "disk"}},
    {"objectStorage": {"quotaGib": 1}},
)


@given(st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(_ENTRIES), min_size=1))
def test_what_nothing_is_wrong_with_can_be_laid_out(entries: dict[str, dict[str, Any]]) -> None:
    asked = wanted({"lan": {"network": NETWORK}, **entries})
    if not problems_of(asked):
        assert lay_out(asked).program.resources
