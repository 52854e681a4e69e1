"""Trove: database instances. Its guest agent is ours and runs in Trove's own process."""

from __future__ import annotations

from devcloud.openstack.layout import HOST, PASSWORD, REGION
from devcloud.openstack.settings.site import QUIET, Files, Section, Site

_PATIENCE: Section = {
    "usage_sleep_time": 1, "usage_timeout": 300, "agent_call_low_timeout": 60, "state_change_poll_time": 1,
    "state_change_wait_time": 300, "server_delete_time_out": 300, "volume_time_out": 300, "reboot_time_out": 300,
    "report_interval": 30,
}  # fmt: skip
_GENEROUS: Section = {
    "max_instances_per_tenant": 100, "max_volumes_per_tenant": 10_000, "max_accepted_volume_size": 1000,
}  # fmt: skip
_DRIVERS: Section = {
    "remote_guest_client": "devcloud.openstack.drivers.trove_guest.client",
    "taskmanager_manager": "trove.taskmanager.manager.Manager",
    "network_driver": "trove.network.neutron.NeutronDriver",
    "enable_secure_rpc_messaging": "false",
    "trove_volume_support": "true",
    "cinder_volume_type": "standard",
    "default_datastore": "postgresql",
}


def files(site: Site) -> Files:
    login = {
        "auth_url": site.auth_url, "username": "trove", "password": PASSWORD, "project_name": "service",
        "user_domain_name": "Default", "project_domain_name": "Default", "region_name": REGION,
    }  # fmt: skip
    listening = {
        # The host must be an address: Trove binds to it.
        "transport_url": "fake://", "host": HOST, "bind_host": HOST, "bind_port": site.ports["trove"],
        "trove_api_workers": 1, "api_paste_config": site.etc / "trove" / "api-paste.ini",
    }  # fmt: skip
    return {
        site.layout.conf / "trove.conf": {
            "DEFAULT": {**site.logging("trove"), **listening, **_DRIVERS, **_PATIENCE, **_GENEROUS},
            "service_credentials": login,
            "keystone_authtoken": site.token_check("trove"),
            "database": {"connection": site.database("trove")},
            "oslo_messaging_notifications": QUIET,
            "mysql": {"tcp_ports": "3306", "volume_support": "true"},
            "postgresql": {"tcp_ports": "5432", "volume_support": "true"},
        }
    }
