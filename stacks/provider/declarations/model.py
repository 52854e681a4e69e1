"""The vocabulary in which a resource kind is declared. Pure data: no OpenStack, no Pulumi, no gRPC is imported here.

Names: *wire* names are Pulumi's (camelCase, as `pulumi_openstack` sends them), *api* names are OpenStack's. An api name
with dots is a path into nested objects (`external_gateway_info.network_id`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Kind = Literal["text", "whole", "flag", "texts", "mapping", "object", "objects"]
Default = str | int | bool | None

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

MARK_OPERATION = "govcloud_op"
MARK_OWNER = "govcloud_request"
"""Where every object says which operation made it, and for whom."""


def snake_case(wire: str) -> str:
    """The Python name that `pulumi_openstack` gives a wire name: `accessIpV4` is `access_ip_v4`."""
    return _HUMP.sub("_", wire).lower()


class Change(StrEnum):
    """What happens to a resource when one of its inputs changes."""

    REPLACE = "replace"
    """The service cannot change it: the resource is deleted and made anew."""
    UPDATE = "update"
    """Sent with the uniform update request."""
    HANDLED = "handled"
    """Changed in place by the function that the field names."""
    LOCAL = "local"
    """Only the provider knows it; nothing is sent."""


@dataclass(frozen=True)
class Field:
    """One property of a resource.

    Attributes:
        wire: Pulumi's name.
        kind: its shape; `texts` is a list of strings, `mapping` has string values, `object(s)` have `fields`.
        api: OpenStack's name in requests; empty: the snake case of `wire`.
        shown: OpenStack's name in answers, where it differs; None when no answer ever shows it.
        required: must be given (or have a default).
        default: the value when none is given.
        named: without a value, a name is made from the logical name.
        output_only: never an input.
        sent: part of the create request; False for what a handler reads.
        computed: the service chooses a value when none is given.
        secret: leaves the provider only as a Pulumi secret, and never enters a message.
        change: what a changed value means.
        by: name of the handler, for `Change.HANDLED`.
        grows_only: a smaller value is refused.
        unordered: a list whose order means nothing.
        nulls: an absent value is sent as null when it is taken away.
        one_of: the values allowed.
        ours: `pulumi_openstack`'s class does not have it; the service does.
        fields: of the nested object(s).
    """

    wire: str
    kind: Kind = "text"
    api: str = ""
    shown: str | None = ""
    required: bool = False
    default: Default = None
    named: bool = False
    output_only: bool = False
    sent: bool = True
    computed: bool = False
    secret: bool = False
    change: Change = Change.REPLACE
    by: str = ""
    grows_only: bool = False
    unordered: bool = False
    nulls: bool = False
    one_of: tuple[str, ...] = ()
    ours: bool = False
    fields: tuple[Field, ...] = ()

    @property
    def api_path(self) -> tuple[str, ...]:
        """Where a request carries it."""
        return tuple((self.api or snake_case(self.wire)).split("."))

    @property
    def shown_path(self) -> tuple[str, ...] | None:
        """Where an answer shows it; None if it never does."""
        if self.shown is None:
            return None
        return tuple(self.shown.split(".")) if self.shown else self.api_path


class MarkIn(StrEnum):
    """Where an object carries the operation mark. The mark is always part of the create request: never added
    afterwards.
    """

    METADATA = "metadata"
    TAGS = "tags"
    DESCRIPTION = "description"
    NAME = "name"
    """For what has nothing else: the whole key is appended to the name."""
    NOTHING = "nothing"
    """The object is a relation or a setting: it is found by what it relates, and making it twice makes one."""


@dataclass(frozen=True)
class Wait:
    """How to tell that an object is ready, or never will be.

    Attributes:
        status: the attribute that says it.
        ready: states in which it may be used.
        failed: states it does not leave by itself.
        busy: query that lists only those still on their way, where the service has one: many are then awaited with one
            request.
        deleting_failed: states that end a deletion without success.
        fault: path to the sentence that explains a failure; never a path to a traceback.
        going: states of what is being deleted; the service refuses a second request to delete it.
        gone: states that count as deleted.
        moving: attribute that is set while something is under way; a failure state counts only once it is empty.
    """

    ready: frozenset[str]
    failed: frozenset[str]
    status: str = "status"
    busy: str = ""
    deleting_failed: frozenset[str] = frozenset()
    fault: tuple[str, ...] = ()
    going: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    moving: str = ""


@dataclass(frozen=True)
class Deadlines:
    """Seconds on the monotonic clock, from the request to the awaited state."""

    create: float = 120.0
    update: float = 120.0
    delete: float = 120.0


@dataclass(frozen=True)
class Special:
    """Names of handlers that take the place of a uniform verb. Empty: the uniform verb does it.

    Attributes:
        body: completes the create request (lookups by name, envelopes of their own).
        create: makes the object instead of one POST to the collection.
        find: finds what an earlier, interrupted create left, for kinds that carry no mark.
        read: reads the object by its id.
        shown: completes the outputs from an answer.
        after_create: what is left to do once the object is ready.
        before_update: ends what an earlier, interrupted update left under way.
        before_delete: what must be done first.
        delete: takes the object away instead of one DELETE.
        fault: finds the service's own words for a failure.
    """

    body: str = ""
    create: str = ""
    find: str = ""
    read: str = ""
    shown: str = ""
    after_create: str = ""
    before_update: str = ""
    before_delete: str = ""
    delete: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Declaration:
    """A resource kind.

    Attributes:
        type: Pulumi type token.
        service: service type in the catalog.
        collection: path of the collection below the service's endpoint; `{user}` stands for the user of the token.
        singular: envelope of one object in requests and answers; empty: none.
        plural: envelope of a list.
        fields: its properties, outputs included.
        mark: where the operation mark lives.
        listing: path to list for a marked object; empty: the collection.
        list_query: query for that list; `{project}`, `{name}`, `{key}` are filled in.
        verb: HTTP method of the uniform update; empty: none of its fields uses it.
        wait: None when the create answer is the final word.
        special: the handlers.
        deadlines: how long each step may take.
        identified_by: attribute of an object that is its id.
        microversion: pinned, so that a newer cloud behaves as this declaration expects.
        remade_without: a secret output that only the create answer shows; an adopted object lacks it and is made anew.
        holds_nothing: what the object works on lies in objects of other kinds; one that failed before it was finished is taken away.
        tags_apart: tags are set with a request of their own after creation.
        insists: the service refuses with 409 while something around the object changes, and takes the request later.
        needs_one: of each group, exactly one input must be given.
        at_most_one: of each group, no more than one input may be given.
    """

    type: str
    service: str
    collection: str
    singular: str
    plural: str
    fields: tuple[Field, ...]
    mark: MarkIn
    listing: str = ""
    list_query: tuple[tuple[str, str], ...] = ()
    verb: Literal["", "PUT", "PATCH"] = "PUT"
    wait: Wait | None = None
    special: Special = Special()
    deadlines: Deadlines = Deadlines()
    identified_by: str = "id"
    microversion: str = ""
    remade_without: str = ""
    holds_nothing: bool = False
    tags_apart: bool = False
    insists: bool = False
    needs_one: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()

    @property
    def inputs(self) -> tuple[Field, ...]:
        """The fields that a program may set."""
        return tuple(field for field in self.fields if not field.output_only)

    def field(self, wire: str) -> Field:
        """The field of that wire name.

        Raises:
            KeyError: there is none.
        """
        for field in self.fields:
            if field.wire == wire:
                return field
        raise KeyError(wire)

    @property
    def noun(self) -> str:
        """What a person calls it: `compute Instance`."""
        module, _, name = self.type.removeprefix("openstack:").rpartition(":")
        return f"{module.partition('/')[0]} {name}"


def output(wire: str, kind: Kind = "text", shown: str = "", *, secret: bool = False) -> Field:
    """A property that only the service sets."""
    return Field(wire, kind, shown=shown, output_only=True, secret=secret)


def name(change: Change = Change.UPDATE) -> Field:
    """The name of the object; made from the logical name when a program gives none."""
    return Field("name", named=True, change=change)


def local(wire: str, default: bool = False) -> Field:
    """A switch that only this provider reads."""
    return Field(wire, "flag", sent=False, shown=None, default=default, change=Change.LOCAL)
