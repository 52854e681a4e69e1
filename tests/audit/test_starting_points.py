"""An opening that begins at a starting point knows what one knows that reads everything; where it could not, it reads everything."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from audit.logs import KEY, SIGNER, QuickFiles, Time, fill, intent, open_log, outcome
from audit.test_rotation import NEXT, changed_twice
from audit.test_tampering import changed, lines_of

from govcloud.audit import starting_points
from govcloud.audit.errors import AuditDamaged
from govcloud.audit.keyring import Keyring
from govcloud.audit.layout import Layout
from govcloud.audit.notes import PublicKey
from govcloud.audit.reader import segment_starts
from govcloud.audit.recovery import recover
from govcloud.audit.rotation import load_or_create_signer
from govcloud.audit.tail import Tail
from govcloud.audit.verify import Result, verify

EVERYTHING = 1 << 60
SEGMENT = 2_500


class Watched(QuickFiles):
    """Remembers which segments were read."""

    def __init__(self) -> None:
        self.opened: list[int] = []

    def open_for_reading(self, path: Path) -> BinaryIO:
        if path.parent.name == "segments":
            self.opened.append(int(path.stem))
        return super().open_for_reading(path)


def written(directory: Path, records: int = 30, name: str = "web", **settings: Any) -> Path:
    """A log of several sealed segments with an intent in the first one that nobody settled."""
    log = open_log(directory, segment_bytes=SEGMENT, reread_bytes=0, **settings)
    log.append(intent("left open"))
    for number in range(records):
        receipt = log.append(intent(f"{name}-{number}"))
        log.append(outcome(receipt.id))
    log.close()
    return directory


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("whole") / "audit")


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "audit")
    return tmp_path / "audit"


def found(directory: Path, reread_bytes: int, key: PublicKey = KEY, *, mine: PublicKey = KEY) -> tuple[Tail, list[int]]:
    """The end of the log, and the segments that were read for it."""
    files = Watched()
    return recover(files, Layout(directory), key, mine, reread_bytes=reread_bytes).tail, files.opened


def known(tail: Tail) -> dict[str, Any]:
    """All that the next record depends on."""
    trees = {"tree": tail.tree.root(), "national": tail.national and tail.national.root(), "keyring": tail.keyring.text()}
    same = "prev last_time open_intents segment sealed_root segment_leaves segment_nodes segment_national newest substance"
    return trees | {name: getattr(tail, name) for name in same.split()}


def starts(directory: Path) -> list[int]:
    return segment_starts(QuickFiles(), Layout(directory))


@pytest.mark.parametrize("national", [False, True])
def test_it_knows_what_a_reading_of_everything_knows(tmp_path: Path, *, national: bool) -> None:
    log = written(tmp_path / "audit", national=national)
    assert len(starts(log)) > 5
    quick, opened = found(log, 0)
    slow, opened_all = found(log, EVERYTHING)
    assert known(quick) == known(slow)
    assert [record.target.name for record in quick.open_intents.values()] == ["left open"]
    assert (opened, opened_all) == (starts(log)[-1:], starts(log))


def test_of_a_log_of_three_keys_too(tmp_path: Path) -> None:
    audit = changed_twice(tmp_path, segment_bytes=900, reread_bytes=0)
    mine = load_or_create_signer(tmp_path / "signing.key").public_key
    quick, opened = found(audit, 0, mine=mine)
    assert known(quick) == known(found(audit, EVERYTHING, mine=mine)[0])
    assert opened == starts(audit)[-1:]


@pytest.mark.parametrize("count", range(5))
def test_the_newest_sealed_segments_of_so_many_bytes_are_read(whole: Path, count: int) -> None:
    first, *_ = starts(whole)[-1 - count :]
    sizes = [Layout(whole).segment(start).stat().st_size for start in starts(whole)[:-1]]
    assert starting_points.wanted(QuickFiles(), Layout(whole), starts(whole), sum(sizes[len(sizes) - count :])) == first


def test_less_than_that_is_read_whole(whole: Path) -> None:
    files, layout = QuickFiles(), Layout(whole)
    assert starting_points.wanted(files, layout, starts(whole), EVERYTHING) == 0
    assert starting_points.wanted(files, layout, [], 0) == 0


def test_only_those_are_kept_that_an_opening_may_begin_with(copy: Path) -> None:
    files, layout = QuickFiles(), Layout(copy)
    assert starting_points.sizes(files, layout) == starts(copy)[-2:]
    for size in (1, 5, 6, 9):
        shutil.copy(layout.starting_point(starts(copy)[-1]), layout.starting_point(size))
    starting_points.forget_older(files, layout, 8)
    assert starting_points.sizes(files, layout) == [6, 9, *starts(copy)[-2:]]
    starting_points.forget_older(files, layout, starts(copy)[-2] - 1)
    assert starting_points.sizes(files, layout) == [9, *starts(copy)[-2:]]


def test_a_log_that_has_none_gets_one_at_its_next_opening(copy: Path) -> None:
    shutil.rmtree(Layout(copy).starts)
    open_log(copy, reread_bytes=0).close()
    assert starting_points.sizes(QuickFiles(), Layout(copy)) == starts(copy)[-1:]
    quick, opened = found(copy, 0)
    assert opened == starts(copy)[-1:]
    assert known(quick) == known(found(copy, EVERYTHING)[0])


def unsigned(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def apply(text: bytes) -> bytes:
        line, rest = text.split(b"\n", 1)
        content = json.loads(line)
        change(content)
        return json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n" + rest

    return apply


def signed(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """By the right key, as only an error of ours or another log of this key could have it."""

    def apply(text: bytes) -> bytes:
        line = unsigned(change)(text).partition(b"\n")[0] + b"\n"
        old = text.partition(b"\n\n")[2].decode()
        signature = starting_points.parse_signature(old.removesuffix("\n"))
        anew = starting_points.Signature(signature.name, signature.key_id, SIGNER.sign(line))
        return line + b"\n" + anew.line().encode()

    return apply


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:-1],
        lambda text: text[: len(text) // 2],
        lambda text: b"\xff" + text,
        lambda text: text + b"x",
        unsigned(lambda content: content.update(openIntents=[])),
        unsigned(lambda content: content.update(prev="0" * 64)),
        signed(lambda content: content.update(format="govcloud-audit-start/2")),
        signed(lambda content: content.update(size=1)),
        signed(lambda content: content["peaks"].pop()),
        signed(lambda content: content.update(peaks=[content["prev"]] * len(content["peaks"]))),
        signed(lambda content: content.update(peaks=content["peaks"][::-1])),
        signed(lambda content: content.update(prev="0" * 64)),
        signed(lambda content: content.update(keyring=NEXT.public_key.text() + "\n")),
        signed(lambda content: content.update(keyring="")),
        signed(lambda content: content.update(openIntents=["{}"])),
        signed(lambda content: content.update(time="yesterday")),
        signed(lambda content: content.pop("sm3Peaks")),
        signed(lambda content: content.update(sm3Peaks=content["peaks"])),
    ],
)
def test_one_that_does_not_fit_is_none(copy: Path, damage: Callable[[bytes], bytes]) -> None:
    expected = known(found(copy, EVERYTHING)[0])
    for size in starting_points.sizes(QuickFiles(), Layout(copy)):
        path = Layout(copy).starting_point(size)
        path.write_bytes(damage(path.read_bytes()))
    tail, opened = found(copy, 0)
    assert known(tail) == expected
    assert opened[-len(starts(copy)) :] == starts(copy), "everything was read"


def test_one_by_another_key_is_none(copy: Path) -> None:
    for size in starting_points.sizes(QuickFiles(), Layout(copy)):
        tail = starting_points.read(QuickFiles(), Layout(copy), size, KEY)
        assert tail
        starting_points.keep(QuickFiles(), Layout(copy), starting_points.StartingPoint.of(tail), NEXT)
    assert found(copy, 0)[1] == starts(copy)


def test_one_of_another_history_by_the_same_key_is_none(copy: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", name="app")
    assert starts(other) == starts(copy)
    expected = known(found(copy, EVERYTHING)[0])
    shutil.rmtree(Layout(copy).starts)
    shutil.copytree(Layout(other).starts, Layout(copy).starts)
    tail, opened = found(copy, 0)
    assert known(tail) == expected
    assert opened[-len(starts(copy)) :] == starts(copy)


@pytest.mark.parametrize("change", [lambda data: data[:-32], lambda data: b"", lambda data: data + data[:32]])
def test_hashes_that_are_not_as_many_as_records_are_not_gone_by(copy: Path, change: Callable[[bytes], bytes]) -> None:
    path = Layout(copy).segment_hashes(starts(copy)[1])
    path.write_bytes(change(path.read_bytes()))
    assert found(copy, 0)[1] == starts(copy)


def test_a_missing_segment_refuses_to_start_though_nobody_would_have_read_it(copy: Path) -> None:
    first = starts(copy)[2]
    Layout(copy).segment(first).unlink()
    with pytest.raises(AuditDamaged, match="is missing") as refused:
        open_log(copy, reread_bytes=0)
    assert refused.value.index == first


def test_checkpoints_cut_back_before_it_are_not_gone_by(copy: Path) -> None:
    notes = Layout(copy).notes
    whole = notes.read_bytes().split(b"\n\n")
    notes.write_bytes(b"\n\n".join(whole[:2]) + b"\n\n")
    assert found(copy, 0)[1] == starts(copy)


def test_a_bad_record_after_it_is_named_as_ever(copy: Path) -> None:
    last = Layout(copy).segment(starts(copy)[-1])
    *before, line = last.read_bytes().splitlines(keepends=True)
    last.write_bytes(b"".join([*before, changed(line, message="nothing happened")]))
    with pytest.raises(AuditDamaged, match="not the one that was signed"):
        open_log(copy, reread_bytes=0)


def test_a_bad_record_before_it_lets_the_log_open(copy: Path) -> None:
    first = Layout(copy).segment(0)
    first.write_bytes(first.read_bytes().replace(b"left open", b"left shut"))
    log = open_log(copy, reread_bytes=0)
    assert [record.target.name for record in log.open_intents()] == ["left open"], "as it was signed"
    log.close()
    with pytest.raises(AuditDamaged):
        open_log(copy, reread_bytes=EVERYTHING)


def test_what_is_written_after_such_an_opening_is_a_log_like_any_other(copy: Path) -> None:
    time = Time()
    for _ in range(3):
        fill(copy, 21, segment_bytes=SEGMENT, reread_bytes=0, time=time)
    report = verify(copy, KEY)
    assert (report.result, report.records) == (Result.OK, 61 + 63)
    assert len(lines_of(copy)) == 61 + 63
    assert Keyring(KEY).text() == Layout(copy).keyring.read_bytes()
