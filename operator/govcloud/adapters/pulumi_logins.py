"""Logins for the provider: the controller's own from clouds.yaml, and a unit's derived from what its stack gave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keystoneauth1.exceptions import AuthPluginException
from openstack.config import OpenStackConfig
from openstack.exceptions import ConfigException

from govcloud.failures import Stop
from govcloud.reasons import Reason
from stacks.provider.runs import CloudLogin


def controller_login(cloud: str) -> CloudLogin:
    """The controller's own login, an entry of clouds.yaml.

    Raises:
        Stop: clouds.yaml lacks the entry, or the entry lacks what a login needs; the message names it.
    """
    try:
        region = OpenStackConfig().get_one(cloud=cloud)
    except (ConfigException, AuthPluginException) as error:
        raise Stop(Reason.CLOUD_UNAUTHORIZED, f"entry {cloud} of clouds.yaml cannot be used: {error}") from error
    verify, _ = region.get_requests_verify_args()
    return replace(
        login_from(cloud, region.config.get("auth") or {}),
        region=str(region.get_region_name() or ""),
        cacert=verify if isinstance(verify, str) else "",
        interface=str(region.get_interface() or "public"),
    )


def login_from(cloud: str, auth: Mapping[str, Any]) -> CloudLogin:
    """The login that the `auth` part of an entry describes."""
    if not auth.get("auth_url"):
        raise Stop(Reason.CLOUD_UNAUTHORIZED, f"entry {cloud} of clouds.yaml has no auth_url")
    if not (auth.get("application_credential_id") or auth.get("username")):
        raise Stop(
            Reason.CLOUD_UNAUTHORIZED,
            f"entry {cloud} of clouds.yaml has neither application_credential_id nor username",
        )
    names = (
        "application_credential_id",
        "application_credential_secret",
        "username",
        "password",
        "project_name",
        "project_id",
    )
    return CloudLogin(
        auth_url=str(auth["auth_url"]),
        region="",
        user_domain=_domain(cloud, auth, "user"),
        project_domain=_domain(cloud, auth, "project"),
        **{name: str(auth.get(name) or "") for name in names},
    )


def service_user_login(controller: CloudLogin, user: str, password: str, project: str) -> CloudLogin:
    """A unit's service user, by its password. Only it can make its own application credential."""
    return _at_the_cloud_of(
        controller,
        username=user,
        password=password,
        project_name=project,
        user_domain=controller.user_domain,
        project_domain=controller.project_domain,
    )


def unit_login(controller: CloudLogin, credential_id: str, credential_secret: str) -> CloudLogin:
    """A unit's application credential, with which everything of its requests is done."""
    return _at_the_cloud_of(
        controller, application_credential_id=credential_id, application_credential_secret=credential_secret
    )


def _at_the_cloud_of(controller: CloudLogin, **who: str) -> CloudLogin:
    return CloudLogin(
        auth_url=controller.auth_url,
        region=controller.region,
        cacert=controller.cacert,
        interface=controller.interface,
        **who,
    )


def _domain(cloud: str, auth: Mapping[str, Any], whose: str) -> str:
    """The domain's name. Of ids only Keystone's own default has a name that we know."""
    if name := auth.get(f"{whose}_domain_name"):
        return str(name)
    identity = auth.get(f"{whose}_domain_id", "default")
    if identity != "default":
        raise Stop(
            Reason.CLOUD_UNAUTHORIZED,
            f"entry {cloud} of clouds.yaml gives {whose}_domain_id; give {whose}_domain_name instead",
        )
    return "Default"
