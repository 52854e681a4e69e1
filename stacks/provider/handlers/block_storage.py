"""Cinder: growing volumes, metadata, and why a volume failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider.errors import Code, ProviderError
from stacks.provider.properties import Properties
from stacks.provider.waiting import Patience
from stacks.provider.work import Work

SECONDS_A_DELETED_SERVER_HOLDS_ON = 30.0
"""Cinder may show a volume as attached for a while after Nova has forgotten the server."""

ON_ITS_WAY = frozenset(
    {
        "creating",
        "downloading",
        "attaching",
        "detaching",
        "extending",
        "backing-up",
        "uploading",
        "retyping",
        "reserved",
        "restoring-backup",
        "maintenance",
    }
)


def extend_volume(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Grow the volume to its new size, unless it has it already."""
    wanted = int(new["size"])
    shown = work.wait_until(identity, lambda volume: volume["status"] not in ON_ITS_WAY, work.declaration.deadlines.update)
    if int(shown["size"]) > wanted:
        raise ProviderError(Code.INVALID, f"{work.what} has {shown['size']} GB and cannot shrink to {wanted} GB")
    if int(shown["size"]) < wanted:
        _ask_when_free(work, identity, "os-extend", {"new_size": wanted})
    ready = work.declaration.wait.ready if work.declaration.wait else frozenset()
    work.wait_until(
        identity,
        lambda volume: int(volume["size"]) >= wanted and volume["status"] in ready,
        work.declaration.deadlines.update,
    )


def retype_volume(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Give the volume its new type, unless it has it already; Cinder moves the data where the type lies elsewhere.

    Raises:
        ProviderError: Cinder refused, or gave up and left the volume as it was.
    """
    wanted, ready = str(new["volumeType"]), work.declaration.wait.ready if work.declaration.wait else frozenset()
    settled = work.wait_until(identity, lambda volume: volume["status"] in ready, work.declaration.deadlines.update)
    if settled["volume_type"] == wanted:
        return
    _ask_when_free(work, identity, "os-retype", {"new_type": wanted, "migration_policy": "on-demand"})
    settled = work.wait_until(identity, lambda volume: volume["status"] in ready, work.declaration.deadlines.update)
    if settled["volume_type"] != wanted:
        why = work.words_for(identity, settled)
        raise ProviderError(Code.FAILED, f"{work.what} could not get the type {wanted} and keeps its own: {why}")


def _ask_when_free(work: Work, identity: str, action: str, argument: Mapping[str, Any]) -> None:
    """Cinder refuses while the volume is being attached or detached, which the same run may do; a second refusal at rest is meant."""
    patience, at_rest = work.patience(work.declaration.deadlines.update), False
    while True:
        try:
            return work.act(identity, action, argument)
        except ksa.BadRequest:
            was_at_rest, at_rest = at_rest, (work.show(identity) or {}).get("status") not in ON_ITS_WAY
            if was_at_rest and at_rest:
                raise
        patience.pause(f"{work.what} to be free")


def wait_until_volume_is_free(work: Work, identity: str, inputs: Properties) -> None:
    """Wait while the volume is busy with something that ends by itself: Cinder refuses to delete it meanwhile.

    Raises:
        ProviderError: it stays attached; whoever uses it must let go first.
    """
    patience = work.patience(work.declaration.deadlines.delete)
    while (shown := work.show(identity)) is not None and shown.get("status") in ON_ITS_WAY:
        patience.pause(f"{work.what} to be free")
    lag = Patience(work.clock, SECONDS_A_DELETED_SERVER_HOLDS_ON, work.cancelled)
    while shown is not None and shown.get("status") == "in-use":
        _pause_while_attached(work, lag, shown)
        shown = work.show(identity)


def delete_volume(work: Work, identity: str, inputs: Properties) -> None:
    """Delete the volume. Cinder refuses for a moment after the volume was let go, although it looks free by then."""

    def asked() -> dict[str, Any]:
        work.delete(identity)
        return {}

    work.insist(asked, ksa.Conflict, ksa.BadRequest)


def _pause_while_attached(work: Work, lag: Patience, shown: Mapping[str, Any]) -> None:
    servers = ", ".join(str(attached.get("server_id")) for attached in shown.get("attachments") or ())
    try:
        lag.pause(f"{work.what} to be let go")
    except ProviderError as over:
        if over.code is not Code.TIMEOUT:
            raise
        raise ProviderError(Code.CONFLICT, f"{work.what} is still attached to {servers or 'something'}") from over


def volume_fault(work: Work, identity: str, shown: Mapping[str, Any]) -> str:
    """Cinder's message to the user about this volume: the volume itself does not say why it failed."""
    try:
        messages = (
            work.get("/messages", (("resource_uuid", identity), ("sort", "created_at:desc"))).get("messages") or ()
        )
    except ksa.ClientException:
        return ""  # the failure itself is reported all the same, only without Cinder's explanation
    return next((str(message.get("user_message") or "") for message in messages), "")


HANDLERS = (extend_volume, retype_volume, wait_until_volume_is_free, delete_volume, volume_fault)
