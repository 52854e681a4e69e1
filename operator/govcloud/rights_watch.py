"""Watches who may approve, or act as somebody who may: each change of it is recorded once, across restarts, and counted.

What came and went between two looks leaves no trace here; a look follows every change that the API server tells of, within a moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from govcloud.audit.files import RealFiles, write_atomically
from govcloud.audit.log import AuditLog
from govcloud.core.impersonation import Impersonation
from govcloud.core.rights import Right, changes
from govcloud.reasons import Reason

log = logging.getLogger(__name__)

TASK = "who may approve"
_RIGHTS = TypeAdapter(frozenset[Right | Impersonation])


@dataclass
class RightsWatch:
    """Compares what RBAC grants with what it granted at the last look.

    Args:
        granted: reads the rights. What it raises is raised here.
        file: where the last look is kept. Without it, or where it cannot be read, all rights that there are count as granted anew.
    """

    granted: Callable[[], frozenset[Right | Impersonation]]
    audit: AuditLog
    file: Path
    known: frozenset[Right | Impersonation] | None = None

    def look(self) -> None:
        """Look once. A crash in between has it recorded twice: written again, it says the same.

        Raises:
            AuditUnavailable: it cannot be recorded; it is not forgotten.
        """
        before, now = self._before(), self.granted()
        news = changes(before, now)
        if news:
            self.audit.append_many(news)
            write_atomically(RealFiles(), self.file, _RIGHTS.dump_json(now))
        for entry in news:
            unusual = entry.reason.rule == Reason.APPROVAL_RIGHT_UNUSUAL
            log.log(logging.WARNING if unusual else logging.INFO, "%s", entry.message)
        self.known = now

    def count(self, *, as_set_up: bool) -> int:
        """How many rights there are of either kind, as far as is known."""
        return sum(right.is_set_up() is as_set_up for right in self.known or ())

    def _before(self) -> frozenset[Right | Impersonation]:
        if self.known is not None:
            return self.known
        try:
            return _RIGHTS.validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return frozenset()
        except ValidationError:
            log.warning("%s cannot be read; every right to approve is recorded anew", self.file)
            return frozenset()
