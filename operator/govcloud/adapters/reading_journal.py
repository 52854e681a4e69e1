"""The journal of a command that only reads: a write to OpenStack is never sent."""

from __future__ import annotations

from stacks.provider.journal import EffectContext, JournalUnavailable, Write, WriteOutcome


class ReadingJournal:
    """A `stacks.provider.journal.Journal` that records nothing and allows nothing."""

    def intent(self, context: EffectContext, write: Write) -> str:
        """Raises `JournalUnavailable`, always."""
        raise JournalUnavailable(f"this command only reads; it does not {write.method} {write.path}")

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        """Never reached: there is no intent. Raises `JournalUnavailable`."""
        raise JournalUnavailable("this command only reads")
