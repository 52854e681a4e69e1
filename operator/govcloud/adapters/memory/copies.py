"""The twin of a store of copies, for tests: write once, read back, a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from govcloud.adapters.memory.wire import Wire
from govcloud.audit.copies import Kept, digest_of
from govcloud.failures import Stop
from govcloud.ports import Clock
from govcloud.reasons import Reason

_PIECE = 1 << 16


@dataclass
class MemoryCopies:
    """A `govcloud.audit.copies.CopyStore`. `objects` may be spoiled by tests."""

    wire: Wire
    clock: Clock
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    locked: timedelta | None = None
    held: set[str] = field(default_factory=set)
    place: str = "memory"

    def lock(self) -> timedelta | None:
        self.wire.read()
        return self.locked

    def names(self, prefix: str) -> Iterator[str]:
        self.wire.read()
        return iter(sorted(name for name in self.objects if name.startswith(prefix)))

    def find(self, name: str) -> Kept | None:
        self.wire.read()
        if name not in self.objects:
            return None
        content, since = self.objects[name]
        return Kept(digest_of([content])[0], self.clock.now() - since)

    def put(self, name: str, content: BinaryIO) -> None:
        with self.wire.write(f"put {name}"):
            if name in self.objects:
                raise Stop(Reason.INVALID_INPUT, f"{name} is there already and is not replaced")
            self.objects[name] = (content.read(), self.clock.now())

    def hold(self, name: str, *, on: bool) -> None:
        with self.wire.write(f"hold {name} {on}"):
            (self.held.add if on else self.held.discard)(name)

    def read(self, name: str) -> Iterator[bytes]:
        self.wire.read()
        content, _ = self.objects[name]
        return (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
