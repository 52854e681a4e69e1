"""Whether decisions that are made now count, for whoever asks at three in the morning; and a look again and again while they do not.

No event tells when an API server has taken up a policy, or lost it by a restart without the admission plugin.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread

from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.ports import Clock
from govcloud.reconcile import Reconciler

log = logging.getLogger(__name__)

BETWEEN_LOOKS = timedelta(seconds=2)
NOT_YET = "what was seen of the admission policies is not written down yet"


@dataclass
class Guarding:
    """Looks at the admission policies where no request is worked on.

    Args:
        back: called when decisions count again, so that everybody goes on.
    """

    reconciler: Reconciler
    clock: Clock
    back: Callable[[], None]
    _unseen: str = NOT_YET
    _ended: Event = field(default_factory=Event)

    def start(self) -> None:
        """Look again and again while something is wrong, in a thread that ends with the process."""
        Thread(target=self._keep_looking, name="guarding", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def look(self) -> None:
        """Look once, so that it is known from the start whether decisions are guarded."""
        try:
            self.reconciler.watch_admission()
            self._unseen = NOT_YET
        except (Retry, Stop, AuditUnavailable) as error:
            self._unseen = f"the admission policies could not be looked at: {error}"
            log.warning("%s", self._unseen)

    def look_again(self) -> None:
        """Look once more where something is wrong, and tell when it no longer is."""
        if self.hindrance():
            self.look()
            if not self.hindrance():
                self.back()

    def hindrance(self) -> str | None:
        """Why nothing can be done now."""
        seen = self.reconciler.admission
        if seen is None:
            return self._unseen
        return None if seen.fault is None else seen.hindrance(self._now())

    def hint(self) -> str:
        """Why a decision that is made now would not count; empty where it would."""
        seen = self.reconciler.admission
        return self._unseen if seen is None else seen.hindrance(self._now())

    def _now(self) -> datetime:
        return self.clock.now() - self.clock.ahead()

    def _keep_looking(self) -> None:
        while not self._ended.wait(BETWEEN_LOOKS.total_seconds()):
            self.look_again()
