"""What each resource kind is: one module per OpenStack service, data only.

A new kind is one `Declaration` in its service's module. Importing this package imports no client library and no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import block_storage, compute, database, identity, load_balancing, networking, object_store, shared_file_systems
from .model import Declaration

_ALL = (
    *identity.DECLARATIONS,
    *compute.DECLARATIONS,
    *networking.DECLARATIONS,
    *block_storage.DECLARATIONS,
    *object_store.DECLARATIONS,
    *database.DECLARATIONS,
    *load_balancing.DECLARATIONS,
    *shared_file_systems.DECLARATIONS,
)

DECLARATIONS: Mapping[str, Declaration] = MappingProxyType({declaration.type: declaration for declaration in _ALL})
"""Every kind that the provider serves, by its type token."""
