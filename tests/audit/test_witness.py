"""A witness signs one history of a log only: over real HTTP, across crashes and restarts."""

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from audit.logs import KEY, SIGNER, QuickFiles
from audit.test_rotation import NEXT, THIEF
from audit.trees import tree_over
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from devcloud.patience import PATIENCE
from govcloud.adapters.witness_client import WitnessClient
from govcloud.audit.consistency import Prover
from govcloud.audit.cosignatures import COSIGNATURE, cosign, cosigned_at
from govcloud.audit.errors import KeyUnknown
from govcloud.audit.merkle import leaf_hash
from govcloud.audit.notes import Checkpoint, Ed25519Signer, PublicKey, SignedCheckpoint, Signer, parse, sign
from govcloud.audit.publishing import PlaceUnavailable
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.witness import SIZE, BadSubmission, Submission, Witness
from govcloud.cli.witness import serve

NOW = datetime(2026, 5, 1, 8, 0, 0, tzinfo=UTC)
AUDITOR = Ed25519Signer("audit.example.gov.cn", Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32), COSIGNATURE)
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
FORK = [*LEAVES[:10], *(leaf_hash(bytes([number, 1])) for number in range(30))]


def signed(size: int, leaves: list[bytes] = LEAVES, signer: Signer = SIGNER, name: str = KEY.name) -> SignedCheckpoint:
    return sign(Checkpoint(name, size, tree_over(leaves).root(size)), signer)


def submission(old: int, size: int, leaves: list[bytes] = LEAVES, signer: Signer = SIGNER) -> Submission:
    proof = tree_over(leaves).consistency_proof(old, size) if 0 < old < size else ()
    return Submission(old, proof, signed(size, leaves, signer))


def witness(directory: Path, files: QuickFiles | None = None, logs: tuple[PublicKey, ...] = (KEY,)) -> Witness:
    return Witness(directory, AUDITOR, logs, lambda: NOW, files or QuickFiles())


@contextmanager
def answering(one: Witness) -> Iterator[str]:
    server = serve("127.0.0.1:0", one)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with answering(witness(tmp_path / "witness")) as where:
        yield where


def post(url: str, what: Submission | bytes) -> requests.Response:
    body = what if isinstance(what, bytes) else what.body().encode()
    return requests.post(f"{url}/add-checkpoint", data=body, timeout=PATIENCE)


def test_the_first_checkpoint_of_a_log_is_signed_without_a_proof(url: str) -> None:
    answer = post(url, submission(0, 7))
    assert answer.status_code == 200
    whole = parse(signed(7).text() + answer.content.decode())
    assert cosigned_at(whole, AUDITOR.public_key) == NOW
    assert KEY.verify(whole), "the log's own signature is still there"


def test_a_longer_log_is_signed_with_its_proof_and_a_shorter_never_again(url: str) -> None:
    assert post(url, submission(0, 7)).status_code == 200
    assert post(url, submission(7, 30)).status_code == 200
    for old, new in ((0, 7), (7, 20), (0, 30)):
        answer = post(url, submission(old, new))
        assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (409, "30\n", SIZE)
    assert post(url, Submission(30, (), signed(20))).status_code == 400


def test_what_was_signed_is_signed_again_for_a_log_that_did_not_get_the_answer(url: str) -> None:
    for old in (0, 7, 7):
        assert post(url, submission(old, 7)).status_code == 200


def test_a_fork_is_refused_with_and_without_a_proof(url: str) -> None:
    assert post(url, submission(0, 20)).status_code == 200
    same_size = post(url, submission(20, 20, FORK))
    assert (same_size.status_code, "another tree" in same_size.text) == (409, True)
    assert post(url, submission(20, 30, FORK)).status_code == 422
    assert post(url, Submission(20, submission(20, 30).proof, signed(30, FORK))).status_code == 422
    assert post(url, Submission(20, (), signed(30))).status_code == 422
    assert post(url, Submission(20, (bytes(32),), signed(20))).status_code == 422
    assert post(url, submission(20, 30)).status_code == 200, "and the refusals changed nothing"


