"""Trove's guest: what would run inside of a database server runs in Trove's own process."""

# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import sys
import types
from typing import Any
from urllib import parse

_util = types.ModuleType("trove.tests.util")
_util.unquote_user_host = lambda text: (parse.unquote(text), "%")  # type: ignore[attr-defined]
sys.modules["trove.tests.util"] = _util

from trove.tests.fakes import guestagent as fake


class MemoryGuest(fake.FakeGuest):
    """Trove's own fake: databases and users are entries in a dictionary, lost when the process ends."""

    def prepare(
        self, memory_mb: int, packages: Any, databases: Any, users: Any, ds_version: Any = None, **options: Any
    ) -> Any:
        options.pop("root_password", None)
        return super().prepare(memory_mb, packages, databases or [], users or [], **options)

    def get_diagnostics(self, *_arguments: Any, **_options: Any) -> Any:
        return super().get_diagnostics()

    def __getattr__(self, name: str) -> Any:
        # Calls of newer Trove versions that the fake does not know succeed without effect.
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_arguments, **_options: None


def client(context: Any, id: str, manager: Any = None) -> Any:
    """Trove's hook for a guest: the option remote_guest_client names it."""
    return fake.DB.setdefault(id, MemoryGuest(id)) if id not in fake.DB else fake.DB[id]
