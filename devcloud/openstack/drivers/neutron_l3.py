"""Routers and floating addresses without an agent that would report them as working."""

from __future__ import annotations

from typing import Any

from neutron.services.l3_router import l3_router_plugin
from neutron_lib import constants


class AgentlessL3Plugin(l3_router_plugin.L3RouterPlugin):
    """A floating address is ACTIVE while it is bound to a port, as an agent would report it."""

    def create_floatingip(self, context: Any, floatingip: Any, **options: Any) -> Any:
        return self._with_status(context, super().create_floatingip(context, floatingip, **options))

    def update_floatingip(self, context: Any, id: str, floatingip: Any) -> Any:
        return self._with_status(context, super().update_floatingip(context, id, floatingip))

    def _with_status(self, context: Any, address: dict[str, Any]) -> dict[str, Any]:
        bound = address.get("port_id") is not None
        status = constants.FLOATINGIP_STATUS_ACTIVE if bound else constants.FLOATINGIP_STATUS_DOWN
        if address.get("status") != status:
            self.update_floatingip_status(context, address["id"], status)
        return {**address, "status": status}
