"""A witness: remembers the newest checkpoint of each log, and signs a newer one only if it continues that one.

Source: C2SP tlog-witness, `add-checkpoint`. Meant to run where those who run the logs cannot write. It never sees a
record. Its memory is one file a log, durable before the answer: a witness that forgets would sign a second history.
Never here: HTTP.
"""

import threading
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from .cosignatures import cosign
from .files import FileSystem, RealFiles, write_atomically
from .merkle import is_consistent
from .notes import BadNote, PublicKey, SignedCheckpoint, Signer, parse

MOST_PROOF_LINES = 63
PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str
    content_type: str = PLAIN


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint, and the proof that the first `old` leaves of its tree are those of the checkpoint known before."""

    old: int
    proof: tuple[bytes, ...]
    signed: SignedCheckpoint

    def body(self) -> str:
        """As it is sent."""
        lines = [f"old {self.old}\n", *(f"{b64encode(node).decode()}\n" for node in self.proof), "\n"]
        return "".join(lines) + self.signed.text()

    @classmethod
    def parse(cls, body: bytes) -> "Submission":
        """Raises `BadSubmission`; anything but exactly the text that would be written is bad."""
        try:
            text = body.decode()
            head, _, note = text.partition("\n\n")
            first, *lines = head.split("\n")
            proof = tuple(b64decode(line, validate=True) for line in lines)
            submission = cls(int(first.removeprefix("old ")), proof, parse(note))
        except (ValueError, Base64Error, BadNote) as error:
            raise BadSubmission(f"this is not a submission: {error}") from error
        if submission.body() != text or submission.old < 0 or len(proof) > MOST_PROOF_LINES or any(len(node) != 32 for node in proof):
            raise BadSubmission("the submission is not in its one canonical form")
        return submission


class BadSubmission(ValueError):
    """The body is not what C2SP tlog-witness describes."""


class Refused(Exception):
    """A submission is not signed; `answer` says why."""

    def __init__(self, status: int, body: str, content_type: str = PLAIN) -> None:
        super().__init__(body)
        self.answer = Answer(status, f"{body}\n", content_type)


class Witness:
    """One witness for some logs. Thread-safe."""

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        logs: Iterable[PublicKey],
        clock: Callable[[], datetime],
        files: FileSystem | None = None,
    ) -> None:
        """`logs`: the keys of the logs; a log that changed its key has several. Raises `OSError`."""
        self._directory, self._signer, self._clock = directory, signer, clock
        self._files = files or RealFiles()
        self._files.make_directory(directory)
        self._logs: dict[str, list[PublicKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._lock = threading.Lock()  # looking what is known and remembering what is signed are one step

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to `POST /add-checkpoint`. Raises `OSError` when nothing can be remembered: then nothing is signed."""
        try:
            submission = Submission.parse(body)
            self._check_signature(submission.signed)
            with self._lock:
                self._check_growth(submission)
                return Answer(200, self._remember(submission.signed))
        except BadSubmission as bad:
            return Answer(400, f"{bad}\n")
        except Refused as refused:
            return refused.answer

    def newest(self, origin_hash: str) -> Answer:
        """The answer to `GET /<SHA-256 of the origin>/checkpoint`: what was signed last, with both signatures."""
        for origin in self._logs:
            if sha256(origin.encode()).hexdigest() == origin_hash and (known := self._known(origin)):
                return Answer(200, known.text())
        return Answer(404, "no checkpoint of such a log was signed here\n")

    def _check_signature(self, signed: SignedCheckpoint) -> None:
        origin = signed.checkpoint.origin
        keys = self._logs.get(origin)
        if keys is None:
            raise Refused(404, f"the log {origin} is not known here")
        claimed = [key for key in keys if key.claimed(signed)]
        if not claimed or not all(key.verify(signed) for key in claimed):
            raise Refused(403, f"the checkpoint is not signed by a known key of {origin}")

    def _check_growth(self, submission: Submission) -> None:
        new, old = submission.signed.checkpoint, submission.old
        if old > new.size:
            raise Refused(400, f"the old size {old} is larger than the new one {new.size}")
        known = self._known(new.origin)
        size, root = (known.checkpoint.size, known.checkpoint.root) if known else (0, b"")
        if old != size:
            raise Refused(409, str(size), SIZE)
        if old == new.size and known and root != new.root:
            raise Refused(409, f"another tree of {size} records was signed here before")
        if not _continues(size, root, new.size, new.root, submission.proof):
            raise Refused(422, f"the proof does not lead from {size} records to {new.size}")

    def _remember(self, signed: SignedCheckpoint) -> str:
        signature = cosign(signed.checkpoint, self._signer, self._clock())
        keys = self._logs[signed.checkpoint.origin]
        mine = tuple(one for one in signed.signatures if any(one in key.claimed(signed) for key in keys))
        whole = SignedCheckpoint(signed.checkpoint, (*mine, signature))
        write_atomically(self._files, self._path(signed.checkpoint.origin), whole.text().encode())
        return signature.line()

    def _known(self, origin: str) -> SignedCheckpoint | None:
        path = self._path(origin)
        if not self._files.exists(path):
            return None
        with self._files.open_for_reading(path) as stream:
            return parse(stream.read().decode())

    def _path(self, origin: str) -> Path:
        return self._directory / f"{sha256(origin.encode()).hexdigest()}.checkpoint"


def _continues(old: int, old_root: bytes, new: int, new_root: bytes, proof: tuple[bytes, ...]) -> bool:
    """Nothing is continued by anything, without a proof."""
    if old == 0:
        return not proof and (new > 0 or new_root == sha256(b"").digest())
    return is_consistent(old, old_root, new, new_root, proof)
