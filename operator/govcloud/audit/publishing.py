"""Signed checkpoints leave this machine: to places that its administrator cannot quietly rewrite, and past a witness.

Runs beside recording and never holds it up. A place that fails is tried again, later and later; how far it lags is told.
What a place holds is compared with the log before anything is put there: if it proves that this log is another one, or an
older copy, recording stops. Never here: how a place is reached.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from .consistency import Prover
from .errors import AuditDamaged, AuditUnavailable, KeyUnknown
from .log import AuditLog
from .notes import BadNote, SignedCheckpoint, parse
from .own_words import publication_event
from .records import Outcome

log = logging.getLogger(__name__)

QUIET_SECONDS = 3_600
"""How long a place that keeps every checkpoint is spared those that tell only of heartbeats and publications."""

_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 300.0
_ASLEEP = 120.0


class PlaceUnavailable(Exception):
    """The place cannot be reached or refuses; the sentence says why."""


class Place(Protocol):
    """Somewhere that keeps checkpoints. Every method raises `PlaceUnavailable`."""

    name: str
    keeps_all: bool
    """Whether each checkpoint stays, rather than taking the place of the one before."""

    def newest(self) -> str | None:
        """The note that was put there last; None where there is none."""

    def publish(self, note: str, size: int) -> None:
        """Put a note there. That it is there already is fine; another one of the same size raises `OtherHistory`."""


class OtherHistory(Exception):
    """A place already has another checkpoint of the same size."""

    def __init__(self, note: str) -> None:
        super().__init__("there is another checkpoint of the same size")
        self.note = note


class Cosigner(Protocol):
    """A witness, seen from the log. Every method raises `PlaceUnavailable`."""

    name: str
    keeps_all: bool

    def newest(self) -> str | None:
        """The note that it cosigned last; None where it does not tell."""

    def cosign(self, signed: SignedCheckpoint, prover: Prover) -> SignedCheckpoint:
        """The checkpoint with the witness's verified signature."""


@dataclass
class _Progress:
    """How far one place is."""

    compared: bool = False
    size: int = 0
    at: float = 0.0
    behind_since: float | None = None
    fault: str = ""
    pause: float = 0.0
    next_try: float = field(default=0.0)


