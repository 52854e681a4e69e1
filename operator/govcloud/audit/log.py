"""The writer: `append` returns when the record is on the disk, or raises and nothing may be done.

One writer per log (a lock, and the leadership's fence in every record). Appends of several threads that wait at the
same time share one flush. The newest state is signed at least every 1,000 records and every 60 seconds. Never here:
what is worth recording, or a second try after a failed flush.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from .durable import DiskBroken, DiskFull, sorted_errors
from .errors import AuditUnavailable, KeyUnknown
from .files import FileSystem, RealFiles
from .kept_hashes import leaves_from
from .keyring import Keyring
from .keyring_file import write_keyring
from .layout import Layout
from .notes import SignedCheckpoint, Signer
from .opening import first_key, prepare_directories, refuse_other_key, take_lock
from .own_words import HEARTBEAT, event
from .pulse import Pulse
from .reader import HASH_BYTES
from .records import Action, Entry, Record
from .recovery import recover
from .state import Health, State
from .store import CHECKPOINT_SECONDS, Store
from .tail import Stamps
from .tickets import Receipt, Ticket, batches, refuse, settle

SEGMENT_BYTES = 64 * 1024 * 1024
BALLAST_BYTES = 64 * 1024 * 1024


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
        reread_bytes: int = SEGMENT_BYTES,
        ballast_bytes: int = BALLAST_BYTES,
        pulse: bool = True,
        national: bool = False,
    ) -> None:
        """Opens or makes the log, and reads its newest part: sealed segments of `reread_bytes` at least, and what came after.

        The bytes before are for `rereading` to look at.

        `clock` gives the UTC wall time, `monotonic` nanoseconds; `fence` is the token of the leadership lease. `pulse`
        starts a thread that keeps checkpoints and heartbeats at most 60 seconds apart; without it, call `tick`.
        `national` adds a second tree over the same records by SM3, whose root is signed with the first.
        Raises `AuditUnavailable` (somebody else writes, no room, a shared disk), `AuditDamaged`, `KeyUnknown`.
        """
        self._files = files or RealFiles()
        self._layout = Layout(directory)
        self._ballast_bytes = ballast_bytes
        self._waiting: list[Ticket] = []
        self._waiting_lock = threading.Lock()
        self._writing = threading.RLock()
        self._state, self._why = State.READY, ""
        stamps = Stamps(clock, monotonic, self._files.boot_id(), fence, new_id)
        try:
            self._open(signer, stamps, segment_bytes, reread_bytes, national)
        except (DiskFull, DiskBroken) as error:
            raise AuditUnavailable(f"The audit log cannot be opened: {error}") from error
        self._pulse = Pulse(self.tick) if pulse else None

    # ---------------------------------------------------------------- for callers

    def append(self, entry: Entry) -> Receipt:
        """Durable on return. Raises `AuditUnavailable`: then the effect must not happen.

        Raises `pydantic.ValidationError` for an entry that was made past its own checks (as by `model_copy`).
        """
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[Entry]) -> tuple[Receipt, ...]:
        """Next to each other in the log, by one flush: all acknowledged, or none. Raises like `append`."""
        ticket = Ticket(tuple(Entry.model_validate(entry) for entry in entries))  # here, so that it stops no one else
        with self._waiting_lock:
            self._waiting.append(ticket)
        with self._writing:  # whoever comes first writes for all who wait behind it
            if not ticket.settled:
                self._write_waiting()
        return ticket.result()

    def open_intents(self) -> tuple[Record, ...]:
        """Intents whose outcome is not recorded: at start, what a crash left to be found out."""
        with self._writing:
            return tuple(self._store.tail.open_intents.values())

    def health(self) -> Health:
        """Blocks no longer than a flush. Raises nothing."""
        with self._writing:
            tail = self._store.tail
            return Health(self._state, self._why, tail.size, tail.signed, len(tail.open_intents), self._free_bytes())

    def newest(self) -> SignedCheckpoint | None:
        """The newest signed checkpoint."""
        with self._writing:
            return self._store.tail.newest

    def substance(self) -> int:
        """Sequence after the last record that says more than that the log is alive and its checkpoints published."""
        with self._writing:
            return self._store.tail.substance

    def sealed(self) -> tuple[int, bytes]:
        """How many records lie in sealed segments, removed ones included, and the root over them."""
        with self._writing:
            return self._store.tail.segment, self._store.tail.sealed_root

    @property
    def keyring(self) -> Keyring:
        """The keys of this log, as they were when it was opened."""
        return self._store.tail.keyring

    def leaves(self, start: int) -> Iterator[bytes]:
        """The leaf hashes from a sequence on, up to now. Raises `OSError`."""
        with self._writing:
            first, current = self._store.tail.segment, bytes(self._store.tail.segment_leaves)
        yield from leaves_from(self._files, self._layout, start, first)
        for offset in range(max(start - first, 0) * HASH_BYTES, len(current), HASH_BYTES):
            yield current[offset : offset + HASH_BYTES]

    def distrust(self, why: str) -> None:
        """Accept nothing any more: something elsewhere proves that this is not the log it claims to be."""
        with self._writing:
            self._state, self._why = State.BROKEN, why

    def tick(self) -> None:
        """Signs what is due to be signed; records a heartbeat when nothing else was recorded for a minute.

        Raises `AuditUnavailable` once the log is broken or closed.
        """
        with self._writing:
            if self._state is State.FULL:
                self._guarded(self._resume_if_room)
            elif self._store.silence() >= CHECKPOINT_SECONDS:
                self.append(HEARTBEAT)
            if self._state is State.READY:
                self._guarded(self._store.checkpoint_if_due)

    def sign(self) -> None:
        """Signs what is there now, without waiting for the minute. Raises `AuditUnavailable`."""
        self._now(lambda: self._store.checkpoint())

    def seal(self) -> None:
        """Begins a new segment, so that what was recorded until now can be copied. Raises `AuditUnavailable`."""
        self._now(lambda: self._store.seal())

    def _now(self, action: Callable[[], None]) -> None:
        with self._writing:
            if self._state is State.READY:
                self._guarded(action)
            if self._state is not State.READY:
                raise AuditUnavailable(self._why)

    def close(self) -> None:
        """Signs what is there and lets the next writer in. A second call does nothing."""
        if self._pulse:
            self._pulse.stop()
        with self._writing:
            if self._state in (State.READY, State.FULL):
                self._guarded(self._store.checkpoint)
            if self._state is not State.CLOSED:
                self._state, self._why = State.CLOSED, "The audit log is closed"
                self._store.close()
                self._files.close(self._lock)

    # ---------------------------------------------------------------- opening

    def _open(self, signer: Signer, stamps: Stamps, segment_bytes: int, reread_bytes: int, national: bool) -> None:
        prepare_directories(self._files, self._layout)
        self._lock = take_lock(self._files, self._layout)
        try:
            self._continue_log(signer, stamps, segment_bytes, reread_bytes, national)
        except BaseException:
            self._files.close(self._lock)
            raise

    def _continue_log(
        self, signer: Signer, stamps: Stamps, segment_bytes: int, reread_bytes: int, national: bool
    ) -> None:
        with sorted_errors("cannot read the log"):
            first = first_key(self._files, self._layout, signer.public_key)
            found = recover(
                self._files, self._layout, first, signer.public_key, reread_bytes=reread_bytes, national=national
            )
            write_keyring(self._files, self._layout, found.tail.keyring)
            refuse_other_key(self._layout, found.tail, signer.public_key)
            self._files.reserve(self._layout.ballast, self._ballast_bytes)
        self._store = Store(self._files, self._layout, signer, found.tail, stamps, segment_bytes, reread_bytes)
        if signer.public_key != found.tail.keyring.newest:
            self._store.checkpoint()  # the last one by this key: a crash came between the record of its change and this
            self._store.close()
            raise KeyUnknown("The change of the signing key is not finished. Run again: govcloud audit rotate-key")
        if found.missing_point:
            self._store.keep(found.missing_point)
        if found.torn_bytes:
            self._store.add([event(Action.REPAIR, f"{found.torn_bytes} unfinished bytes were cut off at the end")])

    # ---------------------------------------------------------------- writing

    def _write_waiting(self) -> None:
        with self._waiting_lock:
            tickets, self._waiting = self._waiting, []
        try:
            if self._state is State.FULL:
                self._guarded(self._resume_if_room)
            for batch in batches(tickets):
                self._write(batch)
        finally:
            unsettled = [ticket for ticket in tickets if not ticket.settled]
            if unsettled:  # an exception that nobody foresaw: what reached the disk is not known
                self._break("a write was interrupted")
                refuse(unsettled, self._why)

    def _write(self, tickets: list[Ticket]) -> None:
        refuse([ticket for ticket in tickets if not self._accepts(ticket)], self._why)
        accepted = [ticket for ticket in tickets if not ticket.settled]
        if accepted:
            self._write_accepted(accepted)

    def _accepts(self, ticket: Ticket) -> bool:
        return self._state is State.READY or (self._state is State.FULL and ticket.only_outcomes)

    def _write_accepted(self, tickets: list[Ticket]) -> None:
        try:
            receipts = self._store.add([entry for ticket in tickets for entry in ticket.entries])
        except DiskFull as full:
            self._run_out_of_room(full)
            self._write(tickets)  # what the new state still accepts; broken accepts nothing, so this ends
        except DiskBroken as broken:
            self._break(broken)
            refuse(tickets, self._why)
        else:
            settle(tickets, receipts)
            self._guarded(self._store.checkpoint_if_due)

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
        self._store.add([event(Action.DISABLE, "the disk is full: nothing new is begun until there is room")])
        self._store.checkpoint()

    def _resume_if_room(self) -> None:
        if self._free_bytes() < 2 * self._ballast_bytes:
            return
        with sorted_errors("cannot set space aside again"):
            self._files.reserve(self._layout.ballast, self._ballast_bytes)
        self._state, self._why = State.READY, ""
        self._store.add([event(Action.ENABLE, "there is room again")])

    def _break(self, cause: object) -> None:
        self._state = State.BROKEN
        self._why = f"The audit log is broken: {cause}. See to the disk, then restart the controller"

    def _free_bytes(self) -> int:
        try:
            return self._files.free_bytes(self._layout.directory)
        except OSError:
            return 0
