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
                **site.logging("glance"), "transport_url": "fake://", "enabled_backends": "file:file",
                "enabled_import_methods": "[glance-direct,copy-image]", "worker_self_reference_url": site.url("glance"),
                "node_staging_uri": f"file://{data}/staging",
            },
            "database": site.database_section("glance"),
            "glance_store": {"default_backend": "file"},
            # Images are streamed in pieces of 4 MiB: with the default of 64 KiB, a download is bound by Python.
            "file": {"filesystem_store_datadir": data / "images", "filesystem_store_chunk_size": 4 << 20},
            "os_glance_staging_store": {"filesystem_store_datadir": data / "staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": data / "tasks"},
            "paste_deploy": {"flavor": "keystone", "config_file": site.etc / "glance" / "glance-api-paste.ini"},
            "keystone_authtoken": site.token_check("glance"),
            "oslo_messaging_notifications": QUIET,
        }
    }  # fmt: skip
