"""The kinds of service there are. A new kind is one file and one line here."""

from __future__ import annotations

from stacks import block_storage, database, file_storage, load_balancer, network, object_storage, virtual_machine
from stacks.kind import ServiceKind

CATALOG: tuple[ServiceKind, ...] = (
    virtual_machine.KIND,
    database.KIND,
    block_storage.KIND,
    object_storage.KIND,
    file_storage.KIND,
    network.KIND,
    load_balancer.KIND,
)


def kind_named(name: str) -> ServiceKind:
    """The kind called `name`.

    Raises:
        KeyError: there is no such kind.
    """
    return {kind.name: kind for kind in CATALOG}[name]
