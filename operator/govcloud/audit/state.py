"""Whether records are accepted, as probes, metrics and conditions read it. Never here: the reasons to change it."""

from dataclasses import dataclass
from enum import StrEnum

LOW_SPACE_BYTES = 1024 * 1024 * 1024


class State(StrEnum):
    """Whether records are accepted."""

    READY = "ready"
    FULL = "full"
    """No room: only outcomes of what was already begun are accepted, in the space set aside for them."""
    BROKEN = "broken"
    """The disk failed, or the log is not the one that was published; only a restart, which reads everything again, may go on."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Health:
    """For probes, metrics and conditions."""

    state: State
    reason: str
    """One sentence for a person; empty when ready."""
    records: int
    signed_records: int
    open_intents: int
    free_bytes: int
    """0 when the disk does not even answer that."""

    def __str__(self) -> str:
        return self.reason or self.state

    @property
    def writable(self) -> bool:
        """Whether an intent would be accepted."""
        return self.state is State.READY

    @property
    def low_space(self) -> bool:
        """Less than 1 GiB left: time to make room before everything stops."""
        return self.free_bytes < LOW_SPACE_BYTES
