"""Whatever is done to a stored log is found, by both verifiers, and the first bad record is named."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from audit.logs import KEY, SIGNER, Time, event, fill, intent, open_log
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from govcloud.audit import verify_offline
from govcloud.audit.errors import AuditDamaged
from govcloud.audit.files import RealFiles
from govcloud.audit.frames import decode, encode
from govcloud.audit.layout import Layout
from govcloud.audit.merkle import GrowingTree, leaf_hash
from govcloud.audit.notes import Checkpoint, Ed25519Signer, SignedCheckpoint, newest_note, sign
from govcloud.audit.reader import Damage, read_segment
from govcloud.audit.verify import Report, Result, verify

RECORDS = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed log of several segments, with checkpoints in between."""
    directory = tmp_path_factory.mktemp("whole") / "audit"
    for part in (17, 20, RECORDS - 37):  # three lives of the writer, each signed at its end
        fill(directory, part, segment_bytes=6_000)
    return directory


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "audit")
    return tmp_path / "audit"


def offline(directory: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, int | None]:
    key = directory.parent / "key"
    key.write_text(KEY.text())
    code = verify_offline.main(["log", str(directory), "--key", str(key), *more])
    return code, json.loads(capsys.readouterr().out)["first_bad"]


def segments(directory: Path) -> list[Path]:
    return sorted(Layout(directory).segments.iterdir())


def lines_of(directory: Path) -> list[bytes]:
    return [line for path in segments(directory) for line in path.read_bytes().splitlines(keepends=True)]


def rewrite(directory: Path, lines: list[bytes]) -> None:
    """All records into one segment; the hashes that were kept go with the segments."""
    for path in (*segments(directory), *Layout(directory).hashes.iterdir()):
        path.unlink()
    Layout(directory).segment(0).write_bytes(b"".join(lines))


def changed(line: bytes, **fields: object) -> bytes:
    """The record with other content and a right checksum, as a careful forger writes it."""
    content = json.loads(decode(line)) | fields
    return encode(json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode())


def relinked(lines: list[bytes]) -> list[bytes]:
    """All links mended, as an even more careful forger does."""
    prev, mended = "0" * 64, []
    for number, line in enumerate(lines):
        mended.append(changed(line, prev=prev, sequence=number, commit=number))
        prev = leaf_hash(decode(mended[-1])).hex()
    return mended


def newest(directory: Path) -> SignedCheckpoint:
    with Layout(directory).notes.open("rb") as stream:
        note, _ = newest_note(stream)
    assert note is not None
    return note