class Publisher:
    """Takes the newest checkpoint of a log everywhere. One thread calls `round`; the rest may be asked by any.

    Args:
        clock: monotonic seconds.
    """

    def __init__(
        self, audit: AuditLog, places: Sequence[Place], witness: Cosigner | None, clock: Callable[[], float]
    ) -> None:
        self._audit, self._places, self._witness, self._clock = audit, places, witness, clock
        self._prover = Prover(audit.leaves)
        self._progress = {place.name: _Progress() for place in self._all()}
        self._cosigned: SignedCheckpoint | None = None
        self._looked = clock()

    def compare(self) -> None:
        """At start: hold the log against what each place has. Raises `AuditDamaged`; a place that is away is compared later."""
        for place in self._all():
            self._attempt(place, partial(self._compare, place))

    def round(self) -> None:
        """Publish what is due. Raises `AuditDamaged` once a place proves that this is another log."""
        self._looked = self._clock()
        newest = self._audit.newest()
        if newest is None:
            return
        if self._witness:
            self._publish(self._witness, newest, partial(self._take_cosignature, self._witness, newest))
        for place in self._places:
            self._publish(place, newest, partial(self._put, place, newest))

    def lag(self, name: str) -> float:
        """Seconds since the oldest checkpoint was signed that this place should have and has not."""
        since, asleep = self._progress[name].behind_since, self._clock() - self._looked
        return self._clock() - since if since is not None else asleep if asleep > _ASLEEP else 0.0

    def names(self) -> tuple[str, ...]:
        """Of the places, the witness included."""
        return tuple(self._progress)

    def hints(self) -> tuple[str, ...]:
        """A sentence for every place that lags because of a fault."""
        asleep = self._clock() - self._looked
        faults = [(name, self.lag(name), one.fault) for name, one in self._progress.items() if one.fault]
        told = [f"checkpoints of the audit log have not reached {name} for {lag:.0f} s: {why}" for name, lag, why in faults]
        if asleep > _ASLEEP:
            told.append(f"nobody has looked for {asleep:.0f} s whether checkpoints of the audit log are to be published")
        return tuple(told)

    # ---------------------------------------------------------------- one place

    def _all(self) -> Sequence[Place | Cosigner]:
        return [*([self._witness] if self._witness else []), *self._places]

    def _publish(self, place: Place | Cosigner, newest: SignedCheckpoint, put: Callable[[], None]) -> None:
        progress, size = self._progress[place.name], newest.checkpoint.size
        if not self._due(place, progress, size):
            return
        if progress.behind_since is None:
            progress.behind_since = self._clock()
        if self._clock() < progress.next_try:
            return
        if (progress.compared or self._attempt(place, partial(self._compare, place))) and self._attempt(place, put):
            progress.size, progress.at, progress.behind_since = size, self._clock(), None

    def _due(self, place: Place | Cosigner, progress: _Progress, size: int) -> bool:
        if not progress.compared or not place.keeps_all:
            return size > progress.size
        news = self._audit.substance() > progress.size
        return size > progress.size and (news or self._clock() - progress.at >= QUIET_SECONDS)

    def _put(self, place: Place, newest: SignedCheckpoint) -> None:
        best = self._cosigned if self._cosigned and self._cosigned.checkpoint == newest.checkpoint else newest
        try:
            place.publish(best.text(), best.checkpoint.size)
        except OtherHistory as other:
            self._judge(place.name, other.note)

    def _take_cosignature(self, witness: Cosigner, newest: SignedCheckpoint) -> None:
        self._cosigned = witness.cosign(newest, self._prover)

    def _attempt(self, place: Place | Cosigner, action: Callable[[], None]) -> bool:
        """Whether it worked. What fails or works again is recorded once, not every time."""
        progress = self._progress[place.name]
        try:
            action()
        except AuditDamaged:
            raise
        except (PlaceUnavailable, AuditUnavailable) as fault:
            self._failed(place.name, progress, str(fault))
            return False
        if progress.fault:
            self._tell(place.name, Outcome.SUCCESS, "the place can be reached again")
        progress.fault, progress.pause = "", 0.0
        return True

    def _failed(self, name: str, progress: _Progress, fault: str) -> None:
        if not progress.fault:
            self._tell(name, Outcome.FAILURE, fault)
        progress.fault, progress.compared = fault, False  # whoever was away may have been somewhere else
        progress.pause = min(max(2 * progress.pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        progress.next_try = self._clock() + progress.pause

    def _tell(self, name: str, outcome: Outcome, sentence: str) -> None:
        log.log(logging.INFO if outcome is Outcome.SUCCESS else logging.WARNING, "%s: %s", name, sentence)
        try:
            self._audit.append(publication_event(name, outcome, sentence))
        except AuditUnavailable as error:  # said by everybody else's next append too
            log.warning("the audit log cannot record that: %s", error)

    # ---------------------------------------------------------------- is it this log?

    def _compare(self, place: Place | Cosigner) -> None:
        note = place.newest()
        if note is not None:
            self._judge(place.name, note)
            self._progress[place.name].size = parse(note).checkpoint.size
        self._progress[place.name].compared = True

    def _judge(self, name: str, note: str) -> None:
        """Raises `AuditDamaged` if the note is a proof against this log."""
        why = self._contradiction(name, note)
        if why:
            self._audit.distrust(why)
            raise AuditDamaged(why, 0)

    def _contradiction(self, name: str, note: str) -> str:
        try:
            signed = parse(note)
            ours = signed.checkpoint.origin == self._audit.keyring.first.name and self._audit.keyring.verify(signed)
        except (BadNote, KeyUnknown) as error:
            return _stranger(name, str(error))
        if not ours:
            return _stranger(name, f"it is of the log {signed.checkpoint.origin}")
        size, records = signed.checkpoint.size, self._audit.health().records
        if size > records:
            return (
                f"{name} has a checkpoint of {size} records of this audit log, and the log holds {records}: an older copy was "
                "put back. Put the newest copy back, then start again"
            )
        if self._root(size) != signed.checkpoint.root:
            return (
                f"{name} has another history of this audit log: the first {size} records are not those that were signed. Keep "
                "both as evidence, run govcloud audit verify --from-checkpoint, and put the right copy back"
            )
        return ""

    def _root(self, size: int) -> bytes:
        try:
            return self._prover.root(size)
        except (OSError, ValueError) as error:
            raise PlaceUnavailable(f"the kept hashes of the audit log cannot be read: {error}") from error


def _stranger(name: str, why: str) -> str:
    return (
        f"{name} has a checkpoint that is not of this audit log ({why}): the state directory was lost, replaced or given "
        "another key. Put it back. To begin a new log on purpose, keep that checkpoint and empty the place"
    )
