"""Files that are replaced in one step."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devcloud.paths import write_atomically


def test_several_threads_may_replace_a_file_at_once(tmp_path: Path) -> None:
    contents = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_atomically(tmp_path / "file", contents[number % 8]), range(400)))
    assert (tmp_path / "file").read_text() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