def test_every_refusal_says_why(tmp_path: Path) -> None:
    one = witness(tmp_path / "witness")
    other = "another/log"
    for what, status, said in (
        (b"", 400, "this is not a submission: invalid literal for int() with base 10: ''\n"),
        (submission(0, 7).body().replace("old 0", "old 00").encode(), 400, "the submission is not in its one canonical form\n"),
        (Submission(0, (), signed(7, name=other)).body().encode(), 404, f"the log {other} is not known here\n"),
        (submission(0, 7, signer=THIEF).body().encode(), 403, f"the checkpoint is not signed by a known key of {KEY.name}\n"),
        (Submission(8, (), signed(7)).body().encode(), 400, "the old size 8 is larger than the new one 7\n"),
        (submission(3, 7).body().encode(), 409, "0\n"),
        (submission(0, 20).body().encode(), 200, None),
        (submission(20, 20, FORK).body().encode(), 409, "another tree of 20 records was signed here before\n"),
        (submission(20, 30, FORK).body().encode(), 422, "the proof does not lead from 20 records to 30\n"),
    ):
        answer = one.add_checkpoint(what)
        assert (answer.status, answer.body) == (status, said or answer.body)
        assert answer.content_type == ("text/x.tlog.size" if said == "0\n" else "text/plain; charset=utf-8")
    assert one.newest("0" * 64).body == "no checkpoint of such a log was signed here\n"
    assert one.newest(sha256(KEY.name.encode()).hexdigest()).status == 200


def test_the_first_checkpoint_has_no_proof(url: str) -> None:
    assert post(url, Submission(0, (bytes(32),), signed(7))).status_code == 422


def test_an_empty_log_has_the_empty_root(url: str) -> None:
    assert post(url, Submission(0, (), sign(Checkpoint(KEY.name, 0, bytes(32)), SIGNER))).status_code == 422
    empty = sign(Checkpoint(KEY.name, 0, sha256(b"").digest()), SIGNER)
    assert post(url, Submission(0, (), empty)).status_code == 200


def test_keys_decide(url: str) -> None:
    assert post(url, submission(0, 7, signer=THIEF)).status_code == 403
    assert post(url, Submission(0, (), signed(7, name="another/log"))).status_code == 404
    right = signed(7).signatures[0]
    lying = SignedCheckpoint(signed(8).checkpoint, (right,))
    assert post(url, Submission(0, (), lying)).status_code == 403


def test_a_wrong_signature_by_a_known_key_is_not_outweighed_by_a_right_one(tmp_path: Path) -> None:
    one = witness(tmp_path, logs=(KEY, NEXT.public_key))
    right, wrong = signed(7, signer=NEXT), signed(8).signatures[0]
    both = SignedCheckpoint(right.checkpoint, (*right.signatures, wrong))
    assert one.add_checkpoint(Submission(0, (), both).body().encode()).status == 403
    assert one.add_checkpoint(Submission(0, (), right).body().encode()).status == 200


def test_a_log_that_changed_its_key_is_still_the_same_log(tmp_path: Path) -> None:
    one = witness(tmp_path, logs=(KEY, NEXT.public_key))
    assert one.add_checkpoint(submission(0, 12).body().encode()).status == 200
    assert one.add_checkpoint(submission(12, 20, FORK, NEXT).body().encode()).status == 422
    assert one.add_checkpoint(submission(12, 20, signer=NEXT).body().encode()).status == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: body[:-1],
        lambda body: body.replace(b"old 7", b"old 07"),
        lambda body: body.replace(b"old 7", b"old -7"),
        lambda body: body.replace(b"old 7", b"old\t7"),
        lambda body: body.replace(b"old 7\n", b"old 7\nAAAA\n"),
        lambda body: body.replace(b"old 7\n", b"old 7\n" + (b64encode(bytes(32)) + b"\n") * 64),
        lambda body: body.replace(b"\n\n", b"\n", 1),
        lambda body: b"\xff" + body,
        lambda body: body.replace(b"\n7", b"\n07"),
    ],
)
def test_what_is_no_submission_is_said_so(url: str, change: Callable[[bytes], bytes]) -> None:
    assert post(url, change(Submission(7, (), signed(7)).body().encode())).status_code == 400


