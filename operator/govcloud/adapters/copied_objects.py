"""What copies of the audit log belong to, whichever store they go to."""

from __future__ import annotations

import hashlib

from stacks.provider.journal import EffectContext


def accounted(name: str, kind: str) -> EffectContext:
    """The write of a copy, as an object of this kind, belongs to no request; no plan is needed to keep the log (JJ 26)."""
    key = hashlib.sha256(name.encode()).hexdigest()[:40]
    return EffectContext("", "audit-copies", f"audit/{name}", kind, "backup", key, 0)
