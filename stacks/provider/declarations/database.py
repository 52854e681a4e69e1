"""Trove: database instances with their databases and users. Data only."""

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
        output("addresses", "texts"),
    ),
    wait=Wait(
        ready=frozenset({"ACTIVE", "HEALTHY"}),
        failed=frozenset({"ERROR", "FAILED"}),
        going=frozenset({"SHUTDOWN"}),
        fault=("fault", "message"),
    ),
    special=Special(body="database_body", shown="database_shown"),
    deadlines=Deadlines(create=1800.0, update=1800.0, delete=900.0),
)

DECLARATIONS = (INSTANCE,)
