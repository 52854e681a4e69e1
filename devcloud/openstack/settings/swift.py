"""Swift: containers and objects, one copy of each in one directory."""

from __future__ import annotations

from devcloud.openstack.layout import HOST
from devcloud.openstack.settings.site import Files, Section, Site

_PIPELINE = (
    "catch_errors gatekeeper healthcheck listing_formats bulk tempurl authtoken keystoneauth copy "
    "container-quotas account-quotas slo dlo versioned_writes symlink proxy-server"
)
_PLAIN_FILTERS = {
    "catch_errors": "catch_errors", "gatekeeper": "gatekeeper", "healthcheck": "healthcheck", "bulk": "bulk",
    "listing_formats": "listing_formats", "tempurl": "tempurl", "slo": "slo", "dlo": "dlo", "copy": "copy",
    "container-quotas": "container_quotas", "account-quotas": "account_quotas",
    "symlink": "symlink",
}  # fmt: skip
# All four servers are one process. What it does not answer within Swift's half a second is late, not broken: nobody is to be avoided for it,
# and a listing that was not told of an object in time would never be, for nothing here tells it later.
_PATIENCE: Section = {"conn_timeout": 60, "node_timeout": 300}
_OF_THE_PROXY: Section = {"error_suppression_limit": 1_000_000}
_OF_BACKENDS: Section = {"container_update_timeout": 300}
_KEYSTONE_AUTH: Section = {
    "use": "egg:swift#keystoneauth", "reseller_prefix": "AUTH", "operator_roles": "admin, swiftoperator, member",
    "reader_roles": "reader",
    # The cloud's administrator may read any account: backing up a container of another project needs it.
    "reseller_admin_role": "admin",
}  # fmt: skip


def files(site: Site) -> Files:
    directory = site.layout.conf / "swift"
    (site.layout.data / "swift" / "d1").mkdir(parents=True, exist_ok=True)
    return {
        directory / "swift.conf": {
            "swift-hash": {"swift_hash_path_suffix": "devcloud", "swift_hash_path_prefix": "devcloud"},
            "storage-policy:0": {"name": "Policy-0", "default": "yes"},
        },
        directory / "proxy-server.conf": _proxy(site),
        **{directory / f"{kind}-server.conf": _backend(site, kind) for kind in ("account", "container", "object")},
    }


def _common(site: Site, port: str) -> Section:
    return {
        "bind_ip": HOST, "bind_port": site.ports[port], "swift_dir": site.layout.conf / "swift", "workers": 0,
        "log_level": "WARNING", **_PATIENCE,
    }  # fmt: skip


def _backend(site: Site, kind: str) -> dict[str, Section]:
    local = {
        "devices": site.layout.data / "swift", "mount_check": "false", "disable_fallocate": "true",
        "fallocate_reserve": 0, **_OF_BACKENDS,
    }  # fmt: skip
    return {
        "DEFAULT": {**_common(site, f"swift-{kind}"), **local},
        "pipeline:main": {"pipeline": f"{kind}-server"},
        f"app:{kind}-server": {"use": f"egg:swift#{kind}", "allow_versions": "true"},
    }


def _proxy(site: Site) -> dict[str, Section]:
    token = {
        "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory", **site.token_check("swift"),
        "delay_auth_decision": "true", "include_service_catalog": "false",
    }  # fmt: skip
    return {
        "DEFAULT": _common(site, "swift"),
        "pipeline:main": {"pipeline": _PIPELINE},
        "app:proxy-server": {
            "use": "egg:swift#proxy",
            "account_autocreate": "true",
            "allow_account_management": "true",
            **_OF_THE_PROXY,
        },
        "filter:authtoken": token,
        "filter:keystoneauth": _KEYSTONE_AUTH,
        **{f"filter:{name}": {"use": f"egg:swift#{egg}"} for name, egg in _PLAIN_FILTERS.items()},
        # Keeping older versions of objects (X-Versions-Enabled); it stands on symlinks.
        "filter:versioned_writes": {"use": "egg:swift#versioned_writes", "allow_object_versioning": "true"},
    }
