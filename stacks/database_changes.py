"""What cannot change about a database that runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from pydantic.alias_generators import to_camel

from stacks.database import KIND_NAME, Database
from stacks.database_replicas import INSTANCE
from stacks.kind import Parameters, Problem
from stacks.program import Program, Resource
from stacks.security_rules import RULE


def lasting(before: Mapping[str, Parameters], now: Mapping[str, Parameters]) -> Iterator[Problem]:
    """Parameters that count when a database is made, and would be others now: nothing would happen, or the one with the data would be dropped.

    Services by name. A version counts as it is written: whether the one that an offering names today is the one that a database was made
    with years ago, the request does not say.
    """
    for service, wanted in now.items():
        there = before.get(service)
        if isinstance(there, Database) and isinstance(wanted, Database):
            for field, problem in _LASTING.items():
                if getattr(there, field) != getattr(wanted, field):
                    yield problem(f"services[{service}].{KIND_NAME}.{to_camel(field)}", there)


def _other_engine(field: str, there: Database) -> Problem:
    return Problem(
        field,
        f"the database holds data of {there.engine}, which no other system reads; keep the engine, or ask for a new database beside it and "
        "move the data",
        f"数据库中为 {there.engine} 的数据，其他数据库系统无法读取；请保留 engine，或另申请新数据库并迁移数据",
    )


def _other_version(field: str, there: Database) -> Problem:
    written = there.version or "left out"
    return Problem(
        field,
        f"a database keeps the version that it was made with (here: {written}); keep it as it is, or ask for a new database with another "
        "version beside it, move the data, and end this one",
        f"数据库沿用创建时的版本（此处：{there.version or '未写明'}），不能原地升级或降级；请保持不变，或另申请所需版本的新数据库，迁移数据后再终止本数据库",
    )


def _other_name(field: str, there: Database) -> Problem:
    return Problem(
        field,
        f"the database {there.database_name} holds data and cannot be renamed; keep its name",
        f"数据库 {there.database_name} 存有数据，不能改名；请保留原名称",
    )


def _other_settings(field: str, _there: Database) -> Problem:
    return Problem(
        field,
        "settings count when the database is made: its machine sets itself up at its first start only; keep them as they are, or ask for a "
        "new database beside it and move the data",
        "参数仅在创建数据库时生效（云服务器只在首次启动时配置）；请保持不变，或另申请新数据库并迁移数据",
    )


_LASTING: Mapping[str, Callable[[str, Database], Problem]] = {
    "engine": _other_engine,
    "version": _other_version,
    "database_name": _other_name,
    "settings": _other_settings,
}


def on_other_networks(old: Program, new: Program, databases: Collection[str]) -> Iterator[Problem]:
    """Databases on machines of ours that others would have to reach than those whom they let in since their first start.

    `databases` names the services that are databases.
    """
    before, after = _let_in(old, databases), _let_in(new, databases)
    for service in sorted(before.keys() & after.keys()):
        if before[service] != after[service]:
            ranges = ", ".join(sorted(before[service]))
            yield Problem(
                f"services[{service}].{KIND_NAME}.network",
                f"the database lets in {ranges}, as it was set up at its first start, and cannot move to another network; keep the network and its "
                "address range, or ask for a new database beside it and move the data",
                f"数据库自首次启动起仅允许 {ranges} 连接，不能改用其他网络；请保留原网络及其网段，或另申请新数据库并迁移数据",
            )


def _let_in(program: Program, databases: Collection[str]) -> dict[str, frozenset[str]]:
    """The address ranges that may connect, of each database on a machine of ours."""
    found: dict[str, frozenset[str]] = {}
    for resource in program.resources:
        if resource.type == RULE and resource.service in databases:
            found[resource.service] = found.get(resource.service, frozenset()) | {
                str(resource.inputs["remote_ip_prefix"])
            }
    return found


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
