"""Cinder: volumes and the quota of a project. Data only."""

from __future__ import annotations

from .model import Change, Deadlines, Declaration, Field, MarkIn, Special, Wait, local, name

# 3.47 (Pike): a volume from a backup; 3.42 before it: extending a volume in use.
MICROVERSION = "3.47"

VOLUME = Declaration(
    type="openstack:blockstorage/volume:Volume",
    service="block-storage",
    collection="/volumes",
    singular="volume",
    plural="volumes",
    mark=MarkIn.METADATA,
    listing="/volumes/detail",
    list_query=(("metadata", '{{"govcloud_op":"{key}"}}'),),
    microversion=MICROVERSION,
    fields=(
        Field("size", "whole", required=True, grows_only=True, change=Change.HANDLED, by="extend_volume"),
        name(),
        Field("description", change=Change.UPDATE),
        Field("metadata", "mapping", change=Change.HANDLED, by="change_metadata"),
        Field("volumeType", computed=True, change=Change.HANDLED, by="retype_volume"),
        Field("availabilityZone", computed=True),
        Field("imageId", api="imageRef", shown=None),
        Field("snapshotId", shown=None),
        Field("sourceVolId", api="source_volid", shown=None),
        Field("backupId", shown=None),
        local("enableOnlineResize", default=True),
        Field(
            "attachments",
            "objects",
            output_only=True,
            fields=(Field("id", api="attachment_id"), Field("instanceId", api="server_id"), Field("device")),
        ),
    ),
    at_most_one=(("imageId", "snapshotId", "sourceVolId", "backupId"),),
    wait=Wait(
        ready=frozenset({"available", "in-use"}),
        failed=frozenset(
            {"error", "error_restoring", "error_extending", "error_managing", "error_deleting", "error_backing-up"}
        ),
        busy="status=creating",
        going=frozenset({"deleting"}),
        deleting_failed=frozenset({"error_deleting"}),
    ),
    special=Special(before_delete="wait_until_volume_is_free", delete="delete_volume", fault="volume_fault"),
    deadlines=Deadlines(create=900.0, update=300.0, delete=300.0),
)

QUOTA_SET = Declaration(
    type="openstack:blockstorage/quoteSetV3:QuoteSetV3",
    service="block-storage",
    collection="/os-quota-sets",
    singular="quota_set",
    plural="",
    mark=MarkIn.NOTHING,
    microversion=MICROVERSION,
    fields=(
        Field("projectId", required=True, sent=False, shown=None),
        *(
            Field(wire, "whole", computed=True, change=Change.HANDLED, by="put_quota")
            for wire in (
                "volumes",
                "snapshots",
                "gigabytes",
                "perVolumeGigabytes",
                "backups",
                "backupGigabytes",
                "groups",
            )
        ),
    ),
    special=Special(create="create_quota", find="find_quota", read="read_quota", delete="leave_quota"),
)

DECLARATIONS = (VOLUME, QUOTA_SET)
