"""Where the objects of a container lie: in the unit's own container, or in a copy of it in the backup or quarantine project.

A copy keeps current objects under their own names. Older versions lie in a second container beside it, as `<version>/<name>`: a
version's id has no slash, so no two objects can meet under one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from govcloud.adapters.openstack_object_lines import Line, Listed
from govcloud.adapters.openstack_swift import Container


class Held(Protocol):
    """Objects, with the older versions among them."""

    def listed(self) -> Iterator[Listed]:
        """All of them, with names and versions as in the unit's container."""
        ...

    def at(self, listed: Listed) -> tuple[Container, str, str]:
        """Container, name and version under which one of them is read."""
        ...


@dataclass(frozen=True)
class Original:
    """The unit's own container."""

    container: Container

    def listed(self) -> Iterator[Listed]:
        yield from self.container.objects()
        yield from self.container.old_versions()

    def at(self, listed: Listed) -> tuple[Container, str, str]:
        return self.container, listed.name, listed.version


@dataclass(frozen=True)
class Copy:
    """A copy of it."""

    current: Container

    @property
    def old(self) -> Container:
        """The container of the older versions. It is there only if there are some."""
        return Container(self.current.login, self.current.account, f"{self.current.name}-versions")

    @property
    def containers(self) -> tuple[Container, ...]:
        """Those that are there."""
        return tuple(container for container in (self.current, self.old) if container.exists())

    def listed(self) -> Iterator[Listed]:
        yield from self.current.objects()
        if self.old.exists():
            for listed in self.old.objects():
                version, _, name = listed.name.partition("/")
                yield Listed(name, listed.size, listed.etag, version)

    def at(self, listed: Listed) -> tuple[Container, str, str]:
        if listed.version:
            # An object that somebody else put there may have no slash in its name; none of ours has an empty name behind it.
            return self.old, f"{listed.version}/{listed.name}" if listed.name else listed.version, ""
        return self.current, listed.name, ""


def read(held: Held, listed: Listed) -> Line:
    """Read every byte of one object."""
    container, name, version = held.at(listed)
    size, sha256 = container.read(name, version)
    return Line(listed.name, size, sha256, listed.version)


def copy(source: Held, target: Copy, listed: Listed) -> None:
    """Copy one object."""
    container, name, version = source.at(listed)
    there, under, _ = target.at(listed)
    there.copy_from(container, name, version, under)
