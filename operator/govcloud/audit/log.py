"""The writer: `append` returns when the record is on the disk, or raises and nothing may be done.

One writer per log (a lock, and the leadership's fence in every record). Appends of several threads that wait at the
same time share one flush. The newest state is signed at least every 1,000 records and every 60 seconds. Never here:
what is worth recording, or a second try after a failed flush.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from .durable import DiskBroken, DiskFull, DurableFile, sorted_errors
from .errors import AuditUnavailable, KeyUnknown
from .files import FileSystem, RealFiles, write_atomically
from .frames import encode
from .layout import Layout
from .merkle import leaf_hash
from .notes import Checkpoint, PublicKey, Signer, sign
from .records import Action, Entry, Initiator, InitiatorType, Outcome, Phase, Record, Target
from .recovery import recover
from .tail import Stamps

SEGMENT_BYTES = 64 * 1024 * 1024
BALLAST_BYTES = 64 * 1024 * 1024
CHECKPOINT_RECORDS = 1_000
CHECKPOINT_SECONDS = 60
LOW_SPACE_BYTES = 1024 * 1024 * 1024

_PULSE_SECONDS = 10
_BATCH_RECORDS = 1_000
_SECOND = 1_000_000_000
_SHARED_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.s3fs", "fuse.sshfs", "fuse.glusterfs"})
"""File systems whose locks or flushes do not mean what the log needs them to mean."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record is on the disk."""

    sequence: int
    id: str
    """What an outcome names as its `intent`."""


class State(StrEnum):
    """Whether records are accepted."""

    READY = "ready"
    FULL = "full"
    """No room: only outcomes of what was already begun are accepted, in the space set aside for them."""
    BROKEN = "broken"
    """The disk failed; only a restart, which reads everything again, may go on."""
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


