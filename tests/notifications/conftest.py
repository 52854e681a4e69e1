"""Notifications are told of the in-memory world."""

from reconcile.conftest import world

__all__ = ["world"]
