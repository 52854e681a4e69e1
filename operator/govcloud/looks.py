"""Looks at all decisions and at the admission policies, shared by passes that find nothing to do.

Every decision of the cluster is read for such a look, for document numbers are unique among all of them. A resync over a thousand requests would
read all of them a thousand times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from govcloud.core.guard import Admission


@dataclass
class Looks:
    """The last look is good until something is told. Safe to use from several threads.

    Args:
        look: takes a look now. What it raises is raised here.
    """

    look: Callable[[], Admission]
    _recent: Admission | None = None
    _news: int = 0
    _lock: Lock = field(default_factory=Lock)

    def fresh(self) -> Admission:
        """A look that is taken now."""
        news = self._news
        found = self.look()
        with self._lock:
            # What was told while it was taken may have come too late for it.
            self._recent = found if news == self._news and _tells_nothing_new(found) else None
        return found

    def recent(self) -> Admission | None:
        """The last look, if nothing was told since it began; None where there is none that can be shared."""
        return self._recent

    def forget(self) -> None:
        """A decision, a policy or a binding changed."""
        with self._lock:
            self._news, self._recent = self._news + 1, None


def _tells_nothing_new(look: Admission) -> bool:
    """Where policies are missing, or something has to be remembered first, everybody looks for himself."""
    return look.fault is None and look.guard == look.remembered
