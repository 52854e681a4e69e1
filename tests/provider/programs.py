"""Small programs for the real engine, written as their users write them: with `pulumi_openstack`."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_openstack as openstack

CLOUD = "unit"


@dataclass(frozen=True)
class Wish:
    """What may be asked for and changed."""

    stage: str = "trial"
    flavor: str = "m1.tiny"
    data_gb: int = 1
    power: str = "active"
    machines: int = 1
    container: str = "govcloud-provider-test"
    description: str = "orders"
    public_key: str | None = None

    def __call__(self) -> None:
        """Declare the resources."""
        on = pulumi.ResourceOptions(provider=openstack.Provider("unit", cloud=CLOUD))
        asking = pulumi.InvokeOptions(provider=on.provider)
        image = openstack.images.get_image(name="cirros", opts=asking)
        network = openstack.networking.Network("net", name="net", tags=[f"govcloud_stage={self.stage}"], opts=on)
        subnet = openstack.networking.Subnet(
            "subnet", name="subnet", network_id=network.id, cidr="10.9.0.0/24", description=self.description, opts=on
        )
        group = openstack.networking.SecGroup("web", name="web", description=self.description, opts=on)
        openstack.networking.SecGroupRule(
            "https", security_group_id=group.id, direction="ingress", ethertype="IPv4", protocol="tcp",
            port_range_min=443, port_range_max=443, remote_ip_prefix="0.0.0.0/0", opts=on,
        )  # fmt: skip
        key = openstack.compute.Keypair("key", name="key", public_key=self.public_key, opts=on)
        apart = openstack.compute.ServerGroup("apart", name="apart", policies="soft-anti-affinity", opts=on)
        metadata = {"govcloud_stage": self.stage}
        openstack.objectstorage.Container("files", name=self.container, metadata=metadata, opts=on)
        for number in range(self.machines):
            self._machine(number, image.id, network, subnet, group, key, apart, on)
        pulumi.export("private_key", key.private_key)

    def _machine(
        self,
        number: int,
        image: str,
        network: openstack.networking.Network,
        subnet: openstack.networking.Subnet,
        group: openstack.networking.SecGroup,
        key: openstack.compute.Keypair,
        apart: openstack.compute.ServerGroup,
        on: pulumi.ResourceOptions,
    ) -> None:
        metadata = {"govcloud_stage": self.stage}
        port = openstack.networking.Port(
            f"port-{number}", name=f"port-{number}", network_id=network.id, fixed_ips=[{"subnet_id": subnet.id}],
            security_group_ids=[group.id], opts=on,
        )  # fmt: skip
        boot = openstack.blockstorage.Volume(
            f"boot-{number}", name=f"boot-{number}", size=1, image_id=image, metadata=metadata, opts=on
        )
        data = openstack.blockstorage.Volume(
            f"data-{number}", name=f"data-{number}", size=self.data_gb, metadata=metadata, opts=on
        )
        server = openstack.compute.Instance(
            f"server-{number}", name=f"server-{number}", flavor_name=self.flavor, key_pair=key.name,
            power_state=self.power, metadata=metadata, user_data="#cloud-config\n{}\n",
            block_devices=[{"uuid": boot.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0}],
            networks=[{"port": port.id}], scheduler_hints=[{"group": apart.id}], opts=on,
        )  # fmt: skip
        openstack.compute.VolumeAttach(f"attach-{number}", instance_id=server.id, volume_id=data.id, opts=on)
        pulumi.export(f"address-{number}", server.access_ip_v4)


RESOURCES_APART_FROM_MACHINES = 7
RESOURCES_OF_A_MACHINE = 5
"""The provider resource and the stack itself are not counted here."""


@dataclass(frozen=True)
class Outside:
    """A router to the provider network and a floating address on a port."""

    description: str = "one"

    def __call__(self) -> None:
        """Declare the resources."""
        on = pulumi.ResourceOptions(provider=openstack.Provider("unit", cloud=CLOUD))
        asking = pulumi.InvokeOptions(provider=on.provider)
        public = openstack.networking.get_network(name="public", opts=asking)
        network = openstack.networking.Network("net", name="net", opts=on)
        subnet = openstack.networking.Subnet(
            "subnet", name="subnet", network_id=network.id, cidr="10.9.0.0/24", opts=on
        )
        router = openstack.networking.Router(
            "router", name="router", external_network_id=public.id, description=self.description, opts=on
        )
        plug = openstack.networking.RouterInterface("plug", router_id=router.id, subnet_id=subnet.id, opts=on)
        after = pulumi.ResourceOptions.merge(on, pulumi.ResourceOptions(depends_on=[plug]))
        port = openstack.networking.Port(
            "port", name="port", network_id=network.id, fixed_ips=[{"subnet_id": subnet.id}], no_security_groups=True,
            opts=after,
        )  # fmt: skip
        address = openstack.networking.FloatingIp("address", pool="public", opts=on)
        openstack.networking.FloatingIpAssociate("pointed", floating_ip=address.address, port_id=port.id, opts=after)
        pulumi.export("address", address.address)


@dataclass(frozen=True)
class Unit:
    """What a using unit gets: a project with quotas, a service user, and the credential that it makes itself."""

    name: str
    role: str
    password: str
    description: str = "one"
    quota: int = 5

    def __call__(self) -> None:
        """Declare the resources."""
        on = pulumi.ResourceOptions(provider=openstack.Provider("admin", cloud="admin"))
        project = openstack.identity.Project(
            "project", name=self.name, description=self.description, tags=["govcloud_unit=test"], opts=on
        )
        user = openstack.identity.User(
            "user", name=self.name, password=pulumi.Output.secret(self.password), default_project_id=project.id,
            description=self.description, opts=on,
        )  # fmt: skip
        given = openstack.identity.RoleAssignment(
            "given", role_id=self.role, user_id=user.id, project_id=project.id, opts=on
        )
        openstack.compute.QuotaSetV2("computing", project_id=project.id, instances=self.quota, cores=20, opts=on)
        openstack.networking.QuotaV2("networking", project_id=project.id, network=self.quota, port=50, opts=on)
        openstack.blockstorage.QuoteSetV3("storage", project_id=project.id, volumes=self.quota, gigabytes=100, opts=on)
        as_itself = pulumi.ResourceOptions(provider=openstack.Provider("itself", cloud="itself"), depends_on=[given])
        credential = openstack.identity.ApplicationCredential(
            "credential", name="govcloud", roles=["member"], opts=as_itself
        )
        pulumi.export("project", project.id)
        pulumi.export("credential", credential.id)
        pulumi.export("secret", credential.secret)


@dataclass(frozen=True)
class Database:
    """A database instance on a network of its own."""

    flavor: str
    version: str
    password: str = "correct horse"
    databases: tuple[str, ...] = ("orders",)
    size: int = 1

    def __call__(self) -> None:
        """Declare the resources."""
        on = pulumi.ResourceOptions(provider=openstack.Provider("unit", cloud=CLOUD))
        asking = pulumi.InvokeOptions(provider=on.provider)
        public = openstack.networking.get_network(name="public", opts=asking)
        network = openstack.networking.Network("net", name="net", opts=on)
        subnet = openstack.networking.Subnet(
            "subnet", name="subnet", network_id=network.id, cidr="10.9.0.0/24", opts=on
        )
        router = openstack.networking.Router("router", name="router", external_network_id=public.id, opts=on)
        plug = openstack.networking.RouterInterface("plug", router_id=router.id, subnet_id=subnet.id, opts=on)
        after = pulumi.ResourceOptions.merge(on, pulumi.ResourceOptions(depends_on=[plug]))
        database = openstack.database.Instance(
            "database", name="database", flavor_id=self.flavor, size=self.size,
            datastore={"type": "postgresql", "version": self.version}, networks=[{"uuid": network.id}],
            databases=[{"name": name} for name in self.databases],
            users=[{"name": "app", "password": pulumi.Output.secret(self.password), "databases": list(self.databases)}],
            opts=after,
        )  # fmt: skip
        pulumi.export("addresses", database.addresses)
