"""When a segment is sealed, and what is kept of it."""

from pathlib import Path

from audit.logs import KEY, event, open_log

from govcloud.audit.layout import Layout
from govcloud.audit.merkle import leaf_hash
from govcloud.audit.query import search
from govcloud.audit.verify import Result, verify


def test_an_empty_segment_is_not_sealed_and_foreign_files_are_none(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(event())
    (Layout(tmp_path).segments / "0000000000000000.log.bak").write_text("a copy that somebody made")
    for _ in range(2):
        log.seal()
    log.close()
    assert [path.name for path in Layout(tmp_path).hashes.iterdir()] == ["0000000000000000.sha256"]
    open_log(tmp_path).close()
    assert verify(tmp_path, KEY).result is Result.OK


def test_full_segments_are_sealed_with_their_hashes(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=1_000)
    for _ in range(7):
        log.append(event())
    log.close()
    layout = Layout(tmp_path)
    leaves = b"".join(leaf_hash(r.stored()) for r in search(tmp_path))
    kept = b"".join(path.read_bytes() for path in sorted(layout.hashes.iterdir()))
    assert len(list(layout.segments.iterdir())) > 2
    assert leaves.startswith(kept)
    assert len(leaves) > len(kept) > 0


def test_a_segment_that_is_exactly_full_is_sealed(tmp_path: Path) -> None:
    one = open_log(tmp_path / "one")
    one.append(event())
    one.close()
    size = Layout(tmp_path / "one").segment(0).stat().st_size
    for most, segments in ((size, 2), (size + 1, 1)):
        log = open_log(tmp_path / str(most), segment_bytes=most)
        log.append(event())
        log.append(event())
        log.close()
        assert len(list(Layout(tmp_path / str(most)).segments.iterdir())) == segments
