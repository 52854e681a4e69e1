"""Carrying an action out between its two records: what was not recorded as an intent is not done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from govcloud.audit.log import AuditLog
from govcloud.audit.records import Entry
from govcloud.core import actions as act
from govcloud.core import evidence
from govcloud.core.facts import Facts
from govcloud.core.outcome import Fault, Outcome
from govcloud.failures import Retry, Stop
from govcloud.performing import Performer


@dataclass(frozen=True)
class Executor:
    """Performs what was decided. `beside` are further entries that are recorded with an outcome, or not at all."""

    audit: AuditLog
    performer: Performer
    monotonic: Callable[[], float] = time.monotonic

    def carry_out(
        self, facts: Facts, action: act.Performed, beside: Callable[[Outcome], Iterable[Entry]] = lambda _: ()
    ) -> Outcome:
        """Intent, action, outcome.

        Raises:
            AuditUnavailable: nothing can be recorded, so nothing was done, or it is not known what came of it.
        """
        intent = self.audit.append(evidence.intent(facts, action))
        began = self.monotonic()
        try:
            outcome = self._attempt(facts, action)
        except BaseException as error:
            self.audit.append(evidence.unexpected(facts, action, error, intent.id))
            raise
        milliseconds = int((self.monotonic() - began) * 1000)
        said = evidence.outcome(facts, action, outcome, intent.id, milliseconds)
        self.audit.append_many((said, *beside(outcome)))
        return outcome

    def _attempt(self, facts: Facts, action: act.Performed) -> Outcome:
        try:
            return self.performer.perform(facts, action)
        except Retry as error:
            return Outcome(Fault("Retry", error.reason, error.message, error.after))
        except Stop as error:
            return Outcome(Fault("Stop", error.reason, error.message))
