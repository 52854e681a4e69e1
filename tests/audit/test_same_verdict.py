"""Both verifiers say the same of the same damage: what is no product of a crash was put there, and is tampering."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from audit.logs import KEY, SIGNER, fill, open_log
from audit.test_findings import signed
from audit.test_rotation import NEXT
from audit.test_starting_points import starts
from audit.test_tampering import changed, lines_of
from audit.verdicts import said_offline
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.audit.layout import Layout
from govcloud.audit.notes import Checkpoint, Ed25519Signer, sign
from govcloud.audit.verify import Result, verify

OK, TAMPERED, INCOMPLETE, KEY_UNKNOWN = Result.OK, Result.TAMPERED, Result.INCOMPLETE, Result.KEY_UNKNOWN
Damage = Callable[[Layout], object]
ROOT = "7O1T0aFfiwbmuE2+hZjiJuIOKCnDBUN1E/yr4Oy5u3Q="
"""Of some other log."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty records in several segments."""
    directory = tmp_path_factory.mktemp("whole") / "audit"
    fill(directory, 10, segment_bytes=2_500)
    fill(directory, 10, segment_bytes=2_500)
    return directory


@pytest.fixture
def layout(whole: Path, tmp_path: Path) -> Layout:
    return Layout(shutil.copytree(whole, tmp_path / "audit"))


def behind_the_checkpoints(text: str | bytes) -> Damage:
    added = text.encode() if isinstance(text, str) else text
    return lambda layout: layout.notes.write_bytes(layout.notes.read_bytes() + added)


def behind_the_records(added: bytes) -> Damage:
    def apply(layout: Layout) -> None:
        last = layout.segment(starts(layout.directory)[-1])
        last.write_bytes(last.read_bytes() + added)

    return apply


def in_hashes(change: Callable[[bytes], bytes]) -> Damage:
    def apply(layout: Layout) -> None:
        path = layout.segment_hashes(starts(layout.directory)[1])
        path.write_bytes(change(path.read_bytes()))

    return apply


def in_record(number: int, **fields: object) -> Damage:
    def apply(layout: Layout) -> None:
        path = layout.segment(max(first for first in starts(layout.directory) if first <= number))
        line = lines_of(layout.directory)[number]
        path.write_bytes(path.read_bytes().replace(line, changed(line, **fields)))

    return apply


def without(change: Callable[[Layout], Path]) -> Damage:
    return lambda layout: change(layout).unlink()


NAME = KEY.name
SIGNATURE = "\u2014 " + NAME + " Z5ckW9CCfHYvKQLVRxW9H8ElRtfmcXuZ7wJL91yidDITWFGB1BNMRqBLvFYdRUmz6TrBBWjy/ese9FzUxvJOfI6bBAs="

