"""Manila: growing shares, where they are mounted from, who may mount them, and why a share failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider.errors import Code, ProviderError
from stacks.provider.properties import Properties
from stacks.provider.work import Work, unwrapped


def extend_share(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Grow the share to its new size, unless it has it already.

    Raises:
        ProviderError: it is larger already, or Manila gave up.
    """
    wanted, seconds = int(new["size"]), work.declaration.deadlines.update
    shown = work.wait_until_ready(identity, seconds)
    if int(shown["size"]) > wanted:
        raise ProviderError(Code.INVALID, f"{work.what} has {shown['size']} GiB and cannot shrink to {wanted} GiB")
    if int(shown["size"]) < wanted:
        work.act(identity, "extend", {"new_size": wanted})
    work.wait_until(identity, lambda share: int(share["size"]) >= wanted and share["status"] == "available", seconds)


def export_locations_of_share(work: Work, shown: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """Where the share is mounted from, the preferred place first."""
    found = work.get(work.path_of(str(shown["id"]), "export_locations")).get("export_locations") or ()
    ordered = sorted(found, key=lambda place: (not place.get("preferred"), str(place.get("path"))))
    # As the official provider has it: whether a place is preferred is a word there.
    places = [{"path": str(place["path"]), "preferred": str(bool(place.get("preferred"))).lower()} for place in ordered]
    return {"exportLocations": places}


def share_fault(work: Work, identity: str, shown: Mapping[str, Any]) -> str:
    """Manila's message to the user about this share: the share itself does not say why it failed."""
    try:
        messages = work.get("/messages", (("resource_id", identity), ("sort_key", "created_at"))).get("messages") or ()
    except ksa.ClientException:
        return ""  # the failure itself is reported all the same, only without Manila's explanation
    return next((str(message.get("user_message") or "") for message in messages), "")


def allow_access(work: Work, inputs: Properties) -> str:
    """Let an address, or a range of them, mount the share."""
    wanted = {"access_type": inputs["accessType"], "access_to": inputs["accessTo"], "access_level": inputs["accessLevel"]}
    answer = work.insist(lambda: work.write("POST", f"/shares/{inputs['shareId']}/action", {"allow_access": wanted}))
    return str(unwrapped(answer, "access")["id"])


def find_access(work: Work, inputs: Properties) -> list[str]:
    """The rule, if the share has exactly this one already."""
    share = str(inputs["shareId"])
    query = (("share_id", share),)
    declared = work.declaration
    listed = work.cloud.listing(declared.service, declared.collection, declared.plural, query=query, microversion=declared.microversion)
    wanted = (inputs["accessType"], inputs["accessTo"], inputs["accessLevel"])
    return [str(rule["id"]) for rule in listed if (rule["access_type"], rule["access_to"], rule["access_level"]) == wanted]


def deny_access(work: Work, identity: str, inputs: Properties) -> None:
    """Take the right to mount the share away."""
    try:
        work.insist(lambda: work.write("POST", f"/shares/{inputs['shareId']}/action", {"deny_access": {"access_id": identity}}))
    except ksa.NotFound:
        return


HANDLERS = (extend_share, export_locations_of_share, share_fault, allow_access, find_access, deny_access)
