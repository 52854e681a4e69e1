"""What cannot change about a database that runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from stacks.database import INSTANCE, KIND_NAME, Database
from stacks.kind import Parameters, Problem
from stacks.program import Program, Resource


def renamed(before: Mapping[str, Parameters], now: Mapping[str, Parameters]) -> Iterator[Problem]:
    """Databases that would get another name: on the cloud's own service the one with the data would be dropped, on a machine nothing
    would happen. Services by name.
    """
    for service, wanted in now.items():
        there = before.get(service)
        if isinstance(there, Database) and isinstance(wanted, Database) and there.database_name != wanted.database_name:
            yield Problem(
                f"services[{service}].{KIND_NAME}.databaseName",
                f"the database {there.database_name} holds data and cannot be renamed; keep its name",
                f"数据库 {there.database_name} 存有数据，不能改名；请保留原名称",
            )


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
