"""Manila: share networks, shares, and who may mount them. Data only.

A share carries its mark in its metadata, a share network in its description. An access rule is a relation: Manila refuses a second one for the
same address, so that it is found by what it relates. Catalogs name Manila `sharev2`, or `shared-file-system`.
"""

from __future__ import annotations

from .model import Change, Deadlines, Declaration, Field, MarkIn, Special, Wait, name, output

_SERVICE = "shared-file-system"
# 2.45 (Rocky): access rules can be read by themselves. Below 2.51 a share network shows its network and subnet as its own.
MICROVERSION = "2.45"

SHARE_NETWORK = Declaration(
    type="openstack:sharedfilesystem/shareNetwork:ShareNetwork",
    service=_SERVICE,
    collection="/share-networks",
    singular="share_network",
    plural="share_networks",
    mark=MarkIn.DESCRIPTION,
    listing="/share-networks/detail",
    microversion=MICROVERSION,
    fields=(
        name(),
        Field("description", change=Change.UPDATE),
        Field("neutronNetId", required=True),
        Field("neutronSubnetId", required=True),
        output("projectId"),
    ),
)

SHARE = Declaration(
    type="openstack:sharedfilesystem/share:Share",
    service=_SERVICE,
    collection="/shares",
    singular="share",
    plural="shares",
    mark=MarkIn.METADATA,
    listing="/shares/detail",
    list_query=(("metadata", '{{"govcloud_op":"{key}"}}'),),
    verb="",
    microversion=MICROVERSION,
    fields=(
        Field("size", "whole", required=True, grows_only=True, change=Change.HANDLED, by="extend_share"),
        # Manila changes a name under another word than it gives it.
        name(Change.REPLACE),
        Field("metadata", "mapping", change=Change.HANDLED, by="change_metadata"),
        Field("shareProto", required=True, one_of=("NFS",)),
        Field("shareType", shown="share_type_name", computed=True),
        Field("shareNetworkId", computed=True),
        Field("availabilityZone", computed=True),
        output("projectId"),
        Field("exportLocations", "objects", output_only=True, shown=None, fields=(Field("path"), Field("preferred"))),
    ),
    wait=Wait(
        ready=frozenset({"available"}),
        failed=frozenset(
            {"error", "error_deleting", "extending_error", "shrinking_error", "manage_error", "reverting_error"}
        ),
        going=frozenset({"deleting"}),
        deleting_failed=frozenset({"error_deleting"}),
    ),
    special=Special(shown="export_locations_of_share", fault="share_fault"),
    deadlines=Deadlines(create=900.0, update=600.0, delete=600.0),
)

SHARE_ACCESS = Declaration(
    type="openstack:sharedfilesystem/shareAccess:ShareAccess",
    service=_SERVICE,
    collection="/share-access-rules",
    singular="access",
    plural="access_list",
    mark=MarkIn.NOTHING,
    verb="",
    microversion=MICROVERSION,
    fields=(
        Field("shareId", required=True, shown=None),
        Field("accessType", required=True, one_of=("ip",)),
        Field("accessTo", required=True),
        Field("accessLevel", required=True, one_of=("rw", "ro")),
        output("state"),
    ),
    wait=Wait(
        status="state",
        ready=frozenset({"active"}),
        failed=frozenset({"error"}),
        going=frozenset({"queued_to_deny", "denying"}),
        deleting_failed=frozenset({"error"}),
    ),
    special=Special(create="allow_access", find="find_access", delete="deny_access"),
    deadlines=Deadlines(create=300.0, update=300.0, delete=300.0),
)

DECLARATIONS = (SHARE_NETWORK, SHARE, SHARE_ACCESS)
