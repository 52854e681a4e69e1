"""Nova: what a server needs beyond the uniform verbs, attachments, and key pairs."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from keystoneauth1 import exceptions as ksa

from stacks.provider.declarations.model import MARK_OPERATION
from stacks.provider.errors import Code, ProviderError
from stacks.provider.handlers.block_storage import ON_ITS_WAY
from stacks.provider.marks import in_name, in_tags, marks_of
from stacks.provider.properties import Properties, to_api
from stacks.provider.work import Work

_SETTLED = frozenset({"ACTIVE", "SHUTOFF"})
_RESIZING = frozenset({"RESIZE", "VERIFY_RESIZE"})
_TASK = "OS-EXT-STS:task_state"
_POWER = {"active": ("ACTIVE", "os-start"), "shutoff": ("SHUTOFF", "os-stop")}
SECONDS_TO_STOP = 60.0

# --------------------------------------------------------------------------------------------------------- creating


def server_body(work: Work, inputs: Properties, body: Mapping[str, Any]) -> dict[str, Any]:
    """The create request of a server."""
    declared = work.declaration
    server: dict[str, Any] = {
        **body,
        "flavorRef": _flavor_id(work, inputs),
        "networks": _networks(work, inputs),
        "tags": in_tags(inputs.get("tags"), work.marks),
    }
    if devices := inputs.get("blockDevices"):
        server["block_device_mapping_v2"] = to_api(declared.field("blockDevices"), devices)
    if groups := inputs.get("securityGroups"):
        server["security_groups"] = [{"name": group} for group in groups]
    if text := inputs.get("userData"):
        server["user_data"] = base64.b64encode(str(text).encode()).decode()
    return {"server": server, **_scheduler_hints(work, inputs)}


def settle_new_server(work: Work, identity: str, inputs: Properties) -> bool:
    """Bring a new server into the power state that was asked for; True when something was done."""
    shown = work.show(identity) if inputs.get("powerState") == "shutoff" else None
    if shown is None or shown.get("status") == "SHUTOFF":
        return False
    change_power_state(work, identity, {}, inputs)
    return True


def server_shown(work: Work, answer: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """What only a second look tells: the flavor's id, the addresses, the power state."""
    name = (answer.get("flavor") or {}).get("original_name")
    status = str(answer.get("status", ""))
    return {
        "flavorId": _flavors(work).get(str(name)) if name else None,
        "powerState": next((wire for wire, (state, _) in _POWER.items() if state == status), status.lower()),
        "accessIpV4": answer.get("accessIPv4") or _first_address(answer, 4),
        "accessIpV6": answer.get("accessIPv6") or _first_address(answer, 6),
    }


def _flavors(work: Work) -> dict[str, str]:
    """Ids of the flavors by name."""

    def ask() -> dict[str, str]:
        listed = work.cloud.listing("compute", "/flavors", "flavors", microversion=work.declaration.microversion)
        return {str(flavor["name"]): str(flavor["id"]) for flavor in listed}

    found: dict[str, str] = work.cloud.remembered(("flavors",), ask)
    return found


def _flavor_id(work: Work, inputs: Properties) -> str:
    if given := inputs.get("flavorId"):
        return str(given)
    name = str(inputs["flavorName"])
    found = _flavors(work).get(name)
    if found is None:
        raise ProviderError(Code.NOT_FOUND, f"{work.what}: there is no flavor named {name}")
    return found


def _networks(work: Work, inputs: Properties) -> Any:
    if networks := inputs.get("networks"):
        return to_api(work.declaration.field("networks"), networks)
    return inputs.get("networkMode") or "auto"


def _scheduler_hints(work: Work, inputs: Properties) -> dict[str, Any]:
    given = to_api(work.declaration.field("schedulerHints"), inputs.get("schedulerHints") or [])
    hints = {name: value for hint in given for name, value in hint.items()}
    return {"os:scheduler_hints": hints} if hints else {}


def _first_address(answer: Mapping[str, Any], version: int) -> str | None:
    for addresses in (answer.get("addresses") or {}).values():
        for address in addresses:
            if address.get("version") == version and address.get("OS-EXT-IPS:type") != "floating":
                return str(address["addr"])
    return None


# --------------------------------------------------------------------------------------------------------- changing


