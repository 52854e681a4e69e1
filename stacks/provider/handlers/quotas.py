"""Quota sets of Nova, Cinder and Neutron: a setting of a project, the same in all three."""

from __future__ import annotations

from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider.properties import Properties, to_api
from stacks.provider.work import Work, unwrapped


def create_quota(work: Work, inputs: Properties) -> str:
    """Set the quotas that are given. The id is `<project>/<region>`, as in the official provider."""
    project = str(inputs["projectId"])
    _put(work, project, inputs)
    return f"{project}/{work.cloud.login.region}"


def find_quota(work: Work, inputs: Properties) -> list[str]:
    """Nothing to find: setting a quota twice sets it once."""
    return []


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
    declared = work.declaration
    limits = {
        field.api_path[0]: to_api(field, inputs[field.wire])
        for field in declared.inputs
        if field.kind == "whole" and inputs.get(field.wire) is not None
    }
    work.write("PUT", work.path_of(project), {declared.singular: limits})


def _project(identity: str) -> str:
    return identity.partition("/")[0]


HANDLERS = (create_quota, find_quota, read_quota, put_quota, leave_quota)
