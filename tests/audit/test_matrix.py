"""Every kind of tampering, at chance places, on a log of three keys, two trees and many segments: both verifiers find it."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from audit.logs import KEY
from audit.test_rotation import changed_twice, newest
from audit.test_tampering import changed, lines_of, relinked, rewrite, segments
from audit.verdicts import agreed

from govcloud.audit.layout import Layout
from govcloud.audit.verify import Result, verify

Tamper = Callable[[list[bytes], int], list[bytes]]

RECORDS = 17
KINDS: dict[str, tuple[Tamper, int]] = {
    # what is done, and how far behind the place the first bad record lies
    "drop": (lambda lines, at: lines[:at] + lines[at + 1 :], 0),
    "swap": (lambda lines, at: [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]], 0),
    "duplicate": (lambda lines, at: [*lines[: at + 1], *lines[at:]], 1),
    "insert": (lambda lines, at: [*lines[:at], changed(lines[at], message="nothing happened"), *lines[at:]], 0),
    "change": (lambda lines, at: [*lines[:at], changed(lines[at], message="nothing happened"), *lines[at + 1 :]], 0),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    audit = changed_twice(tmp_path_factory.mktemp("whole"), national=True, segment_bytes=2_500)
    assert verify(audit, KEY).records == RECORDS
    return audit


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "audit")
    return tmp_path / "audit"


def with_original(copy: Path, whole: Path) -> None:
    shutil.rmtree(copy)
    shutil.copytree(whole, copy)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_done_to_records_is_found_where_it_was_done(kind: str, copy: Path, whole: Path) -> None:
    tamper, behind = KINDS[kind]
    for at in random.Random(kind).sample(range(1, RECORDS - 1), 5):
        rewrite(copy, tamper(lines_of(whole), at))
        report = agreed(copy, KEY)
        assert (report.result, report.first_bad) == (Result.TAMPERED, at + behind), (kind, at, report.what)
        with_original(copy, whole)


def test_a_history_rewritten_with_all_links_mended_is_found(copy: Path, whole: Path) -> None:
    for at in (0, 4, 9, 15):
        lines = lines_of(whole)
        lines[at] = changed(lines[at], message="nothing happened")
        rewrite(copy, relinked(lines))
        report = agreed(copy, KEY)
        assert report.result is Result.TAMPERED
        assert report.first_bad is not None and report.first_bad <= at
        with_original(copy, whole)


def test_every_missing_segment_is_found(copy: Path, whole: Path) -> None:
    for path in segments(copy):
        path.unlink()
        report = agreed(copy, KEY)
        assert (report.result, report.first_bad) == (Result.INCOMPLETE, int(path.stem))
        with_original(copy, whole)


def test_every_shorter_copy_is_found(copy: Path, whole: Path) -> None:
    kept = newest(whole)
    for count in range(1, RECORDS):
        rewrite(copy, lines_of(whole)[:count])
        assert agreed(copy, KEY).result is Result.INCOMPLETE, count
        assert agreed(copy, KEY, kept).result is Result.INCOMPLETE, count
        with_original(copy, whole)


def test_a_flipped_bit_of_any_file_that_is_believed_is_found(copy: Path) -> None:
    chance = random.Random(8)
    layout = Layout(copy)
    for path in (*segments(copy), layout.notes, layout.public_key, *layout.hashes.glob("*.sha256")):
        original = path.read_bytes()
        for position in chance.sample(range(len(original)), 4):
            flipped = bytearray(original)
            flipped[position] ^= 1 << chance.randrange(8)
            path.write_bytes(bytes(flipped))
            report = verify(copy) if path == layout.public_key else verify(copy, KEY)
            assert report.result is not Result.OK, (path.name, position)
        path.write_bytes(original)
    assert agreed(copy, KEY).result is Result.OK
