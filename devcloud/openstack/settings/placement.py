"""Placement: which compute host has room."""

from __future__ import annotations

from devcloud.openstack.settings.site import Files, Site


def files(site: Site) -> Files:
    return {
        site.layout.conf / "placement" / "placement.conf": {
            "DEFAULT": site.logging("placement"),
            "placement_database": site.database_section("placement"),
            "api": {"auth_strategy": "keystone"},
            "keystone_authtoken": site.token_check("placement"),
        }
    }
