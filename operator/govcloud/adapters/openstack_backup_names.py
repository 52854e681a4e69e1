"""What the objects of a backup are called and marked with, and to what their writes are accounted. Pure.

Everything is derived from the request's uid, the backup's name, the part's name and the step, so that whoever comes after
a crash finds what was made before it.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import rfc8785

from govcloud.api.backup import BackupSpec, Part
from stacks.provider.journal import EffectContext, Operation, effect

KEY_CHARACTERS = 40
"""Length of an operation key: what the mark `govcloud_op` may hold everywhere."""

OBJECT_TYPE = "openstack:objectstorage/containerObject:ContainerObject"
CONTAINER_TYPE = "openstack:objectstorage/container:Container"


class Labelled(Protocol):
    """What helpers are made for: it names and marks them, and says what their writes belong to."""

    @property
    def title(self) -> str:
        """What a person calls it."""
        ...

    def key(self, step: str) -> str:
        """The operation key of one object."""
        ...

    def name(self, step: str) -> str:
        """The name of that object, with the whole key in it."""
        ...

    def marks(self, step: str) -> dict[str, str]:
        """The metadata of that object."""
        ...

    def effect(self, type: str, operation: Operation, step: str) -> AbstractContextManager[EffectContext]:
        """Say that the writes inside belong to it."""
        ...


@dataclass(frozen=True)
class Task:
    """One part of one backup. `backup` is the backup's name."""

    backup: str
    spec: BackupSpec
    part: Part

    @property
    def owner(self) -> str:
        """uid of the request whose data this is."""
        return self.spec.request.uid

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"part {self.part.name} of backup {self.backup}"

    def key(self, step: str) -> str:
        """The operation key of one object of this part: 40 hexadecimal digits."""
        return operation_key(self.owner, self.backup, self.part.name, step)

    def name(self, step: str) -> str:
        """The name of that object. It holds the whole key, for services that can look for nothing but names."""
        return f"govcloud-{step}-{self.key(step)}"

    def marks(self, step: str) -> dict[str, str]:
        """The metadata of that object. It is never `govcloud_request`: a backup is no resource of the request and outlives it."""
        return {
            "govcloud_op": self.key(step),
            "govcloud_backup_of": self.owner,
            "govcloud_unit": self.spec.unit,
            "govcloud_service": self.part.service,
        }

    def container(self, prefix: str) -> str:
        """Name of a container for the objects of this part: at most 256 bytes (Swift), no slash."""
        service = "".join(
            letter if letter.isascii() and (letter.isalnum() or letter == "-") else "-" for letter in self.part.service
        )
        return f"{prefix}-{self.owner}-{service[:63]}-{self.key(prefix)[:12]}"

    @property
    def is_regular(self) -> bool:
        """Whether the source goes on being used."""
        return self.spec.kind == "Regular"

    def effect(self, type: str, operation: Operation, step: str) -> AbstractContextManager[EffectContext]:
        """Say that the writes inside belong to this part."""
        return effect(
            EffectContext(
                owner=self.owner,
                stack="backup",
                urn=f"backup/{self.backup}/{self.part.name}",
                type=type,
                operation=operation,
                key=self.key(step),
                plan=self.spec.plan,
            )
        )


def manifest_effect(backup: str, spec: BackupSpec, operation: Operation = "backup") -> AbstractContextManager[EffectContext]:
    """Say that the writes inside are about the evidence of a whole backup: they store it, or purge lists of it."""
    owner = spec.request.uid
    return effect(
        EffectContext(
            owner=owner,
            stack="backup",
            urn=f"backup/{backup}/manifest",
            type=OBJECT_TYPE,
            operation=operation,
            key=operation_key(owner, backup, "", "manifest"),
            plan=spec.plan,
        )
    )


def operation_key(owner: str, backup: str, part: str, step: str) -> str:
    """The key under which a step of a part is journalled and looked for.

    The four texts are framed as canonical JSON (RFC 8785): no two different steps can share a key by how they are joined.
    """
    return hashlib.sha256(rfc8785.dumps([owner, backup, part, step])).hexdigest()[:KEY_CHARACTERS]


def task(backup: str, spec: BackupSpec, part: str) -> Task:
    """The task of one part.

    Raises:
        KeyError: the backup has no such part. A fault of the caller.
    """
    return Task(backup, spec, {each.name: each for each in spec.parts}[part])
