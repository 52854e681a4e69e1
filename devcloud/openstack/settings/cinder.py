"""Cinder: volumes, snapshots and backups, as sparse files with real bytes."""

from __future__ import annotations

from devcloud.openstack.settings.site import QUIET, Files, Section, Site

BACKEND = "file"

_DEFAULT: Section = {
    "enabled_backends": BACKEND,
    "default_volume_type": "standard",
    "auth_strategy": "keystone",
    "my_ip": "127.0.0.1",
    "backup_driver": "devcloud.openstack.drivers.cinder_backup.SparseBackupDriver",
    "backup_workers": 1,
    "backup_native_threads_pool_size": 20,
    # The driver leaves out what is all zeros. Compressing the rest would cost more than it saves.
    "backup_compression_algorithm": "none",
    "backup_file_size": 16 << 20,
    "backup_sha_block_size_bytes": 1 << 20,
    "scheduler_driver_init_wait_time": 1,
    "enable_force_upload": "true",
    "report_interval": 30,
    "service_down_time": 180,
}
_GENEROUS: Section = {
    "quota_volumes": 1000, "quota_snapshots": 1000, "quota_gigabytes": 100_000, "quota_backups": 1000,
    "quota_backup_gigabytes": 100_000, "per_volume_size_limit": -1,
}  # fmt: skip


def files(site: Site) -> Files:
    data = site.layout.data / "cinder"
    (data / "backup").mkdir(parents=True, exist_ok=True)
    paths = {
        "api_paste_config": site.etc / "cinder" / "api-paste.ini",
        "resource_query_filters_file": site.etc / "cinder" / "resource_filters.json",
        "glance_api_servers": site.url("glance"),
        "backup_posix_path": data / "backup",
        "image_conversion_dir": data / "conversion",
    }
    return {
        site.layout.conf / "cinder.conf": {
            "DEFAULT": {**site.rpc_service("cinder"), **_DEFAULT, **_GENEROUS, **paths},
            BACKEND: {
                "volume_driver": "devcloud.openstack.drivers.cinder_volume.SparseFileDriver",
                "volume_backend_name": BACKEND, "sparse_file_directory": site.layout.volumes,
                "sparse_file_image_directory": site.layout.images,
                "sparse_file_state_directory": site.layout.directory,
            },
            "database": site.database_section("cinder"),
            # With the names of its domains Cinder logs in to keep the key of a volume that is on its way to another project.
            "keystone_authtoken": {**site.token_check("cinder"), "user_domain_name": "Default", "project_domain_name": "Default"},
            "nova": {**site.login("cinder"), "interface": "public"},
            "service_user": site.service_login("cinder"),
            "coordination": {"backend_url": f"file://{data}/coordination"},
            "oslo_concurrency": site.locks("cinder"),
            "oslo_messaging_notifications": QUIET,
            **site.key_manager(),
        }
    }  # fmt: skip
