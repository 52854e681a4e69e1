"""Twins of the foreign systems in memory, for tests: the ports, kept to the letter, without a process or a disk.

They keep what the real systems keep (generations, resource versions and their conflicts, plans that cannot change, objects with
ids, quotas) and nothing of what they decide. Every write goes over a `Wire`, which counts it and lets the chosen one fail. Never
here: shortcuts that the real adapters do not have.
"""

from __future__ import annotations

from govcloud.adapters.memory.backups import MemoryBackups
from govcloud.adapters.memory.clock import FixedClock
from govcloud.adapters.memory.cloud import DATABASE, INSTANCE, VOLUME, MemoryCloud, Thing
from govcloud.adapters.memory.cluster import MemoryCluster
from govcloud.adapters.memory.restores import MemoryRestores
from govcloud.adapters.memory.stacks import MemoryStacks
from govcloud.adapters.memory.wire import Crash, Wire

__all__ = [
    "DATABASE",
    "INSTANCE",
    "VOLUME",
    "Crash",
    "FixedClock",
    "MemoryBackups",
    "MemoryCloud",
    "MemoryCluster",
    "MemoryRestores",
    "MemoryStacks",
    "Thing",
    "Wire",
]