def test_other_paths_and_long_bodies_are_refused(url: str) -> None:
    assert requests.post(f"{url}/sign-subtree", data=b"", timeout=PATIENCE).status_code == 404
    assert requests.get(f"{url}/add-checkpoint", timeout=PATIENCE).status_code == 404
    assert requests.post(f"{url}/add-checkpoint", data=b"x" * 70_000, timeout=PATIENCE).status_code == 413
    assert requests.post(f"{url}/add-checkpoint", data=iter([b"x"]), timeout=PATIENCE).status_code == 413


def test_the_newest_signed_checkpoint_can_be_fetched(url: str) -> None:
    where = f"{url}/{sha256(KEY.name.encode()).hexdigest()}/checkpoint"
    assert requests.get(where, timeout=PATIENCE).status_code == 404
    post(url, submission(0, 7))
    note = parse(requests.get(where, timeout=PATIENCE).content.decode())
    assert (note.checkpoint, cosigned_at(note, AUDITOR.public_key)) == (signed(7).checkpoint, NOW)
    assert requests.get(f"{url}/{'0' * 64}/checkpoint", timeout=PATIENCE).status_code == 404


def test_a_witness_that_is_started_again_remembers(tmp_path: Path) -> None:
    assert witness(tmp_path).add_checkpoint(submission(0, 7).body().encode()).status == 200
    assert witness(tmp_path).add_checkpoint(submission(0, 20, FORK).body().encode()).body == "7\n"


