"""Copies of the audit log in a Swift container of its own, written once by name and read back.

Swift has no retention lock: `If-None-Match: *` keeps anybody honest from replacing an object, and nothing but the account's
rights keeps its administrator from deleting one. Where that matters, let another domain administer the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import BinaryIO

from govcloud.adapters.copied_objects import accounted
from govcloud.adapters.held_since import age_by
from govcloud.adapters.openstack_failures import translated
from govcloud.adapters.openstack_login import Login
from govcloud.adapters.openstack_reading import chunks_of, read_all
from govcloud.adapters.openstack_swift import Container
from govcloud.audit.copies import Kept
from govcloud.failures import Stop
from govcloud.reasons import Reason
from stacks.provider.journal import effect

_TYPE = "openstack:objectstorage/containerObject:ContainerObject"


class SwiftCopies:
    """A `govcloud.audit.copies.CopyStore`.

    Args:
        login: the login scoped to the project whose account holds the container; asked at every use.
        container: name of the container; it is made when something is first stored.
    """

    def __init__(self, login: Callable[[], Login], container: str) -> None:
        self._login = login
        self._name = container
        self._made = False
        self.place = f"container {container}"

    def lock(self) -> timedelta | None:
        """None, always."""
        return None

    def names(self, prefix: str) -> Iterator[str]:
        """Names in the order of their bytes, over all pages; none where there is no container yet."""
        container = self._container()
        return (each.name for each in container.objects(prefix)) if container.exists() else iter(())

    def find(self, name: str) -> Kept | None:
        """Read every byte. The age is told by Swift's own Date and Last-Modified."""
        with translated(f"read {name} of container {self._name} back"):
            response = self._container().find(name)
            if response is None:
                return None
            return Kept(read_all(response).sha256, age_by(response.headers, response.url))

    def put(self, name: str, content: BinaryIO) -> None:
        """Store it; Swift refuses (412, a `Stop`) where the name is taken."""
        container = self._container()
        with effect(accounted(name, _TYPE)):
            if not self._made:
                container.make({})
                self._made = True
            container.put_new(name, content)

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes in pieces. One that breaks off raises `Retry`."""
        with (
            translated(f"read {name} of container {self._name}"),
            self._container().open(name) as response,
        ):
            yield from chunks_of(response)

    def hold(self, name: str, *, on: bool) -> None:
        """Refused, always: nothing keeps whoever administers the account from deleting an object."""
        raise Stop(Reason.INVALID_INPUT, f"{self.place} has no lock, so {name} cannot be held {'for longer' if on else 'no longer'}")

    def _container(self) -> Container:
        login = self._login()
        return Container(login, login.project_id, self._name)
