"""What cannot change about a database that runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from stacks.database import INSTANCE
from stacks.kind import Problem
from stacks.program import Program, Resource


def stuck_on_their_storage(old: Program, new: Program, reoffered: Collection[str]) -> tuple[Problem, ...]:
    """Databases of the cloud's own service that another offering would put on another type of volume: Trove has no way to move them.

    `reoffered` names the services that ask for another offering than before. A catalog that gives the same offering another type moves
    nothing, and is no reason to refuse.
    """
    before = {resource.name: resource for resource in old.resources if resource.type == INSTANCE}
    return tuple(
        problem
        for resource in new.resources
        if resource.type == INSTANCE and resource.service in reoffered and resource.name in before
        for problem in _stuck(before[resource.name], resource)
    )


def _stuck(old: Resource, new: Resource) -> Iterator[Problem]:
    there, wanted = old.inputs.get("volume_type"), new.inputs.get("volume_type")
    if there == wanted:
        return
    yield Problem(
        f"services[{new.service}]",
        f"{new.name} is on volumes of the type {there or 'default'} and cannot move to {wanted or 'default'}; choose an offering "
        "with the same type, or ask for a new database beside it and move the data",
        f"{new.name} 的数据卷类型为 {there or '默认'}，无法改为 {wanted or '默认'}；请选择卷类型相同的规格，或另申请新数据库并迁移数据",
    )