class Torn(QuickFiles):
    """Fails at the n-th call that changes something."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(5, "gone")

    def write(self, descriptor: int, data: bytes) -> int:
        self._count()
        return super().write(descriptor, data)

    def flush(self, descriptor: int) -> None:
        self._count()

    def rename(self, source: Path, destination: Path) -> None:
        self._count()
        super().rename(source, destination)

    def flush_directory(self, path: Path) -> None:
        self._count()


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_what_could_not_be_remembered_is_not_signed(tmp_path: Path, calls: int) -> None:
    assert witness(tmp_path).add_checkpoint(submission(0, 12).body().encode()).status == 200
    with answering(witness(tmp_path, Torn(calls))) as url:
        assert post(url, submission(12, 20)).status_code == 500
    after = witness(tmp_path)  # a crash between the write and the answer: either size may be known, no other tree
    known = parse(after.newest(sha256(KEY.name.encode()).hexdigest()).body).checkpoint.size
    assert known in (12, 20)
    assert after.add_checkpoint(submission(known, 30, FORK).body().encode()).status == 422
    assert after.add_checkpoint(submission(known, 30).body().encode()).status == 200


def test_a_witness_whose_memory_is_damaged_signs_nothing(tmp_path: Path) -> None:
    one = witness(tmp_path)
    one.add_checkpoint(submission(0, 7).body().encode())
    next(tmp_path.glob("*.checkpoint")).write_text("scribbled over")
    with answering(one) as url:
        assert post(url, submission(0, 7)).status_code == 500


def test_of_two_branches_at_once_one_is_signed(tmp_path: Path) -> None:
    one, statuses = witness(tmp_path), list[int]()
    one.add_checkpoint(submission(0, 10).body().encode())
    ready = threading.Barrier(2)

    def submit(leaves: list[bytes]) -> None:
        ready.wait()
        statuses.append(one.add_checkpoint(submission(10, 30, leaves).body().encode()).status)

    threads = [threading.Thread(target=submit, args=(leaves,)) for leaves in (LEAVES, FORK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_bytes_upset_the_reading(body: bytes) -> None:
    with suppress(BadSubmission):
        assert Submission.parse(body).body().encode() == body


def test_a_cosignature_is_the_published_construction() -> None:
    """C2SP tlog-cosignature: the time in front, and the signature over both header lines and the body."""
    checkpoint = signed(7).checkpoint
    line = cosign(checkpoint, AUDITOR, NOW)
    seconds = int(NOW.timestamp())
    assert line.signature[:8] == seconds.to_bytes(8, "big")
    message = f"cosignature/v1\ntime {seconds}\n{checkpoint.body()}".encode()
    assert AUDITOR.public_key.fits(message, line.signature[8:])
    name, raw = AUDITOR.public_key.name, AUDITOR.public_key.raw
    assert line.key_id == sha256(name.encode() + b"\n\x04" + raw).digest()[:4]
    moved = line.signature[:7] + bytes([line.signature[7] ^ 1]) + line.signature[8:]
    assert cosigned_at(SignedCheckpoint(checkpoint, (type(line)(line.name, line.key_id, moved),)), AUDITOR.public_key) is None


@pytest.mark.parametrize(("moment", "counts"), [("1970-01-01T00:00:00Z", False), ("1970-01-01T00:00:01Z", True), ("9999-12-31T23:59:59Z", True)])
def test_a_cosignature_without_a_time_is_none(moment: str, counts: bool) -> None:
    at = datetime.fromisoformat(moment)
    checkpoint = signed(7).checkpoint
    whole = SignedCheckpoint(checkpoint, (cosign(checkpoint, AUDITOR, at),))
    assert cosigned_at(whole, AUDITOR.public_key) == (at if counts else None)


def test_the_key_of_a_witness_is_of_its_own_type(tmp_path: Path) -> None:
    signer = load_or_create_signer(tmp_path / "key", "audit.example.gov.cn", COSIGNATURE)
    assert PublicKey.parse(signer.public_key.text(), COSIGNATURE) == signer.public_key
    with pytest.raises(KeyUnknown):
        PublicKey.parse(signer.public_key.text())
    with pytest.raises(KeyUnknown):
        load_or_create_signer(tmp_path / "key")


# ---------------------------------------------------------------- the log's side


def client(url: str, key: PublicKey = AUDITOR.public_key) -> WitnessClient:
    return WitnessClient(url + "/", key.text(), KEY.name)


def prover(leaves: list[bytes] = LEAVES) -> Prover:
    return Prover(lambda start: iter(leaves[start:]))


def test_the_log_gets_its_checkpoints_signed_one_after_the_other(url: str) -> None:
    mine = client(url)
    assert mine.newest() is None
    for size in (3, 3, 8, 39):
        whole = mine.cosign(signed(size), prover())
        assert (whole.checkpoint, cosigned_at(whole, AUDITOR.public_key)) == (signed(size).checkpoint, NOW)
    assert parse(mine.newest() or "").checkpoint.size == 39
    assert cosigned_at(client(url).cosign(signed(40), prover()), AUDITOR.public_key), "a new process learns where to go on"


def test_a_log_that_was_rolled_back_or_forked_gets_no_signature(url: str) -> None:
    client(url).cosign(signed(20), prover())
    with pytest.raises(PlaceUnavailable, match="no proof leads"):
        client(url).cosign(signed(15), prover())
    with pytest.raises(PlaceUnavailable, match="422"):
        client(url).cosign(signed(30, FORK), prover(FORK))


def test_only_the_key_that_was_set_is_believed(url: str) -> None:
    other = Ed25519Signer(AUDITOR.public_key.name, Ed25519PrivateKey.generate(), COSIGNATURE).public_key
    with pytest.raises(PlaceUnavailable, match="not signed by the key"):
        client(url, other).cosign(signed(7), prover())


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (200, "text/plain", b"", "not signed by the key"),
        (200, "text/plain", b"hello\n", "no signature"),
        (200, "text/plain", "— audit.example.gov.cn AAAA\n".encode(), "not signed by the key"),
        (409, SIZE, b"many\n", "names no size"),
        (409, SIZE, b"900\n", "no proof leads"),
        (302, "text/plain", b"elsewhere", "302"),
        (500, "text/plain", b"out\nof order", "500: out of order"),
        (200, "text/plain", b"x" * 70_000, "too long"),
    ],
)
def test_a_witness_that_answers_otherwise_is_unavailable(status: int, kind: str, body: bytes, said: str) -> None:
    with saying(status, kind, body) as url, pytest.raises(PlaceUnavailable, match=said):
        client(url).cosign(signed(7), prover())


def test_a_witness_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(PlaceUnavailable, match="ConnectionError"):
        client("http://127.0.0.1:9").newest()
    with saying(503, "text/plain", b"later") as url, pytest.raises(PlaceUnavailable, match="503"):
        client(url).newest()


@contextmanager
def saying(status: int, kind: str, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
