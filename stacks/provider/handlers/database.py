"""Trove: instances, and the databases and users in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from stacks.provider.errors import Code, ProviderError
from stacks.provider.properties import Properties, to_api
from stacks.provider.work import Work

_AS_ITS_PRIMARY = frozenset({"flavorRef", "volume", "datastore"})


def database_body(work: Work, inputs: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The create request: users with the databases they may use; of a replica, nothing that Trove takes from its primary."""
    if inputs.get("replicaOf"):
        body = {name: value for name, value in body.items() if name not in _AS_ITS_PRIMARY}
    users = [_user(user) for user in inputs.get("users") or ()]
    return {"instance": {**body, **({"users": users} if users else {})}}


def database_shown(work: Work, answer: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """The addresses as plain texts, whichever way this version of Trove shows them; and of a replica, that it follows nobody any more."""
    listed = [entry.get("address") for entry in answer.get("addresses") or () if isinstance(entry, Mapping)]
    addresses = [str(address) for address in listed if address] or [str(ip) for ip in answer.get("ip") or ()]
    detached = inputs.get("replicaOf") and not _followed_by(answer)
    return {"addresses": addresses, **({"replicaOf": ""} if detached else {})}


def refuse_to_delete_what_follows_no_more(work: Work, identity: str, inputs: Properties) -> None:
    """A replica holds what its primary holds, and goes without a backup. One that somebody detached or promoted holds data of its own.

    Raises:
        ProviderError: it follows nobody, or another instance than it was made for.
    """
    if not (wanted := inputs.get("replicaOf")):
        return
    shown = work.show(identity)
    if shown is not None and (followed := _followed_by(shown)) != wanted:
        whom = f"follows {followed}" if followed else "follows no other database"
        raise ProviderError(
            Code.FAILED,
            f"{work.what} was made as a replica of {wanted}, but {whom}: it may hold data that no backup has. "
            "Save what it holds and delete it by hand; nothing else of it is needed",
        )


def extend_database_volume(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Grow the volume of the instance, unless it has its size already."""
    wanted = int(new["size"])
    shown = _there(work, identity)
    if int(shown["volume"]["size"]) < wanted and shown["status"] in _ready(work):
        work.act(identity, "resize", {"volume": {"size": wanted}})
    work.wait_until(
        identity,
        lambda instance: int(instance["volume"]["size"]) >= wanted and instance["status"] in _ready(work),
        work.declaration.deadlines.update,
    )


def resize_database_instance(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Give the instance its new flavor, unless it has it already."""
    wanted = str(new["flavorId"])
    shown = _there(work, identity)
    if str(shown["flavor"]["id"]) != wanted and shown["status"] in _ready(work):
        work.act(identity, "resize", {"flavorRef": wanted})
    work.wait_until(
        identity,
        lambda instance: str(instance["flavor"]["id"]) == wanted and instance["status"] in _ready(work),
        work.declaration.deadlines.update,
    )


def change_databases(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Make the databases that are new and drop those that are gone."""
    before, after = _by_name(old, "databases"), _by_name(new, "databases")
    there = {str(item["name"]) for item in _listed(work, identity, "databases")}
    field = work.declaration.field("databases")
    if missing := [after[name] for name in after if name not in there]:
        work.write("POST", work.path_of(identity, "databases"), {"databases": to_api(field, missing)})
    for name in sorted(set(before) - set(after)):
        work.delete_if_there(work.path_of(identity, "databases", quote(name, safe="")))


def change_database_users(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Make the users that are new, change those that differ, drop those that are gone."""
    before, after = _by_name(old, "users"), _by_name(new, "users")
    there = {str(item["name"]) for item in _listed(work, identity, "users")}
    if missing := [_user(after[name]) for name in after if name not in there]:
        work.write("POST", work.path_of(identity, "users"), {"users": missing})
    for name in sorted(set(before) & set(after) & there):
        _change_user(work, identity, before[name], after[name])
    for name in sorted(set(before) - set(after)):
        work.delete_if_there(work.path_of(identity, "users", quote(name, safe="")))


def _change_user(work: Work, identity: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    name = str(after["name"])
    if after.get("password") != before.get("password"):
        work.write("PUT", work.path_of(identity, "users"), {"users": [{"name": name, "password": after["password"]}]})
    granted, wanted = set(before.get("databases") or ()), set(after.get("databases") or ())
    path = work.path_of(identity, "users", quote(name, safe=""), "databases")
    if wanted - granted:
        work.write("PUT", path, {"databases": [{"name": database} for database in sorted(wanted - granted)]})
    for database in sorted(granted - wanted):
        work.delete_if_there(f"{path}/{quote(database, safe='')}")


def _followed_by(answer: Mapping[str, Any]) -> str:
    """Id of the instance that this one follows; empty for one that follows nobody."""
    primary = answer.get("replica_of")
    return str(primary["id"]) if isinstance(primary, Mapping) and primary.get("id") else ""


def _user(user: Mapping[str, Any]) -> dict[str, Any]:
    body = {key: user[key] for key in ("name", "password", "host") if user.get(key)}
    return {**body, "databases": [{"name": name} for name in user.get("databases") or ()]}


def _by_name(inputs: Properties, wire: str) -> dict[str, Mapping[str, Any]]:
    return {str(item["name"]): item for item in inputs.get(wire) or ()}


def _listed(work: Work, identity: str, what: str) -> list[dict[str, Any]]:
    return work.cloud.listing(work.declaration.service, work.path_of(identity, what), what)


def _ready(work: Work) -> frozenset[str]:
    return work.declaration.wait.ready if work.declaration.wait else frozenset()


def _there(work: Work, identity: str) -> dict[str, Any]:
    shown = work.show(identity)
    if shown is None:
        raise ProviderError(Code.NOT_FOUND, f"{work.what} is not there any more")
    return shown


HANDLERS = (
    database_body,
    database_shown,
    refuse_to_delete_what_follows_no_more,
    extend_database_volume,
    resize_database_instance,
    change_databases,
    change_database_users,
)