def end_resize(work: Work, identity: str) -> None:
    """Confirm a resize that an earlier attempt began, whatever flavor it was to: until then Nova changes nothing else of the server."""
    server = work.show(identity)
    if server is None or server["status"] not in _RESIZING:
        return
    server = work.wait_until(identity, lambda shown: shown["status"] != "RESIZE", work.declaration.deadlines.update)
    if server["status"] == "VERIFY_RESIZE":
        _confirm_resize(work, identity)


def resize_server(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Give the server its new flavor and confirm it. No earlier resize is under way: `end_resize` came before."""
    flavor_id = _flavor_id(work, new)
    name = next((name for name, known in _flavors(work).items() if known == flavor_id), flavor_id)

    def has_flavor(server: Mapping[str, Any]) -> bool:
        return bool(server["flavor"].get("original_name") == name)

    def resized(server: Mapping[str, Any]) -> bool:
        if _at_rest(server) and not has_flavor(server):
            raise ProviderError(Code.FAILED, f"{work.what} could not be resized to {name}; it keeps its flavor")
        return server["status"] == "VERIFY_RESIZE" or (server["status"] in _SETTLED and has_flavor(server))

    server = work.wait_until(identity, _at_rest, work.declaration.deadlines.update)
    if has_flavor(server):
        return
    work.act(identity, "resize", {"flavorRef": flavor_id})
    if work.wait_until(identity, resized, work.declaration.deadlines.update)["status"] == "VERIFY_RESIZE":
        _confirm_resize(work, identity)


def _confirm_resize(work: Work, identity: str) -> None:
    # Nova refuses a second confirmation while it carries out the first, whose answer was lost.
    with suppress(ksa.BadRequest):
        work.act(identity, "confirmResize")
    work.wait_until(identity, _at_rest, work.declaration.deadlines.update)


def change_power_state(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Start or stop the server, unless it is in that state already."""
    wanted, action = _POWER[str(new.get("powerState") or "active")]
    server = work.wait_until(identity, _at_rest, work.declaration.deadlines.update)
    if server["status"] == wanted:
        return
    work.act(identity, action)
    work.wait_until(identity, lambda shown: shown["status"] == wanted, work.declaration.deadlines.update)


def change_metadata(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Set what is new or different and take away what is gone, one by one: replacing all would lose our marks."""
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    if changed:
        work.write("POST", work.path_of(identity, "metadata"), {"metadata": changed})
    for key in sorted(set(before) - set(after)):
        work.delete_if_there(work.path_of(identity, "metadata", quote(key, safe="")))


def change_tags_of_server(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Set the tags; the mark among them stays, whatever operation wrote it."""
    shown = work.show(identity) or {}
    marks = marks_of(shown)
    kept = [tag for tag in shown.get("tags") or () if tag.startswith(f"{MARK_OPERATION}=")]
    tags = sorted({*(new.get("tags") or ()), *kept, *in_tags((), marks)})
    work.write("PUT", work.path_of(identity, "tags"), {"tags": tags})


def change_password_of_server(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Set the administrator's password, where the hypervisor can."""
    if password := new.get("adminPass"):
        work.act(identity, "changePassword", {"adminPass": password})


def change_security_groups_of_server(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Add and remove security groups by name."""
    shown = work.show(identity) or {}
    there = {str(group["name"]) for group in shown.get("security_groups") or ()}
    wanted = set(new.get("securityGroups") or ())
    for group in sorted(wanted - there):
        work.act(identity, "addSecurityGroup", {"name": group})
    for group in sorted((set(old.get("securityGroups") or ()) & there) - wanted):
        work.act(identity, "removeSecurityGroup", {"name": group})


def _at_rest(server: Mapping[str, Any]) -> bool:
    return server["status"] in _SETTLED and not server.get(_TASK)


# --------------------------------------------------------------------------------------------------------- deleting


def stop_before_delete(work: Work, identity: str, inputs: Properties) -> None:
    """Let the guest shut down first, where the program asks for it; a guest that will not is deleted anyway."""
    shown = work.show(identity) if inputs.get("stopBeforeDestroy") else None
    if shown is None or shown.get("status") != "ACTIVE":
        return
    try:
        work.act(identity, "os-stop")
        work.wait_until(identity, lambda server: server["status"] == "SHUTOFF", SECONDS_TO_STOP)
    except (ProviderError, ksa.Conflict) as error:
        if isinstance(error, ProviderError) and error.code is Code.CANCELLED:
            raise


def delete_server(work: Work, identity: str, inputs: Properties) -> None:
    """Delete the server, at once where soft deletion must be bypassed."""
    try:
        if inputs.get("forceDelete"):
            work.act(identity, "forceDelete")
        else:
            work.insist(lambda: work.write("DELETE", work.path_of(identity)))
    except ksa.NotFound:
        return


# ------------------------------------------------------------------------------------------------------ attachments


def attach_volume(work: Work, inputs: Properties) -> str:
    """Attach the volume. The id is `<server>/<volume>`."""
    server, volume = str(inputs["instanceId"]), str(inputs["volumeId"])
    body = {"volumeId": volume, "device": inputs.get("device"), "tag": inputs.get("tag")}
    given = {name: value for name, value in body.items() if value}
    work.insist(lambda: work.write("POST", _attachments(work, server), {"volumeAttachment": given}))
    return f"{server}/{volume}"


def settle_attachment(work: Work, identity: str, inputs: Properties) -> bool:
    """Wait until both sides say that the volume is attached."""
    server, _, volume = identity.partition("/")
    _wait_for_volume(work, volume, attached_to=server)
    return True


def find_attachment(work: Work, inputs: Properties) -> list[str]:
    """The attachment of this volume to this server, if it is there."""
    identity = f"{inputs['instanceId']}/{inputs['volumeId']}"
    return [identity] if read_attachment(work, identity, inputs) is not None else []


def read_attachment(work: Work, identity: str, inputs: Properties) -> dict[str, Any] | None:
    """The attachment as Nova shows it."""
    server, _, volume = identity.partition("/")
    document = work.find(f"{_attachments(work, server)}/{quote(volume, safe='')}")
    return None if document is None else dict(document["volumeAttachment"])


def detach_volume(work: Work, identity: str, inputs: Properties) -> None:
    """Detach the volume and wait until it is free."""
    server, _, volume = identity.partition("/")
    path = f"{_attachments(work, server)}/{quote(volume, safe='')}"
    try:
        work.insist(lambda: _let_go(work, volume, path))
    except ksa.NotFound:
        return
    _wait_for_volume(work, volume, attached_to=None, left=server)


def _let_go(work: Work, volume: str, path: str) -> dict[str, Any]:
    """Nova refuses with one and the same status what is on its way off already, and what another request is changing.

    That may have ended before one looks: only a second refusal at rest is meant.
    """
    patience, at_rest = work.patience(work.declaration.deadlines.delete), False
    while True:
        try:
            return work.write("DELETE", path)
        except ksa.BadRequest:
            status = _shown_volume(work, volume).get("status")
            if status == "detaching":
                return {}
            was_at_rest, at_rest = at_rest, status not in ON_ITS_WAY
            if was_at_rest and at_rest:
                raise
        patience.pause(f"{work.what} to be free")


def _attachments(work: Work, server: str) -> str:
    return work.path_of(server, "os-volume_attachments")


def _shown_volume(work: Work, volume: str) -> Mapping[str, Any]:
    """The volume as Cinder shows it; empty when it is not there."""
    document = work.cloud.find("block-storage", f"/volumes/{quote(volume, safe='')}")
    return (document or {}).get("volume") or {}


def _wait_for_volume(work: Work, volume: str, attached_to: str | None, left: str = "") -> None:
    """Wait until Cinder shows the volume attached to the server, or no longer attached to the one it left."""
    patience = work.patience(work.declaration.deadlines.create)
    while True:
        shown = _shown_volume(work, volume)
        servers = {str(attached.get("server_id")) for attached in shown.get("attachments") or ()}
        status = str(shown.get("status", ""))
        if attached_to is None and (
            not shown or (left not in servers and status not in ("in-use", "detaching"))
        ):
            return
        if attached_to in servers and status == "in-use":
            return
        if status.startswith("error"):
            raise ProviderError(Code.FAILED, f"{work.what}: the volume is in state {status}")
        patience.pause(f"{work.what} to {'attach' if attached_to else 'detach'}")


# -------------------------------------------------------------------------------------------------------- key pairs


def find_keypair(work: Work, inputs: Properties) -> list[str]:
    """The key pair of this operation: its name carries the whole key, so one look by name finds it."""
    name = in_name(str(inputs["name"]), work.marks)
    return [name] if work.show(name) is not None else []


HANDLERS = (
    server_body,
    settle_new_server,
    server_shown,
    end_resize,
    resize_server,
    change_power_state,
    change_metadata,
    change_tags_of_server,
    change_password_of_server,
    change_security_groups_of_server,
    stop_before_delete,
    delete_server,
    attach_volume,
    settle_attachment,
    find_attachment,
    read_attachment,
    detach_volume,
    find_keypair,
)
