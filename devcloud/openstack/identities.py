"""The users, projects, roles and the catalog of a fresh cloud, written through Keystone's own managers.

Runs inside the OpenStack environment, before any service answers.
"""

from __future__ import annotations

import uuid
from typing import Any

from devcloud.openstack.layout import HOST, PASSWORD, REGION
from devcloud.openstack.services.runtime import Runtime
from devcloud.openstack.settings.barbican import KEY_COPIER

DOMAIN = "default"
SERVICE_USERS = ("nova", "glance", "placement", "neutron", "cinder", "swift", "trove", "barbican")
CONTROLLER = "govcloud"
CONTROLLER_PROJECTS = ("govcloud", "govcloud-backups", "govcloud-quarantine")
COPIES_LIE_IN = ("govcloud-backups", "govcloud-quarantine")
CONTROLLER_GRANTS = {
    project: ("admin", "member", *((KEY_COPIER,) if project in COPIES_LIE_IN else ())) for project in CONTROLLER_PROJECTS
}
FURTHER_ROLES = ("service", "creator", "swiftoperator", KEY_COPIER)

# service type, service name, whose port, path
CATALOG = (
    ("compute", "nova", "nova", "/v2.1"),
    ("image", "glance", "glance", ""),
    ("placement", "placement", "placement", ""),
    ("network", "neutron", "neutron", ""),
    ("block-storage", "cinder", "cinder", "/v3"),
    ("volumev3", "cinderv3", "cinder", "/v3"),
    ("object-store", "swift", "swift", "/v1/AUTH_$(project_id)s"),
    ("database", "trove", "trove", "/v1.0/$(project_id)s"),
    ("key-manager", "barbican", "barbican", ""),
)


def create(runtime: Runtime) -> None:
    """To be called in a process that has read Keystone's configuration."""
    _administrator(runtime)
    from keystone.common import provider_api

    managers = provider_api.ProviderAPIs
    roles = _roles(managers)
    _project(managers, "service")
    for name in SERVICE_USERS:
        _user(managers, roles, name, {"service": ("admin", "service")})
    for name in CONTROLLER_PROJECTS:
        _project(managers, name)
    _user(managers, roles, CONTROLLER, CONTROLLER_GRANTS)
    _catalog(managers, runtime.ports)


def _administrator(runtime: Runtime) -> None:
    from keystone.cmd import bootstrap

    bootstrapper = bootstrap.Bootstrapper()
    bootstrapper.admin_username = bootstrapper.project_name = bootstrapper.admin_role_name = "admin"
    bootstrapper.admin_password = PASSWORD
    bootstrapper.service_name = "keystone"
    url = f"http://{HOST}:{runtime.ports['keystone']}/v3"
    bootstrapper.public_url = bootstrapper.internal_url = bootstrapper.admin_url = url
    bootstrapper.region_id = REGION
    bootstrapper.endpoints = {}
    bootstrapper.bootstrap()


def _roles(managers: Any) -> dict[str, str]:
    known = {role["name"]: role["id"] for role in managers.role_api.list_roles()}
    for name in FURTHER_ROLES:
        if name not in known:
            known[name] = uuid.uuid4().hex
            managers.role_api.create_role(known[name], {"id": known[name], "name": name})
    return known


def _project_id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"devcloud.{name}").hex


def _project(managers: Any, name: str) -> None:
    project = {"id": _project_id(name), "name": name, "domain_id": DOMAIN, "enabled": True}
    managers.resource_api.create_project(project["id"], project)


def _user(managers: Any, roles: dict[str, str], name: str, grants: dict[str, tuple[str, ...]]) -> None:
    home = _project_id(next(iter(grants)))
    wanted = {"name": name, "password": PASSWORD, "domain_id": DOMAIN, "enabled": True, "default_project_id": home}
    user = managers.identity_api.create_user(wanted)["id"]
    for project, granted in grants.items():
        for role in granted:
            managers.assignment_api.add_role_to_user_and_project(user, _project_id(project), roles[role])


def _catalog(managers: Any, ports: dict[str, int]) -> None:
    for kind, name, port, path in CATALOG:
        service = uuid.uuid4().hex
        managers.catalog_api.create_service(service, {"id": service, "type": kind, "name": name, "enabled": True})
        for interface in ("public", "internal", "admin"):
            endpoint = uuid.uuid4().hex
            managers.catalog_api.create_endpoint(endpoint, {
                "id": endpoint, "interface": interface, "service_id": service, "enabled": True, "region_id": REGION,
                "url": f"http://{HOST}:{ports[port]}{path}",
            })  # fmt: skip
