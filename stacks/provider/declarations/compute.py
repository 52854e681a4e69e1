"""Nova: servers, what hangs on them, and the quota of a project. Data only."""

from __future__ import annotations

from .model import Change, Deadlines, Declaration, Field, MarkIn, Special, Wait, local, name, output

# 2.79 (Train): tags in the create request, the flavor's name in a server, one policy in a server group.
MICROVERSION = "2.79"

_BLOCK_DEVICE = (
    Field("sourceType", required=True, one_of=("blank", "image", "volume", "snapshot")),
    Field("uuid"),
    Field("destinationType", one_of=("volume", "local")),
    Field("bootIndex", "whole", default=0),
    Field("deleteOnTermination", "flag", default=False),
    Field("volumeSize", "whole"),
    Field("volumeType"),
    Field("deviceType"),
    Field("diskBus"),
    Field("guestFormat"),
)

_NETWORK = (
    Field("port"),
    Field("uuid"),
    Field("fixedIpV4", api="fixed_ip"),
)

_SCHEDULER_HINT = (
    Field("group"),
    Field("differentHosts", "texts", api="different_host"),
    Field("sameHosts", "texts", api="same_host"),
)

INSTANCE = Declaration(
    type="openstack:compute/instance:Instance",
    service="compute",
    collection="/servers",
    singular="server",
    plural="servers",
    mark=MarkIn.METADATA,
    listing="/servers/detail",
    # The stacks' servers boot from volumes that are resources of their own.
    holds_nothing=True,
    # The tag repeats the mark because Nova finds a server by its tags, but not (for ordinary users) by its metadata.
    list_query=(("tags", "govcloud_op={key}"),),
    microversion=MICROVERSION,
    fields=(
        name(),
        Field(
            "flavorName",
            sent=False,
            shown="flavor.original_name",
            computed=True,
            change=Change.HANDLED,
            by="resize_server",
        ),
        Field("flavorId", sent=False, shown=None, computed=True, change=Change.HANDLED, by="resize_server"),
        Field("imageId", api="imageRef", shown=None),
        Field("blockDevices", "objects", sent=False, shown=None, fields=_BLOCK_DEVICE),
        Field("networks", "objects", sent=False, shown=None, fields=_NETWORK),
        Field("networkMode", sent=False, shown=None, one_of=("auto", "none")),
        Field("keyPair", api="key_name"),
        Field(
            "securityGroups",
            "texts",
            sent=False,
            shown=None,
            unordered=True,
            change=Change.HANDLED,
            by="change_security_groups_of_server",
        ),
        Field("availabilityZone", shown="OS-EXT-AZ:availability_zone", computed=True),
        Field("configDrive", "flag", shown=None),
        Field("userData", sent=False, shown=None),
        Field(
            "adminPass", api="adminPass", shown=None, secret=True, change=Change.HANDLED, by="change_password_of_server"
        ),
        Field("metadata", "mapping", change=Change.HANDLED, by="change_metadata"),
        Field("tags", "texts", unordered=True, change=Change.HANDLED, by="change_tags_of_server"),
        Field("schedulerHints", "objects", sent=False, shown=None, fields=_SCHEDULER_HINT),
        Field(
            "powerState",
            sent=False,
            default="active",
            one_of=("active", "shutoff"),
            change=Change.HANDLED,
            by="change_power_state",
        ),
        local("forceDelete"),
        local("stopBeforeDestroy"),
        output("accessIpV4", shown="accessIPv4"),
        output("accessIpV6", shown="accessIPv6"),
        output("allMetadata", "mapping", shown="metadata"),
        output("allTags", "texts", shown="tags"),
        output("created"),
        output("updated"),
    ),
    needs_one=(("flavorName", "flavorId"),),
    at_most_one=(("networks", "networkMode"), ("imageId", "blockDevices")),
    wait=Wait(
        ready=frozenset({"ACTIVE", "SHUTOFF"}),
        failed=frozenset({"ERROR", "DELETED", "SOFT_DELETED"}),
        busy="status=BUILD",
        fault=("fault", "message"),
        gone=frozenset({"DELETED", "SOFT_DELETED"}),
        deleting_failed=frozenset({"ERROR"}),
        moving="OS-EXT-STS:task_state",
    ),
    special=Special(
        body="server_body",
        shown="server_shown",
        after_create="settle_new_server",
        before_update="end_resize",
        before_delete="stop_before_delete",
        delete="delete_server",
    ),
    deadlines=Deadlines(create=900.0, update=900.0, delete=300.0),
)

VOLUME_ATTACH = Declaration(
    type="openstack:compute/volumeAttach:VolumeAttach",
    service="compute",
    collection="/servers",
    singular="volumeAttachment",
    plural="volumeAttachments",
    mark=MarkIn.NOTHING,
    microversion=MICROVERSION,
    verb="",
    fields=(
        Field("instanceId", required=True, shown="serverId"),
        Field("volumeId", required=True, api="volumeId"),
        Field("device", computed=True),
        Field("tag"),
    ),
    special=Special(
        create="attach_volume",
        find="find_attachment",
        read="read_attachment",
        after_create="settle_attachment",
        delete="detach_volume",
    ),
    deadlines=Deadlines(create=300.0, delete=300.0),
)

SERVER_GROUP = Declaration(
    type="openstack:compute/serverGroup:ServerGroup",
    service="compute",
    collection="/os-server-groups",
    singular="server_group",
    plural="server_groups",
    mark=MarkIn.NAME,
    microversion=MICROVERSION,
    verb="",
    fields=(
        name(Change.REPLACE),
        Field(
            "policies",
            api="policy",
            required=True,
            one_of=("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"),
        ),
        Field("rules", "object", fields=(Field("maxServerPerHost", "whole"),)),
        output("members", "texts"),
    ),
)

KEYPAIR = Declaration(
    type="openstack:compute/keypair:Keypair",
    service="compute",
    collection="/os-keypairs",
    identified_by="name",
    singular="keypair",
    plural="keypairs",
    mark=MarkIn.NAME,
    microversion=MICROVERSION,
    verb="",
    remade_without="privateKey",
    fields=(
        name(Change.REPLACE),
        Field("publicKey", computed=True),
        output("fingerprint"),
        output("privateKey", secret=True),
    ),
    special=Special(find="find_keypair"),
)

QUOTA_SET = Declaration(
    type="openstack:compute/quotaSetV2:QuotaSetV2",
    service="compute",
    collection="/os-quota-sets",
    singular="quota_set",
    plural="",
    mark=MarkIn.NOTHING,
    microversion=MICROVERSION,
    fields=(
        Field("projectId", required=True, sent=False, shown=None),
        *(
            Field(wire, "whole", computed=True, change=Change.HANDLED, by="put_quota")
            for wire in ("cores", "instances", "ram", "keyPairs", "metadataItems", "serverGroups", "serverGroupMembers")
        ),
    ),
    special=Special(create="create_quota", find="find_quota", read="read_quota", delete="leave_quota"),
)

DECLARATIONS = (INSTANCE, VOLUME_ATTACH, SERVER_GROUP, KEYPAIR, QUOTA_SET)
