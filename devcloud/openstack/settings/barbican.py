"""Barbican: the keys of encrypted volumes, in its own software store."""

from __future__ import annotations

import base64
import hashlib
import json

from devcloud.openstack.layout import PASSWORD
from devcloud.openstack.settings.site import QUIET, Files, Site

KEY_COPIER = "key-copier"
"""Role of who may read the keys of other projects: a copy of a volume in another project needs a copy of its key there."""

# As Barbican has it, and the role. Its own rule knows no way to a key of another project but a list on each single one.
_DECRYPT = (
    "rule:secret_project_admin or (rule:secret_project_member and rule:secret_owner) or "
    f"(rule:secret_project_member and rule:secret_is_not_private) or rule:secret_acl_read or role:{KEY_COPIER}"
)
_MASTER_KEY = base64.urlsafe_b64encode(hashlib.sha256(PASSWORD.encode()).digest()).decode()
"""Wraps the keys of the projects, which wrap the volumes' keys. As secret as all else here: not at all."""


def files(site: Site) -> Files:
    conf = site.layout.conf / "barbican"
    return {
        conf / "policy.yaml": json.dumps({"secret:decrypt": _DECRYPT, "secret:get": f"role:admin or {_DECRYPT}"}),
        conf / "barbican.conf": {
            "DEFAULT": {**site.logging("barbican"), "transport_url": "fake://", "host_href": site.url("barbican")},
            "database": site.database_section("barbican"),
            "keystone_authtoken": site.token_check("barbican"),
            "oslo_policy": {"policy_file": conf / "policy.yaml"},
            "oslo_messaging_notifications": QUIET,
            "simple_crypto_plugin": {"kek": _MASTER_KEY},
        },
    }