DAMAGES: dict[str, tuple[Damage, Result]] = {
    "nothing": (lambda layout: None, OK),
    # behind the last checkpoint: only what could have become one
    "the beginning of a name": (behind_the_checkpoints("govcloud"), OK),
    "a name": (behind_the_checkpoints(NAME + "\n"), OK),
    "a size": (behind_the_checkpoints(NAME + "\n21"), OK),
    "a body": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n"), OK),
    "a body and its end": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\n"), OK),
    "half a dash": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\n".encode() + b"\xe2\x80"), OK),
    "half a signature": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\n{SIGNATURE[:40]}"), OK),
    "all but the last line feed": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\n{SIGNATURE}\n"), OK),
    "six lines": (behind_the_checkpoints("more\nand\nmore\nand\nmore\nand more\n"), TAMPERED),
    "an empty line": (behind_the_checkpoints("\n"), TAMPERED),
    "empty lines": (behind_the_checkpoints("\n\n\n"), TAMPERED),
    "a body of one line": (behind_the_checkpoints("a\n\n"), TAMPERED),
    "a body of five lines": (behind_the_checkpoints("1\n2\n3\n4\n5\n\n"), TAMPERED),
    "no signature": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\nsigned"), TAMPERED),
    "two signatures": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\n{SIGNATURE}\n{SIGNATURE}"), TAMPERED),
    "a body that says nothing": (behind_the_checkpoints(f"a\nb\nc\n\n{SIGNATURE}\n"), TAMPERED),
    "a size with a zero before it": (behind_the_checkpoints(f"{NAME}\n021\n{ROOT}\n\n{SIGNATURE}\n\n"), TAMPERED),
    "a short root": (behind_the_checkpoints(f"{NAME}\n21\nAAAA\n\n{SIGNATURE}\n\n"), TAMPERED),
    "a fourth line that is no root": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n{ROOT}\n\n{SIGNATURE}\n\n"), TAMPERED),
    "a checkpoint of too much": (behind_the_checkpoints(f"{NAME}\n21\n{ROOT}\n\n{SIGNATURE}\n\n"), TAMPERED),
    "the last one again": (lambda layout: behind_the_checkpoints(signed(layout.directory, 20).text() + "\n")(layout), TAMPERED),
    "one by a strange key": (lambda layout: behind_the_checkpoints(signed(layout.directory, 20, NEXT).text() + "\n")(layout), TAMPERED),
    # behind the last record
    "a header": (behind_the_records(b"0000"), OK),
    "a line": (behind_the_records(b"garbage\n"), TAMPERED),
    "the last record again": (lambda layout: behind_the_records(lines_of(layout.directory)[-1])(layout), TAMPERED),
    # elsewhere
    "a file of another kind": (lambda layout: (layout.segments / "notes.log").write_text("x"), OK),
    "a file of another number": (lambda layout: (layout.segments / "7.log").write_text("x"), OK),
    "another hash": (in_hashes(lambda data: bytes(32) + data[32:]), TAMPERED),
    "a hash too few": (in_hashes(lambda data: data[:-32]), TAMPERED),
    "a hash too many": (in_hashes(lambda data: data + bytes(32)), TAMPERED),
    "half a hash": (in_hashes(lambda data: data[:-16]), TAMPERED),
    "no keyring": (without(lambda layout: layout.keyring), OK),
    "no hashes": (without(lambda layout: layout.segment_hashes(0)), OK),
    "no checkpoints": (without(lambda layout: layout.notes), INCOMPLETE),
    "a missing segment": (without(lambda layout: layout.segment(starts(layout.directory)[1])), INCOMPLETE),
    "a changed record": (in_record(7, message="x"), TAMPERED),
    "a record of another place": (in_record(7, sequence=8), TAMPERED),
    "nodes and starting points": (lambda layout: (shutil.rmtree(layout.trees), shutil.rmtree(layout.starts)), OK),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_the_verdict_is_the_same(layout: Layout, what: str) -> None:
    damage, result = DAMAGES[what]
    damage(layout)
    report, offline = verify(layout.directory, KEY), said_offline(layout.directory, KEY)
    assert (report.result, offline.code) == (result, result.exit_code), (report.what, offline.what)
    assert None in (report.first_bad, offline.first_bad) or report.first_bad == offline.first_bad, (report.what, offline.what)


@pytest.mark.parametrize(
    ("size", "root", "result"),
    [
        (0, sha256(b"").digest(), OK),
        (0, bytes(32), TAMPERED),
        (5, bytes(32), TAMPERED),
        (20, bytes(32), TAMPERED),
        (21, bytes(32), INCOMPLETE),
    ],
)
def test_of_a_kept_checkpoint_of_any_size_they_say_the_same(layout: Layout, size: int, root: bytes, result: Result) -> None:
    kept = sign(Checkpoint(KEY.name, size, root), SIGNER)
    report, offline = verify(layout.directory, KEY, kept), said_offline(layout.directory, KEY, kept)
    assert (report.result, offline.code) == (result, result.exit_code), (report.what, offline.what)
    assert None in (report.first_bad, offline.first_bad) or report.first_bad == offline.first_bad, (report.what, offline.what)


@pytest.mark.parametrize("line", ["\u2014 witness", "\u2014 witness AAAA more", "- witness AAAA", "\u2014 witness !"])
def test_a_line_that_is_no_signature_makes_a_checkpoint_bad(layout: Layout, line: str) -> None:
    layout.notes.write_text(layout.notes.read_text().replace("\n\n\u2014", f"\n\n{line}\n\u2014"))
    report, offline = verify(layout.directory, KEY), said_offline(layout.directory, KEY)
    assert (report.result, offline.code) == (TAMPERED, TAMPERED.exit_code), (report.what, offline.what)


def test_a_key_with_a_plus_in_its_base64_is_read_whole(tmp_path: Path) -> None:
    signer = Ed25519Signer(KEY.name, Ed25519PrivateKey.from_private_bytes(bytes([19]) * 32))
    assert signer.public_key.text().count("+") == 4
    fill(tmp_path / "audit", 3, signer=signer)
    assert said_offline(tmp_path / "audit", signer.public_key).code == 0


PIECES = st.sampled_from(
    [NAME, "govcloud", "\n", "21", "021", "99", ROOT, ROOT[:20], "sm3 ", "sm", "\u2014 ", SIGNATURE, SIGNATURE[:30], "junk", "\n\n", " "]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=9).map("".join), st.integers(min_value=0, max_value=2))
def test_so_it_is_whatever_follows_the_last_checkpoint(text: str, cut: int) -> None:
    with TemporaryDirectory() as directory:
        layout = Layout(Path(directory) / "audit")
        open_log(layout.directory).close()
        added = text.encode()
        layout.notes.write_bytes(added[: len(added) - cut])
        report, offline = verify(layout.directory, KEY), said_offline(layout.directory, KEY)
        assert offline.code == report.result.exit_code, (report.what, offline.what)
