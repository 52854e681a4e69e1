"""A hypervisor that keeps a ledger of its servers and runs none of them."""

from __future__ import annotations

import io
import uuid
from typing import Any

from nova import context as nova_context
from nova import exception, objects
from nova.compute import power_state, task_states
from nova.image import glance
from nova.virt import fake


class LedgerDriver(fake.FakeDriver):
    """Nova's fake driver, made to outlive its process and to hand snapshots to Glance."""

    def init_host(self, host: str) -> None:
        """Puts the servers of earlier runs back into the ledger: without, they could not be stopped or started."""
        super().init_host(host)
        administrator = nova_context.get_admin_context()
        for instance in objects.InstanceList.get_by_host(administrator, host, expected_attrs=["flavor", "info_cache"]):
            self._adopt(instance)

    def _adopt(self, instance: Any) -> None:
        off = instance.power_state == power_state.SHUTDOWN
        flavor = instance.flavor
        self.resources.claim(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)
        state = power_state.SHUTDOWN if off else power_state.RUNNING
        self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
        for interface in instance.get_network_info():
            self._interfaces[interface["id"]] = interface

    # Nova's fake invents new node ids in each process; a second start would then refuse to go on.

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        return {_node_id(name): name for name in self.get_available_nodes()}

    def get_available_resource(self, nodename: str) -> Any:
        resources = super().get_available_resource(nodename)
        resources["uuid"] = _node_id(nodename)
        return resources

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        """Uploads a few bytes as the server's image: there is no disk to upload."""
        if instance.uuid not in self.instances:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        properties = {"disk_format": "raw", "container_format": "bare", "properties": {"instance_uuid": instance.uuid}}
        update_task_state(task_state=task_states.IMAGE_UPLOADING, expected_state=task_states.IMAGE_PENDING_UPLOAD)
        glance.API().update(context, image_id, properties, io.BytesIO(b"devcloud" * 512), purge_props=False)


def _node_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
