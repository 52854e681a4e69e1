"""Neutron: networks, ports, routers, floating addresses, in its database only: no packet flows."""

from __future__ import annotations

from devcloud.openstack.settings.site import QUIET, Files, Section, Sections, Site

_DEFAULT: Section = {
    "core_plugin": "ml2",
    # By class path. Together with port_forwarding or trunk, Neutron would load its own router plugin as well.
    "service_plugins": "devcloud.openstack.drivers.neutron_l3.AgentlessL3Plugin,qos",
    "auth_strategy": "keystone",
    "dhcp_agent_notification": "false",
    # Without these, a floating address does not show up in a server's addresses.
    "notify_nova_on_port_status_changes": "true",
    "notify_nova_on_port_data_changes": "true",
    "api_workers": 1,
    "rpc_workers": 0,
}
_GENEROUS: Section = {
    "quota_network": 1000, "quota_subnet": 1000, "quota_port": 10000, "quota_router": 500, "quota_floatingip": 1000,
    "quota_security_group": 1000, "quota_security_group_rule": 10000,
}  # fmt: skip
_ML2: Sections = {
    "ml2": {
        "type_drivers": "local,flat,vlan,geneve", "project_network_types": "geneve", "overlay_ip_version": 4,
        "mechanism_drivers": "devcloud", "extension_drivers": "port_security,qos",
    },
    "ml2_type_flat": {"flat_networks": "*"},
    "ml2_type_vlan": {"network_vlan_ranges": "physnet1:100:1000"},
    "ml2_type_geneve": {"vni_ranges": "1:65000", "max_header_size": 38},
    "securitygroup": {"enable_security_group": "true"},
}  # fmt: skip


def files(site: Site) -> Files:
    paste = site.etc / "neutron" / "api-paste.ini"
    return {
        site.layout.conf / "neutron.conf": {
            "DEFAULT": {**site.rpc_service("neutron"), **_DEFAULT, "api_paste_config": paste},
            "database": site.database_section("neutron"),
            "keystone_authtoken": site.token_check("neutron"),
            "nova": site.login("neutron"),
            "placement": site.login("neutron"),
            "oslo_concurrency": site.locks("neutron"),
            "oslo_messaging_notifications": QUIET,
            "quotas": _GENEROUS,
        },
        site.layout.conf / "ml2.ini": _ML2,
    }
