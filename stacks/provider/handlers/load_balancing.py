"""Octavia: the members of a pool, which are set all at once."""

from __future__ import annotations

from typing import Any

from stacks.provider.errors import Code, ProviderError
from stacks.provider.properties import Properties, to_api
from stacks.provider.work import Work


def set_members(work: Work, inputs: Properties) -> str:
    """Give the pool its members. The id is the pool's."""
    pool = str(inputs["poolId"])
    _put(work, pool, inputs)
    return pool


def find_members(work: Work, inputs: Properties) -> list[str]:
    """The pool, if it has exactly these members already."""
    pool = str(inputs["poolId"])
    shown = read_members(work, pool, inputs)
    if shown is None or not shown["members"]:
        return []
    there = {(member["address"], member["protocol_port"]) for member in shown["members"]}
    wanted = {(member["address"], member["protocolPort"]) for member in inputs.get("members") or ()}
    return [pool] if there == wanted else []


def read_members(work: Work, identity: str, inputs: Properties) -> dict[str, Any] | None:
    """The pool with its members; None where there is no such pool."""
    shown = work.show(identity)
    if shown is None:
        return None
    listed = work.cloud.listing(work.declaration.service, work.path_of(identity, "members"), "members")
    return {**shown, "members": listed}


def put_members(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Give the pool its members: those that stay are not interrupted."""
    _put(work, identity, new)


def clear_members(work: Work, identity: str, inputs: Properties) -> None:
    """Take all members out of the pool; the pool itself is another resource."""
    if work.show(identity) is not None:
        _put(work, identity, {})


def _put(work: Work, pool: str, inputs: Properties) -> None:
    field = work.declaration.field("members")
    members = to_api(field, inputs.get("members") or [])
    work.insist(lambda: work.write("PUT", work.path_of(pool, "members"), {"members": members}))
    _wait_until_settled(work, pool)


def _wait_until_settled(work: Work, pool: str) -> None:
    patience = work.patience(work.declaration.deadlines.update)
    while (shown := work.show(pool)) is not None and shown.get("provisioning_status") != "ACTIVE":
        if shown.get("provisioning_status") == "ERROR":
            raise ProviderError(Code.FAILED, f"{work.what} failed: the pool is in state ERROR")
        patience.pause(f"{work.what} to be set")


HANDLERS = (set_members, find_members, read_members, put_members, clear_members)
