"""What all configuration files share: where the services are, and how a service logs in and reaches its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devcloud.openstack.layout import HOST, PASSWORD, REGION, Layout

Section = Mapping[str, object]
Sections = Mapping[str, Section]
Files = Mapping[Path, Sections | str]
"""What stands in each file: sections of an INI file, or the text itself."""

QUIET: Section = {"driver": "noop"}
"""Notifications: nobody listens."""


@dataclass(frozen=True)
class Site:
    """One development cloud as its configuration sees it."""

    layout: Layout
    ports: Mapping[str, int]
    venv: Path

    def url(self, service: str, path: str = "") -> str:
        return f"http://{HOST}:{self.ports[service]}{path}"

    @property
    def etc(self) -> Path:
        """The configuration samples (paste pipelines, for one) that the packages bring along."""
        return self.venv / "etc"

    @property
    def auth_url(self) -> str:
        return self.url("keystone", "/v3")

    def database(self, name: str) -> str:
        # Without these two, every new connection first asks twice for an encryption that is not offered.
        plain = "sslmode=disable&gssencmode=disable"
        return f"postgresql+psycopg2://devcloud:{PASSWORD}@{HOST}:{self.ports['postgres']}/{name}?{plain}"

    def database_section(self, name: str) -> Section:
        return {"connection": self.database(name), "max_pool_size": 10, "max_overflow": 30}

    def login(self, user: str) -> dict[str, object]:
        """How a service logs in to call another one."""
        return {
            "auth_url": self.auth_url, "auth_type": "password", "username": user, "password": PASSWORD,
            "project_name": "service", "user_domain_id": "default", "project_domain_id": "default",
            "region_name": REGION,
        }  # fmt: skip

    def service_login(self, user: str) -> Section:
        """A login whose token goes along with the user's: without it, Cinder refuses to detach for Nova."""
        return {**self.login(user), "send_service_user_token": "true"}

    def token_check(self, user: str) -> Section:
        """How a service checks the tokens of its callers."""
        return {
            **self.login(user), "www_authenticate_uri": self.auth_url, "service_token_roles": "service",
            "service_token_roles_required": "true", "token_cache_time": 300, "http_connect_timeout": 60,
        }  # fmt: skip

    def key_manager(self) -> dict[str, Section]:
        """Where a service keeps the keys of volumes: in Barbican, each in the project of its volume."""
        return {
            "key_manager": {"backend": "barbican"},
            "barbican": {"auth_endpoint": self.auth_url, "barbican_region_name": REGION},
        }

    def logging(self, service: str) -> dict[str, object]:
        return {"log_file": self.layout.log / f"{service}.log", "use_stderr": "false", "log_options": "false"}

    def rpc_service(self, service: str) -> dict[str, object]:
        """[DEFAULT] of a project whose services call each other, all inside of one process."""
        return {
            **self.logging(service), "transport_url": "fake://", "host": "devcloud",
            "state_path": self.layout.data / service, "rpc_response_timeout": 300,
        }  # fmt: skip

    def locks(self, service: str) -> Section:
        return {"lock_path": self.layout.run / f"{service}-locks"}


def render(sections: Sections) -> str:
    """Sections as the text of an INI file."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{option} = {value}\n" for option, value in options.items())
        for name, options in sections.items()
    )
