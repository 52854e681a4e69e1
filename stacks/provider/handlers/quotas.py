"""Quota sets of Nova, Cinder and Neutron: a setting of a project, the same in all three."""

from __future__ import annotations

from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider.properties import Properties
from stacks.provider.work import Work, unwrapped


def create_quota(work: Work, inputs: Properties) -> str:
    """Set the quotas that are given. The id is `<project>/<region>`, as in the official provider."""
    project = str(inputs["projectId"])
    _put(work, project, inputs)
    return f"{project}/{work.cloud.login.region}"


def find_quota(work: Work, inputs: Properties) -> list[str]:
    """The quota set, if it says already what it should say."""
    project = str(inputs["projectId"])
    shown = read_quota(work, project, inputs) or {}
    wanted = _limits(work, inputs)
    agrees = all(shown.get(name) == limit for name, limit in wanted.items())
    return [f"{project}/{work.cloud.login.region}"] if shown and agrees else []


def read_quota(work: Work, identity: str, inputs: Properties) -> dict[str, Any] | None:
    """The quotas of the project; None when the service knows no such project."""
    try:
        document = work.find(work.path_of(_project(identity)))
    except ksa.BadRequest:
        return None
    return None if document is None else unwrapped(document, work.declaration.singular)


def put_quota(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Set the quotas that are given."""
    _put(work, _project(identity), new)


def leave_quota(work: Work, identity: str, inputs: Properties) -> None:
    """Leave the quota as it is, as the official provider does: it goes with its project."""


def _put(work: Work, project: str, inputs: Properties) -> None:
    work.write("PUT", work.path_of(project), {work.declaration.singular: _limits(work, inputs)})


def _limits(work: Work, inputs: Properties) -> dict[str, int]:
    return {
        field.api_path[0]: int(inputs[field.wire])
        for field in work.declaration.inputs
        if field.kind == "whole" and inputs.get(field.wire) is not None
    }


def _project(identity: str) -> str:
    return identity.partition("/")[0]


HANDLERS = (create_quota, find_quota, read_quota, put_quota, leave_quota)
