"""Keystone: users, projects, roles, tokens, the catalog."""

from __future__ import annotations

from devcloud.openstack.settings.site import QUIET, Files, Site


def files(site: Site) -> Files:
    keys = site.layout.data / "keystone"
    return {
        site.layout.conf / "keystone.conf": {
            "DEFAULT": {**site.logging("keystone"), "max_token_size": 512},
            "database": site.database_section("keystone"),
            "token": {"provider": "fernet", "expiration": 86400},
            "fernet_tokens": {"key_repository": keys / "fernet"},
            "fernet_receipts": {"key_repository": keys / "fernet"},
            "credential": {"key_repository": keys / "credential"},
            # 4 is the least that bcrypt allows: a login costs 1 ms, not 200.
            "identity": {"password_hash_rounds": 4},
            "cache": {"enabled": "true", "backend": "dogpile.cache.memory"},
            "oslo_messaging_notifications": QUIET,
        }
    }