def test_a_clean_log_raises_no_alarm(whole: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = verify(whole, KEY)
    assert (report.result, report.first_bad, report.records, report.signed) == (Result.OK, None, RECORDS, RECORDS)
    assert report.checkpoints > 3
    assert report.root == newest(whole).checkpoint.root.hex()
    assert offline(whole, capsys) == (0, None)


def positions(directory: Path) -> Iterator[tuple[Path, int, int]]:
    """Every byte of every segment, with the record it belongs to."""
    index = 0
    for path in segments(directory):
        offset = 0
        for line in path.read_bytes().splitlines(keepends=True):
            for position in range(offset, offset + len(line)):
                yield path, position, index
            offset += len(line)
            index += 1


def flip(path: Path, position: int, bit: int) -> Callable[[], None]:
    data = bytearray(path.read_bytes())
    original = bytes(data)
    data[position] ^= 1 << bit
    path.write_bytes(data)
    return lambda: _write_back(path, original)


def _write_back(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def assert_flip_is_found(directory: Path, path: Path, position: int, index: int, bit: int) -> None:
    undo = flip(path, position, bit)
    report = verify(directory, KEY)
    undo()
    assert report.result is not Result.OK, f"bit {bit} of byte {position} of {path.name}"
    assert report.first_bad == index, f"bit {bit} of byte {position} of {path.name}: {report.what}"


def test_sampled_flipped_bits_are_found_in_the_right_record(copy: Path) -> None:
    chance = random.Random(20260501)
    for path, position, index in chance.sample(list(positions(copy)), 120):
        assert_flip_is_found(copy, path, position, index, chance.randrange(8))


def test_flipped_bytes_of_the_last_record_are_found(copy: Path) -> None:
    for path, position, index in [p for p in positions(copy) if p[2] == RECORDS - 1][::9]:
        assert_flip_is_found(copy, path, position, index, position % 8)


class InMemory(RealFiles):
    """A disk on which every file has this content."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def open_for_reading(self, path: Path) -> BinaryIO:
        return BytesIO(self.content)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed log of 1,000 records in some hundred segments."""
    directory = tmp_path_factory.mktemp("thousand") / "audit"
    fill(directory, 1_000, segment_bytes=6_000)
    return directory


@pytest.mark.soak
def test_every_flipped_byte_of_a_thousand_records_is_found_in_the_right_record(thousand: Path) -> None:
    """Reading stops at the flipped record, in whichever segment it lies; what reading finds, the verifier reports as it is."""
    chance, flipped = random.Random(1), 0
    for path, position, index in positions(thousand):
        bad = bytearray(path.read_bytes())
        bad[position] ^= 1 << chance.randrange(8)
        with pytest.raises(Damage) as found:
            list(read_segment(InMemory(bytes(bad)), path, int(path.stem), last=False))
        assert found.value.index == index, f"byte {position} of {path.name}"
        flipped += 1
    assert flipped == sum(path.stat().st_size for path in segments(thousand))


@pytest.mark.soak
def test_three_thousand_flipped_bytes_of_a_thousand_records_are_reported_by_both_verifiers(
    thousand: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(2)
    for path, position, index in chance.sample(list(positions(thousand)), 3_000):
        undo = flip(path, position, chance.randrange(8))
        report, said = verify(thousand, KEY), offline(thousand, capsys)
        undo()
        assert (report.result, report.first_bad) == (Result.TAMPERED, index), f"byte {position} of {path.name}: {report.what}"
        assert said == (1, index), f"byte {position} of {path.name}"


def test_flipped_bytes_of_checkpoints_and_kept_hashes_are_found(copy: Path) -> None:
    chance = random.Random(3)
    for path in (Layout(copy).notes, *Layout(copy).hashes.iterdir()):
        for position in chance.sample(range(path.stat().st_size), 15):
            undo = flip(path, position, chance.randrange(8))
            assert verify(copy, KEY).result is not Result.OK, f"byte {position} of {path.name}"
            undo()
    assert verify(copy, KEY).result is Result.OK


@pytest.mark.parametrize("index", [0, 1, 16, 17, 30, 58])
def test_a_dropped_record_is_missed(copy: Path, index: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(copy)
    rewrite(copy, lines[:index] + lines[index + 1 :])
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.TAMPERED, index)
    assert offline(copy, capsys) == (1, index)


@pytest.mark.parametrize("index", [0, 16, 30, 58])
def test_swapped_records_are_found(copy: Path, index: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(copy)
    lines[index], lines[index + 1] = lines[index + 1], lines[index]
    rewrite(copy, lines)
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.TAMPERED, index)
    assert offline(copy, capsys) == (1, index)


@pytest.mark.parametrize("index", [0, 16, 30, 59])
def test_a_duplicated_record_is_found(copy: Path, index: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(copy)
    rewrite(copy, [*lines[: index + 1], *lines[index:]])
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.TAMPERED, index + 1)
    assert offline(copy, capsys)[0] == 1


@pytest.mark.parametrize("index", [1, 16, 30, 58])
def test_an_inserted_record_is_found(copy: Path, index: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(copy)
    lines.insert(index, changed(lines[index], message="nothing happened"))
    rewrite(copy, lines)
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.TAMPERED, index)
    assert offline(copy, capsys)[0] == 1


@pytest.mark.parametrize("index", [0, 5, 18, 40, 57])
def test_a_changed_record_with_a_right_checksum_is_found(
    copy: Path, index: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lines_of(copy)
    lines[index] = changed(lines[index], message="nothing happened")
    rewrite(copy, lines)
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.TAMPERED, index)
    assert offline(copy, capsys) == (1, index)


def test_a_changed_link_blames_the_record_that_holds_it(copy: Path) -> None:
    lines = lines_of(copy)
    lines[20] = changed(lines[20], prev="f" * 64)
    rewrite(copy, lines)
    assert verify(copy, KEY).first_bad == 20


def test_a_record_rewritten_with_all_links_mended_does_not_fit_the_signature(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lines_of(copy)
    lines[25] = changed(lines[25], message="nothing happened")
    rewrite(copy, relinked(lines))
    report = verify(copy, KEY)
    assert report.result is Result.TAMPERED
    assert report.first_bad is not None
    assert report.first_bad <= 25
    assert offline(copy, capsys)[0] == 1


def test_kept_hashes_tell_which_record_was_rewritten(copy: Path) -> None:
    path = segments(copy)[1]
    first, lines = int(path.stem), path.read_bytes().splitlines(keepends=True)
    rest = [line for later in segments(copy)[1:] for line in later.read_bytes().splitlines(keepends=True)]
    rest[2] = changed(rest[2], message="nothing happened")
    for number in range(3, len(rest)):
        rest[number] = changed(rest[number], prev=leaf_hash(decode(rest[number - 1])).hex())
    path.write_bytes(b"".join(rest[: len(lines)]))
    assert verify(copy, KEY).first_bad == first + 2


def test_kept_hashes_that_are_too_few_or_too_many_are_found(copy: Path) -> None:
    path = Layout(copy).segment_hashes(0)
    whole = path.read_bytes()
    for other in (whole[:-32], whole + bytes(32)):
        path.write_bytes(other)
        assert verify(copy, KEY).result is Result.TAMPERED


def test_a_missing_segment_is_incomplete_from_its_first_record(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, path in enumerate(segments(copy)):
        hidden = path.rename(path.with_suffix(".hidden"))
        report = verify(copy, KEY)
        assert (report.result, report.first_bad) == (Result.INCOMPLETE, int(path.stem)), number
        assert offline(copy, capsys) == (2, int(path.stem))
        hidden.rename(path)


def test_a_log_cut_back_to_an_earlier_record_is_incomplete(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(copy, lines_of(copy)[:-3])
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.INCOMPLETE, RECORDS - 3)
    assert offline(copy, capsys) == (2, RECORDS - 3)


def test_an_older_copy_put_back_as_a_whole_is_found_by_a_checkpoint_kept_elsewhere(
    whole: Path, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = open_log(copy)
    log.append(intent())
    log.close()
    kept = newest(copy)
    note = tmp_path / "kept"
    note.write_text(kept.text())
    assert verify(copy, KEY, kept).result is Result.OK
    assert offline(copy, capsys, "--from-checkpoint", str(note)) == (0, None)
    assert verify(whole, KEY).result is Result.OK, "nothing beside the old copy can tell"
    report = verify(whole, KEY, kept)
    assert (report.result, report.first_bad) == (Result.INCOMPLETE, RECORDS)
    assert offline(whole, capsys, "--from-checkpoint", str(note)) == (2, RECORDS)


def forged_with_the_real_key(directory: Path) -> None:
    """Another history of the same length, signed by whoever holds the key now."""
    for path in (*segments(directory), *Layout(directory).hashes.iterdir(), Layout(directory).notes):
        path.unlink()
    fill(directory, RECORDS, time=_other_time())


def _other_time() -> Time:
    time = Time()
    time.advance(3600)
    return time


def test_a_log_forged_with_the_current_key_is_found_by_a_checkpoint_kept_elsewhere(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = newest(copy)
    note = tmp_path / "kept"
    note.write_text(kept.text())
    forged_with_the_real_key(copy)
    assert verify(copy, KEY).result is Result.OK, "by itself a forgery with the real key is perfect"
    assert verify(copy, KEY, kept).result is Result.TAMPERED
    assert offline(copy, capsys, "--from-checkpoint", str(note))[0] == 1


def test_a_fork_of_the_log_does_not_contain_what_the_other_branch_signed(whole: Path, tmp_path: Path) -> None:
    branches: list[Path] = []
    for name in ("left", "right"):
        shutil.copytree(whole, tmp_path / name)
        log = open_log(tmp_path / name)
        log.append(event(message=name))
        log.close()
        branches.append(tmp_path / name)
    assert verify(branches[0], KEY, newest(branches[1])).result is Result.TAMPERED
    assert verify(branches[1], KEY, newest(branches[0])).result is Result.TAMPERED


def notes_of(directory: Path) -> list[str]:
    return Layout(directory).notes.read_text().removesuffix("\n\n").replace("\n\n", "\0").split("\0")


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_removed_checkpoint_is_missed(copy: Path, which: int, capsys: pytest.CaptureFixture[str]) -> None:
    pieces = notes_of(copy)
    del pieces[2 * which : 2 * which + 2]
    Layout(copy).notes.write_text("\n\n".join(pieces) + "\n\n")
    assert verify(copy, KEY).result is Result.INCOMPLETE
    assert offline(copy, capsys)[0] == 2


def test_checkpoints_in_another_order_are_found(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pieces = notes_of(copy)
    Layout(copy).notes.write_text("\n\n".join(pieces[2:4] + pieces[0:2] + pieces[4:]) + "\n\n")
    assert verify(copy, KEY).result is not Result.OK
    Layout(copy).notes.write_text("\n\n".join(pieces + pieces[-2:]) + "\n\n")
    assert verify(copy, KEY).result is Result.TAMPERED
    assert offline(copy, capsys)[0] == 1


def test_an_added_checkpoint_is_found_because_later_records_do_not_know_it(copy: Path) -> None:
    tree = GrowingTree()
    for line in lines_of(copy)[:5]:
        tree.append(leaf_hash(decode(line)))
    extra = sign(Checkpoint(KEY.name, 5, tree.root()), SIGNER).text() + "\n"
    Layout(copy).notes.write_text(extra + Layout(copy).notes.read_text())
    assert (verify(copy, KEY).result, verify(copy, KEY).first_bad) == (Result.TAMPERED, 5)


def test_checkpoints_by_another_key_are_not_accepted(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Ed25519Signer(KEY.name, Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
    note = sign(newest(copy).checkpoint, other)
    Layout(copy).notes.write_text(note.text() + "\n")
    assert verify(copy, KEY).result is Result.KEY_UNKNOWN
    assert offline(copy, capsys)[0] == 4
    lying = note.text().replace(note.signatures[0].line(), _as_if_by(KEY.key_id, note))
    Layout(copy).notes.write_text(lying + "\n")
    assert verify(copy, KEY).result is Result.TAMPERED
    assert offline(copy, capsys)[0] == 1


def _as_if_by(key_id: bytes, note: SignedCheckpoint) -> str:
    signature = note.signatures[0]
    return type(signature)(signature.name, key_id, signature.signature).line()


def test_a_checkpoint_of_another_log_by_the_same_key_is_not_accepted(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = newest(copy).checkpoint
    foreign = sign(Checkpoint("another/log", there.size, there.root), SIGNER)
    Layout(copy).notes.write_text(foreign.text() + "\n")
    assert verify(copy, KEY).result is Result.KEY_UNKNOWN
    assert offline(copy, capsys)[0] != 0


def test_without_any_key_the_verdict_says_so(copy: Path) -> None:
    Layout(copy).public_key.unlink()
    report = verify(copy)
    assert report.result is Result.KEY_UNKNOWN
    assert report.result.exit_code == 4


def test_the_key_beside_the_log_is_used_but_not_silently(copy: Path) -> None:
    report = verify(copy)
    assert report.result is Result.OK
    assert any("beside the log" in remark for remark in report.remarks)


@pytest.mark.parametrize("damage", [lambda lines: lines[:10] + lines[11:], lambda lines: lines[:-1]])
def test_the_writer_refuses_to_go_on_with_a_log_that_was_changed(
    copy: Path, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    rewrite(copy, damage(lines_of(copy)))
    before = lines_of(copy)
    with pytest.raises(AuditDamaged):
        open_log(copy)
    assert lines_of(copy) == before, "evidence is not touched"


def test_a_log_that_is_not_there_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "nothing", KEY)


def test_records_that_contradict_their_own_form_are_found(copy: Path) -> None:
    for fields in ({"v": 2}, {"phase": "dream"}, {"password": "x"}, {"time": "2026-05-01T08:00:00+08:00"}):
        lines = lines_of(copy)
        original = segments(copy)[0].read_bytes()
        lines[3] = changed(lines[3], **fields)
        segments(copy)[0].write_bytes(b"".join(lines[: original.count(b"\n")]))
        report: Report = verify(copy, KEY)
        assert (report.result, report.first_bad) == (Result.TAMPERED, 3), fields
        segments(copy)[0].write_bytes(original)


def test_verification_reads_only(copy: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    verify(copy, KEY, files=RealFiles())
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
