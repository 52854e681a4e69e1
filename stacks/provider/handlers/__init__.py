"""What no declaration can say: the special verbs of each service, as functions that declarations name.

Every function may be called again after it was interrupted at any line: it looks at what is there and does what is
left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from stacks.provider.handlers import (
    block_storage,
    compute,
    database,
    identity,
    load_balancing,
    networking,
    object_store,
    quotas,
    shared_file_systems,
)

HANDLERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        function.__name__: function
        for module in (block_storage, compute, database, identity, load_balancing, networking, object_store, quotas, shared_file_systems)
        for function in module.HANDLERS
    }
)
"""Every handler by the name under which declarations ask for it."""
