"""Nova: servers, on two compute hosts whose hypervisor is ours and runs nothing."""

from __future__ import annotations

from devcloud.openstack.settings.site import QUIET, Files, Section, Site

_DEFAULT: Section = {
    "compute_driver": "devcloud.LedgerDriver",
    "my_ip": "127.0.0.1",
    "concurrency_backend": "threading",
    "instance_usage_audit": "false",
    # Nothing changes behind Nova's back, so nothing is polled for.
    "heal_instance_info_cache_interval": -1,
    "sync_power_state_interval": -1,
    "update_resources_interval": 300,
    "service_down_time": 120,
    # How often a build asks whether its volume is there. With 3 s, the default, most builds would only wait.
    "block_device_allocate_retries_interval": 1,
    "block_device_allocate_retries": 180,
}
_GENEROUS: Section = {
    "instances": 1000, "cores": 10000, "ram": 10_000_000, "key_pairs": 1000, "server_groups": 100,
    # Counts in Nova's own tables: limits set for one project are enforced.
    "driver": "nova.quota.DbQuotaDriver",
}  # fmt: skip
_FILTERS = "ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter"


def files(site: Site) -> Files:
    login = site.login("nova")
    return {
        site.layout.conf / "nova.conf": {
            "DEFAULT": {
                **site.rpc_service("nova"),
                **_DEFAULT,
                "instances_path": site.layout.data / "nova" / "instances",
            },
            "api_database": site.database_section("nova_api"),
            "database": site.database_section("nova"),
            "keystone_authtoken": site.token_check("nova"),
            "service_user": site.service_login("nova"),
            "placement": login,
            "neutron": {**login, "service_metadata_proxy": "false"},
            "cinder": {**login, "os_region_name": login["region_name"], "catalog_info": "block-storage::publicURL"},
            "glance": {"api_servers": site.url("glance")},
            "oslo_concurrency": site.locks("nova"),
            "oslo_messaging_notifications": QUIET,
            "quota": _GENEROUS,
            "scheduler": {"discover_hosts_in_cells_interval": -1},
            "filter_scheduler": {"track_instance_changes": "false", "enabled_filters": _FILTERS},
            "vnc": {"enabled": "false"},
            **site.key_manager(),
            "notifications": {"notification_format": "unversioned"},
        }
    }
