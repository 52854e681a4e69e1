"""Binds every port on every host, with no agent and no switch behind it.

The drivers that Neutron ships for tests bind only hosts with magic names, or want heartbeats of agents.
"""

from __future__ import annotations

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api


class BindAnywhereDriver(api.MechanismDriver):
    """Makes bound ports, and ports of routers and DHCP (which are never bound), ACTIVE."""

    def initialize(self) -> None:
        """Nothing to prepare."""

    @property
    def connectivity(self) -> str:
        return str(portbindings.CONNECTIVITY_L2)

    def bind_port(self, context: Any) -> None:
        for segment in context.segments_to_bind[:1]:
            details = {portbindings.CAP_PORT_FILTER: True, portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity}
            context.set_binding(
                segment[api.ID], portbindings.VIF_TYPE_OVS, details, status=constants.PORT_STATUS_ACTIVE
            )

    def create_port_postcommit(self, context: Any) -> None:
        port = context.current
        owner = port.get("device_owner") or ""
        if owner.startswith("network:") and owner != constants.DEVICE_OWNER_FLOATINGIP:
            plugin = directory.get_plugin()
            plugin.update_port_status(context._plugin_context, port["id"], constants.PORT_STATUS_ACTIVE)
