"""The commands are tried on the in-memory world."""

from reconcile.conftest import world

__all__ = ["world"]