class AuditLog:
    """An append-only log in one directory. Thread-safe; a call blocks for the time of a disk flush."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], int],
        signer: Signer,
        fence: str,
        files: FileSystem | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        segment_bytes: int = SEGMENT_BYTES,
        ballast_bytes: int = BALLAST_BYTES,
        pulse: bool = True,
    ) -> None:
        """Opens or makes the log, and reads all of it.

        `clock` gives the UTC wall time, `monotonic` nanoseconds; `fence` is the token of the leadership lease. `pulse`
        starts a thread that keeps checkpoints and heartbeats at most 60 seconds apart; without it, call `tick`.
        Raises `AuditUnavailable` (somebody else writes, no room, a shared disk), `AuditDamaged`, `KeyUnknown`.
        """
        self._files = files or RealFiles()
        self._layout = Layout(directory)
        self._signer = signer
        self._stamps = Stamps(clock, monotonic, self._files.boot_id(), fence, new_id)
        self._segment_bytes, self._ballast_bytes = segment_bytes, ballast_bytes
        self._waiting: list[_Ticket] = []
        self._waiting_lock = threading.Lock()
        self._writing = threading.RLock()
        self._state, self._why = State.READY, ""
        self._open()
        self._pulse = _Pulse(self.tick) if pulse else None

    # ---------------------------------------------------------------- for callers

    def append(self, entry: Entry) -> Receipt:
        """Durable on return. Raises `AuditUnavailable`: then the effect must not happen.

        Raises `pydantic.ValidationError` for an entry that was made past its own checks (as by `model_copy`).
        """
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[Entry]) -> tuple[Receipt, ...]:
        """Next to each other in the log, by one flush: all acknowledged, or none. Raises like `append`."""
        ticket = _Ticket(tuple(Entry.model_validate(entry) for entry in entries))  # here, so that it stops no one else
        with self._waiting_lock:
            self._waiting.append(ticket)
        with self._writing:  # whoever comes first writes for all who wait behind it
            if not ticket.settled:
                self._write_waiting()
        return ticket.result()

    def open_intents(self) -> tuple[Record, ...]:
        """Intents whose outcome is not recorded: at start, what a crash left to be found out."""
        with self._writing:
            return tuple(self._tail.open_intents.values())

    def health(self) -> Health:
        """Blocks no longer than a flush. Raises nothing."""
        with self._writing:
            tail = self._tail
            return Health(self._state, self._why, tail.size, tail.signed, len(tail.open_intents), self._free_bytes())

    def tick(self) -> None:
        """Signs what is due to be signed; records a heartbeat when nothing else was recorded for a minute.

        Raises `AuditUnavailable` once the log is broken or closed.
        """
        with self._writing:
            if self._state is State.FULL:
                self._guarded(self._resume_if_room)
            elif self._age(self._last_write) >= CHECKPOINT_SECONDS:
                self.append(_event(Action.MONITOR, "heartbeat"))
            if self._state is State.READY:
                self._guarded(self._checkpoint_if_due)

    def sign(self) -> None:
        """Signs what is there now, without waiting for the minute. Raises `AuditUnavailable`."""
        with self._writing:
            if self._state is State.READY:
                self._guarded(self._checkpoint)
            if self._state is not State.READY:
                raise AuditUnavailable(self._why)

    def close(self) -> None:
        """Signs what is there and lets the next writer in. A second call does nothing."""
        if self._pulse:
            self._pulse.stop()
        with self._writing:
            if self._state in (State.READY, State.FULL):
                self._guarded(self._checkpoint)
            if self._state is not State.CLOSED:
                self._state, self._why = State.CLOSED, "The audit log is closed"
                self._release()

    # ---------------------------------------------------------------- opening

    def _open(self) -> None:
        try:
            self._prepare_directories()
            self._lock = self._take_lock()
            try:
                self._continue_log()
            except BaseException:
                self._files.close(self._lock)
                raise
        except (DiskFull, DiskBroken) as error:
            raise AuditUnavailable(f"The audit log cannot be opened: {error}") from error

    def _prepare_directories(self) -> None:
        layout = self._layout
        with sorted_errors(f"cannot make {layout.directory}"):
            for path in (layout.directory, layout.segments, layout.hashes, layout.notes.parent):
                self._files.make_directory(path)
            for path in (layout.directory.parent, layout.directory):
                self._files.flush_directory(path)
            kind = self._files.kind(layout.directory)
        if kind in _SHARED_DISKS:
            raise AuditUnavailable(f"The audit log must be on a local disk; {layout.directory} is on {kind}")

    def _take_lock(self) -> int:
        with sorted_errors(f"cannot lock {self._layout.lock}"):
            try:
                return self._files.lock(self._layout.lock)
            except BlockingIOError as error:
                where = self._layout.directory
                raise AuditUnavailable(f"Another process already writes the audit log in {where}") from error

    def _continue_log(self) -> None:
        with sorted_errors("cannot read the log"):
            self._publish_key()
            found = recover(self._files, self._layout, self._signer.public_key)
            self._files.reserve(self._layout.ballast, self._ballast_bytes)
        self._tail = found.tail
        self._last_write = self._first_unsigned = self._stamps.monotonic()
        self._notes = DurableFile(self._files, self._layout.notes)
        self._segment = DurableFile(self._files, self._layout.segment(self._tail.segment))
        if found.torn_bytes:
            self._store([_event(Action.REPAIR, f"{found.torn_bytes} unfinished bytes were cut off at the end")])

    def _publish_key(self) -> None:
        mine, path = self._signer.public_key, self._layout.public_key
        if not self._files.exists(path):
            write_atomically(self._files, path, mine.text().encode() + b"\n")
        with self._files.open_for_reading(path) as stream:
            theirs = PublicKey.parse(stream.read().decode(errors="replace"))
        if theirs != mine:
            raise KeyUnknown(f"The log in {self._layout.directory} is signed by {theirs.text()}, not by {mine.text()}")

    # ---------------------------------------------------------------- writing

    def _write_waiting(self) -> None:
        with self._waiting_lock:
            tickets, self._waiting = self._waiting, []
        try:
            if self._state is State.FULL:
                self._guarded(self._resume_if_room)
            for batch in _batches(tickets):
                self._write(batch)
        finally:
            unsettled = [ticket for ticket in tickets if not ticket.settled]
            if unsettled:  # an exception that nobody foresaw: what reached the disk is not known
                self._break("a write was interrupted")
                _refuse(unsettled, self._why)

    def _write(self, tickets: list["_Ticket"]) -> None:
        _refuse([ticket for ticket in tickets if not self._accepts(ticket)], self._why)
        accepted = [ticket for ticket in tickets if not ticket.settled]
        if accepted:
            self._write_accepted(accepted)

    def _accepts(self, ticket: "_Ticket") -> bool:
        return self._state is State.READY or (self._state is State.FULL and ticket.only_outcomes)

    def _write_accepted(self, tickets: list["_Ticket"]) -> None:
        try:
            receipts = self._store([entry for ticket in tickets for entry in ticket.entries])
        except DiskFull as full:
            self._run_out_of_room(full)
            self._write(tickets)  # what the new state still accepts; broken accepts nothing, so this ends
        except DiskBroken as broken:
            self._break(broken)
            _refuse(tickets, self._why)
        else:
            _settle(tickets, receipts)
            self._guarded(self._checkpoint_if_due)

    def _store(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Raises `DiskFull` (nothing was stored) or `DiskBroken`."""
        if self._segment.size >= self._segment_bytes:
            self._rotate()
        sealed = self._tail.seal(entries, self._stamps)
        self._segment.append(b"".join(encode(payload) for _, payload in sealed))
        return [self._advance(record, payload) for record, payload in sealed]

    def _advance(self, record: Record, payload: bytes) -> Receipt:
        self._last_write = self._stamps.monotonic()
        if self._tail.size == self._tail.signed:
            self._first_unsigned = self._last_write
        self._tail.note_intent(record)
        self._tail.advance(leaf_hash(payload), record.time)
        return Receipt(record.sequence, record.id)

    def _rotate(self) -> None:
        """Seals the segment: signed, its hashes kept beside it, the next one begun. Each part may be done again."""
        self._checkpoint()
        with sorted_errors("cannot keep the hashes of a segment"):
            path = self._layout.segment_hashes(self._tail.segment)
            write_atomically(self._files, path, bytes(self._tail.segment_leaves))
        following = DurableFile(self._files, self._layout.segment(self._tail.size))
        self._segment.close()
        self._segment = following
        self._tail.begin_segment()

    # ---------------------------------------------------------------- checkpoints

    def _checkpoint_if_due(self) -> None:
        unsigned = self._tail.size - self._tail.signed
        if unsigned >= CHECKPOINT_RECORDS or (unsigned and self._age(self._first_unsigned) >= CHECKPOINT_SECONDS):
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self._tail.size == self._tail.signed:
            return
        state = Checkpoint(self._signer.public_key.name, self._tail.size, self._tail.tree.root())
        self._notes.append(sign(state, self._signer).text().encode() + b"\n")
        self._tail.signed = self._tail.size

    def _age(self, since: int) -> float:
        return (self._stamps.monotonic() - since) / _SECOND

    # ---------------------------------------------------------------- a failing disk

    def _guarded(self, action: Callable[[], None]) -> None:
        """What fails here fails nobody's append: it changes what the next one is told."""
        try:
            action()
        except DiskFull as full:
            self._run_out_of_room(full)
        except DiskBroken as broken:
            self._break(broken)

    def _run_out_of_room(self, full: DiskFull) -> None:
        if self._state is State.FULL:
            self._break(f"even the space set aside for the end is used up: {full}")
            return
        self._state = State.FULL
        self._why = f"The audit log has no room ({full}). Make room on the disk; it goes on by itself"
        self._guarded(self._record_suspension)

    def _record_suspension(self) -> None:
        with sorted_errors("cannot release the space set aside"):
            self._files.remove(self._layout.ballast)
        self._store([_event(Action.DISABLE, "the disk is full: nothing new is begun until there is room")])
        self._checkpoint()

    def _resume_if_room(self) -> None:
        if self._free_bytes() < 2 * self._ballast_bytes:
            return
        with sorted_errors("cannot set space aside again"):
            self._files.reserve(self._layout.ballast, self._ballast_bytes)
        self._state, self._why = State.READY, ""
        self._store([_event(Action.ENABLE, "there is room again")])

    def _break(self, cause: object) -> None:
        self._state = State.BROKEN
        self._why = f"The audit log is broken: {cause}. See to the disk, then restart the controller"

    def _free_bytes(self) -> int:
        try:
            return self._files.free_bytes(self._layout.directory)
        except OSError:
            return 0

    def _release(self) -> None:
        for descriptor in (self._segment, self._notes):
            descriptor.close()
        self._files.close(self._lock)


