"""Swift: containers. Data only. Swift speaks in headers, so every verb is a handler's."""

from __future__ import annotations

from .model import Change, Declaration, Field, MarkIn, Special, local, name

CONTAINER = Declaration(
    type="openstack:objectstorage/container:Container",
    service="object-store",
    collection="/",
    singular="",
    plural="",
    mark=MarkIn.METADATA,
    fields=(
        name(Change.REPLACE),
        Field("metadata", "mapping", change=Change.HANDLED, by="post_container"),
        Field("containerRead", api="X-Container-Read", change=Change.HANDLED, by="post_container"),
        Field("containerWrite", api="X-Container-Write", change=Change.HANDLED, by="post_container"),
        Field(
            "versioning", "flag", api="X-Versions-Enabled", default=False, change=Change.HANDLED, by="post_container"
        ),
        Field("storagePolicy", api="X-Storage-Policy", computed=True),
        local("forceDestroy"),
    ),
    special=Special(
        create="put_container",
        find="find_container",
        read="read_container",
        after_create="settle_new_container",
        delete="delete_container",
    ),
)

DECLARATIONS = (CONTAINER,)
