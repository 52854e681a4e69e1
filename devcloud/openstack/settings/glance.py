"""Glance: images, as files in one directory."""

from __future__ import annotations

from devcloud.openstack.settings.site import QUIET, Files, Site


def files(site: Site) -> Files:
    data = site.layout.data / "glance"
    for directory in ("images", "staging", "tasks"):
        (data / directory).mkdir(parents=True, exist_ok=True)
    return {
        site.layout.conf / "glance" / "glance-api.conf": {
            "DEFAULT": {
                **site.logging("glance"), "transport_url": "fake://", "enabled_backends": "files:sparse",
                "enabled_import_methods": "[glance-direct,copy-image]", "worker_self_reference_url": site.url("glance"),
                "node_staging_uri": f"file://{data}/staging",
                # Cinder's uploads are registered, not sent: reading 1 GiB only to hash it would take 4 s. Such an
                # image has no checksum in Glance, as on other stores that clone volumes.
                "do_secure_hash": "false",
            },
            "database": site.database_section("glance"),
            "glance_store": {"default_backend": "files"},
            "files": {"sparse_store_directory": site.layout.images},
            "os_glance_staging_store": {"filesystem_store_datadir": data / "staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": data / "tasks"},
            "paste_deploy": {"flavor": "keystone", "config_file": site.etc / "glance" / "glance-api-paste.ini"},
            "keystone_authtoken": site.token_check("glance"),
            "oslo_messaging_notifications": QUIET,
            # Images of encrypted volumes have a key of their own, which Glance deletes with them.
            **site.key_manager(),
        }
    }  # fmt: skip
