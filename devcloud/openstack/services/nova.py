"""Nova: API, conductor, scheduler and two compute hosts, in one process."""

from __future__ import annotations

import os
import sys
from typing import Any

from devcloud.openstack.layout import COMPUTE_HOSTS
from devcloud.openstack.services.runtime import Runtime


def run(runtime: Runtime) -> list[Any]:
    application = _api(runtime)
    # Conductor and compute give up at once if Placement does not answer.
    runtime.wait_for("placement")
    runtime.wait_for("keystone")
    services = _start_services()
    _report_now(services)
    _map_hosts()
    runtime.serve(application, "nova", threads=12)
    return services


def _api(runtime: Runtime) -> Any:
    samples = f"{sys.prefix}/etc/nova/api-paste.ini"
    os.environ["OS_NOVA_CONFIG_DIR"] = str(runtime.layout.conf)
    os.environ["OS_NOVA_CONFIG_FILES"] = f"{samples};nova.conf"
    sys.argv = ["nova", "--config-file", runtime.conf("nova.conf")]
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    _offer_our_hypervisor()
    from nova.api.openstack import wsgi_app

    return wsgi_app.init_application("osapi_compute", "nova-api-os-compute")


def _offer_our_hypervisor() -> None:
    """Nova loads hypervisor drivers from its own package only: ours appears there under a name of its own."""
    import nova.virt

    from devcloud.openstack.drivers import nova_hypervisor

    sys.modules["nova.virt.devcloud"] = nova_hypervisor
    nova.virt.devcloud = nova_hypervisor


def _start_services() -> list[Any]:
    import os_vif
    from nova import objects, service
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.scheduler import rpcapi as scheduler
    from nova.virt import node

    os_vif.initialize()
    objects.Service.enable_min_version_cache()
    if node.read_local_node_uuid() is None:
        node.get_local_node_uuid()  # from the second start on, Nova demands that the file exists
    create = service.Service.create
    services = [
        create(binary="nova-conductor", topic=conductor.RPC_TOPIC),
        create(binary="nova-scheduler", topic=scheduler.RPC_TOPIC),
        *(
            create(binary="nova-compute", host=host, topic=compute.RPC_TOPIC, topic_alt=compute.RPC_TOPIC_ALT)
            for host in COMPUTE_HOSTS
        ),
    ]
    for one in services:
        one.start()
    return services


def _report_now(services: list[Any]) -> None:
    """The first heartbeat comes after 10 s; until then, all hosts of a cloud made from a template count as down."""
    for one in services:
        one.servicegroup_api._driver._report_state(one)


def _map_hosts() -> None:
    from nova import context
    from nova.objects import host_mapping

    host_mapping.discover_hosts(context.get_admin_context())
