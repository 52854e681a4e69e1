"""The log's side of a witness: submits checkpoints with their proofs, and believes only a signature that it has checked.

Source: C2SP tlog-witness. `GET <url>/<SHA-256 of the origin>/checkpoint` is an addition that some witnesses have; ours does.
"""

from __future__ import annotations

import hashlib

import requests

from govcloud.audit.consistency import Prover
from govcloud.audit.cosignatures import COSIGNATURE, cosigned_at
from govcloud.audit.notes import BadNote, PublicKey, SignedCheckpoint, parse
from govcloud.audit.publishing import PlaceUnavailable
from govcloud.audit.witness import SIZE, Submission

_TIMEOUTS = (5.0, 30.0)
_MOST_BYTES = 64 * 1024


class WitnessClient:
    """A `govcloud.audit.publishing.Cosigner`.

    Args:
        url: what comes before `/add-checkpoint`.
        key: the witness's verifier key, `name+id+base64(0x04 || key)`.
        origin: name of the log.

    Raises:
        KeyUnknown: the key cannot be read.
    """

    name = "the witness"
    keeps_all = False

    def __init__(self, url: str, key: str, origin: str) -> None:
        self._url = url.rstrip("/")
        self._key = PublicKey.parse(key, COSIGNATURE)
        self._log = hashlib.sha256(origin.encode()).hexdigest()
        self._known = 0

    def newest(self) -> str | None:
        """What it cosigned last, where it tells; what it knows is the witness's word, what it proves is in the log's signature."""
        answer = self._ask("GET", f"{self._url}/{self._log}/checkpoint")
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise PlaceUnavailable(_told(answer))
        return answer.text

    def cosign(self, signed: SignedCheckpoint, prover: Prover) -> SignedCheckpoint:
        """Submit a checkpoint; a witness that knows another size than we thought is asked again from there."""
        answer = self._submit(signed, prover)
        if answer.status_code == 409 and answer.headers.get("Content-Type") == SIZE:
            self._known = _size_in(answer)
            answer = self._submit(signed, prover)
        if answer.status_code != 200:
            raise PlaceUnavailable(_told(answer))
        self._known = signed.checkpoint.size
        return self._with_cosignature(signed, answer.text)

    def _submit(self, signed: SignedCheckpoint, prover: Prover) -> requests.Response:
        try:
            proof = prover.proof(self._known, signed.checkpoint.size)
        except (OSError, ValueError) as error:
            raise PlaceUnavailable(f"it has signed {self._known} records, and no proof leads from there: {error}") from error
        body = Submission(self._known, proof, signed).body().encode()
        return self._ask("POST", f"{self._url}/add-checkpoint", body)

    def _with_cosignature(self, signed: SignedCheckpoint, lines: str) -> SignedCheckpoint:
        try:
            answered = parse(signed.text() + lines)
        except BadNote as bad:
            raise PlaceUnavailable(f"its answer is no signature: {bad}") from bad
        if cosigned_at(answered, self._key) is None:
            raise PlaceUnavailable(f"its answer is not signed by the key that was set, {self._key.name}")
        return SignedCheckpoint(signed.checkpoint, (*signed.signatures, *self._key.claimed(answered)))

    def _ask(self, method: str, url: str, body: bytes | None = None) -> requests.Response:
        try:
            answer = requests.request(method, url, data=body, timeout=_TIMEOUTS, allow_redirects=False)
        except requests.RequestException as error:
            raise PlaceUnavailable(f"{method} {url}: {type(error).__name__}") from error
        if len(answer.content) > _MOST_BYTES:
            raise PlaceUnavailable(f"{method} {url}: the answer is too long")
        answer.encoding = "utf-8"
        return answer


def _size_in(answer: requests.Response) -> int:
    try:
        return int(answer.text)
    except ValueError as error:
        raise PlaceUnavailable("its conflict names no size") from error


def _told(answer: requests.Response) -> str:
    return f"it answered {answer.status_code}: {' '.join(answer.text.split())[:200]}"
