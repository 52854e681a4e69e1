"""The users of the development cluster and their kubeconfigs: really different people."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from devcloud.certificates import Authority, KeyPair
from devcloud.environment import API_SERVER, Environment
from devcloud.paths import write_atomically

ADMINISTRATOR = "administrator"
ADMINISTRATORS = "system:masters"
PERSONAS = (
    "applicant",
    "superior-unit",
    "authority",
    "unit-consent",
    "provider",
    "experts",
    "finance",
    "development-reform",
    "government",
    "data-centre",
    "inspector",
    "approval-system",
    "platform-engineer",
    "operations",
    "auditor",
)
"""Who deals with a request. What each may do is in `devcloud/personas/` and in `deploy/rbac/`."""

GROUP_PREFIX = "govcloud:"


def write_kubeconfigs(environment: Environment, authority: Authority) -> None:
    """The administrator's kubeconfig and one for each persona, for the ports as they are now."""
    administrator = authority.for_client(ADMINISTRATOR, ADMINISTRATOR, [ADMINISTRATORS])
    _write(environment, environment.kubeconfig, authority, ADMINISTRATOR, _by_certificate(administrator))
    for persona in PERSONAS:
        pair = authority.for_client(f"persona-{persona}", persona, [GROUP_PREFIX + persona])
        _write(environment, environment.kubeconfig_of(persona), authority, persona, _by_certificate(pair))


def write_component_kubeconfig(environment: Environment, authority: Authority, path: Path, user: str) -> Path:
    """The kubeconfig by which a part of Kubernetes itself, such as its controller manager, logs in."""
    pair = authority.for_client(user.replace(":", "-"), user)
    return _write(environment, path, authority, user, _by_certificate(pair))


def write_token_kubeconfig(environment: Environment, authority: Authority, path: Path, user: str, token: str) -> Path:
    """The kubeconfig of a service account."""
    return _write(environment, path, authority, user, {"token": token})


def _by_certificate(pair: KeyPair) -> dict[str, str]:
    # The content and not the path, so that a kubeconfig can be copied to where it is needed.
    return {"client-certificate-data": _encoded(pair.certificate), "client-key-data": _encoded(pair.key)}


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _write(environment: Environment, path: Path, authority: Authority, user: str, login: Mapping[str, str]) -> Path:
    content = kubeconfig(environment.url(API_SERVER), _encoded(authority.files.certificate), user, login)
    write_atomically(path, yaml.safe_dump(content, sort_keys=False), mode=0o600)
    return path


def kubeconfig(server: str, authority: str, user: str, login: Mapping[str, str]) -> dict[str, Any]:
    """The content of a kubeconfig with one cluster, one user, one context; `authority` is its certificate in base64."""
    cluster = {"server": server, "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "dev", "cluster": cluster}],
        "users": [{"name": user, "user": dict(login)}],
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": user, "namespace": "default"}}],
        "current-context": "dev",
    }
