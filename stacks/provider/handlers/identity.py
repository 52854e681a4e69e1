"""Keystone: role assignments, which are relations, and application credentials, whose secret is shown once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks.provider.properties import Properties
from stacks.provider.work import Work


def application_credential_body(work: Work, inputs: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The create request: roles by name."""
    roles = [{"name": role} for role in inputs.get("roles") or ()]
    return {"application_credential": {**body, **({"roles": roles} if roles else {})}}


def application_credential_shown(work: Work, answer: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """The roles by name, and the secret where this answer still shows it."""
    return {
        "roles": sorted(str(role["name"]) for role in answer.get("roles") or ()),
        "secret": answer.get("secret"),
    }


def assign_role(work: Work, inputs: Properties) -> str:
    """Give the role. The id is `<domain>/<project>/<group>/<user>/<role>`, as in the official provider."""
    identity = _identity(inputs)
    work.write("PUT", _assignment(identity))
    return identity


def find_role_assignment(work: Work, inputs: Properties) -> list[str]:
    """The assignment, if it is there already."""
    identity = _identity(inputs)
    return [] if read_role_assignment(work, identity, inputs) is None else [identity]


def read_role_assignment(work: Work, identity: str, inputs: Properties) -> dict[str, Any] | None:
    """The parts of the assignment, if it is there."""
    return None if work.cloud.head("identity", _assignment(identity)) is None else {"id": identity}


def unassign_role(work: Work, identity: str, inputs: Properties) -> None:
    """Take the role away."""
    work.delete_if_there(_assignment(identity))


def _identity(inputs: Properties) -> str:
    parts = (inputs.get(part) or "" for part in ("domainId", "projectId", "groupId", "userId", "roleId"))
    return "/".join(parts)


def _assignment(identity: str) -> str:
    domain, project, group, user, role = identity.split("/")
    scope = f"/projects/{project}" if project else f"/domains/{domain}"
    who = f"/users/{user}" if user else f"/groups/{group}"
    return f"{scope}{who}/roles/{role}"


HANDLERS = (
    application_credential_body,
    application_credential_shown,
    assign_role,
    find_role_assignment,
    read_role_assignment,
    unassign_role,
)