class _Ticket:
    """The entries of one call, waiting for the flush that carries them."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self.receipts: tuple[Receipt, ...] | None = None
        self.refusal: str | None = None

    @property
    def settled(self) -> bool:
        return self.receipts is not None or self.refusal is not None

    @property
    def only_outcomes(self) -> bool:
        return all(entry.phase is Phase.OUTCOME for entry in self.entries)

    def result(self) -> tuple[Receipt, ...]:
        if self.receipts is None:
            raise AuditUnavailable(self.refusal or "The audit log stopped in the middle of a write")
        return self.receipts


def _batches(tickets: Iterable[_Ticket]) -> Iterator[list[_Ticket]]:
    """Tickets in order, in groups for one flush each; a ticket is never split."""
    batch: list[_Ticket] = []
    count = 0
    for ticket in tickets:
        if batch and count + len(ticket.entries) > _BATCH_RECORDS:
            yield batch
            batch, count = [], 0
        batch.append(ticket)
        count += len(ticket.entries)
    if batch:
        yield batch


def _settle(tickets: Iterable[_Ticket], receipts: Sequence[Receipt]) -> None:
    start = 0
    for ticket in tickets:
        end = start + len(ticket.entries)
        ticket.receipts = tuple(receipts[start:end])
        start = end


def _refuse(tickets: Iterable[_Ticket], why: str) -> None:
    for ticket in tickets:
        ticket.refusal = why


def _event(action: Action, message: str) -> Entry:
    """What the log has to say about itself."""
    return Entry(
        phase=Phase.EVENT,
        action=action,
        outcome=Outcome.SUCCESS,
        initiator=Initiator(id="govcloud-audit", type=InitiatorType.CONTROLLER),
        target=Target(kind="AuditLog"),
        message=message,
    )


class _Pulse:
    """A thread that ticks until it is stopped, or until the log has said that it cannot go on."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-pulse", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(_PULSE_SECONDS):
            try:
                self._tick()
            except AuditUnavailable:  # told to everybody by health() and by the next append
                return

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
