"""Trove: database instances with their databases and users, and their replicas. Data only.

A replica (`replicaOf`) is asked for without flavor, size and datastore: Trove 26 refuses each of them with 400 and takes the primary's. It
is resized like any other instance afterwards, but for its volume, which Trove grows by itself together with the primary's. One replica of a
primary is made at a time: while the base backup for one is taken, Trove refuses to begin another.
"""

from __future__ import annotations

from .model import Change, Deadlines, Declaration, Field, MarkIn, Special, Wait, name, output

INSTANCE = Declaration(
    type="openstack:database/instance:Instance",
    service="database",
    collection="/instances",
    singular="instance",
    plural="instances",
    # An instance has neither metadata nor tags nor a description.
    mark=MarkIn.NAME,
    verb="",
    fields=(
        name(Change.REPLACE),
        Field(
            "flavorId",
            required=True,
            api="flavorRef",
            shown="flavor.id",
            change=Change.HANDLED,
            by="resize_database_instance",
        ),
        Field(
            "size",
            "whole",
            required=True,
            api="volume.size",
            grows_only=True,
            change=Change.HANDLED,
            by="extend_database_volume",
        ),
        Field("volumeType", api="volume.type", shown=None),
        Field(
            "datastore",
            "object",
            required=True,
            fields=(
                Field("type", required=True),
                Field("version", required=True),
            ),
        ),
        Field(
            "networks",
            "objects",
            api="nics",
            shown=None,
            fields=(
                Field("uuid", api="net-id"),
                Field("fixedIpV4", api="v4-fixed-ip"),
                Field("port", api="port-id"),
            ),
        ),
        Field(
            "databases",
            "objects",
            unordered=True,
            shown=None,
            change=Change.HANDLED,
            by="change_databases",
            fields=(
                Field("name", required=True),
                Field("charset", api="character_set"),
                Field("collate"),
            ),
        ),
        Field(
            "users",
            "objects",
            sent=False,
            unordered=True,
            shown=None,
            change=Change.HANDLED,
            by="change_database_users",
            fields=(
                Field("name", required=True),
                Field("password", secret=True),
                Field("host"),
                Field("databases", "texts", unordered=True),
            ),
        ),
        Field("configurationId", api="configuration", shown="configuration.id"),
        # Which instance it follows. Trove can detach a replica, but not make an instance follow another one.
        Field("replicaOf", shown="replica_of.id", ours=True),
        # Where Nova puts the replicas of an instance, beside it or apart. Counts for the primary, when it is made.
        Field("locality", shown=None, ours=True, one_of=("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")),
        output("addresses", "texts"),
    ),
    wait=Wait(
        ready=frozenset({"ACTIVE", "HEALTHY"}),
        failed=frozenset({"ERROR", "FAILED"}),
        going=frozenset({"SHUTDOWN"}),
        fault=("fault", "message"),
    ),
    special=Special(body="database_body", shown="database_shown", before_delete="refuse_to_delete_what_follows_no_more"),
    deadlines=Deadlines(create=1800.0, update=1800.0, delete=900.0),
)

DECLARATIONS = (INSTANCE,)
