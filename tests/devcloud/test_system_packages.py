"""What comes from Debian is installed once, though two clouds start at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from devcloud.progress import Say, say
from devcloud.system_packages import SystemPackage, ensure


def test_of_two_clouds_that_start_at_once_one_installs_and_the_other_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOVCLOUD_CACHE", str(tmp_path))
    present: list[str] = []
    installed: list[list[str]] = []
    both = Barrier(2)

    def start() -> None:
        looks = iter([both.wait])  # each sees that it is missing before anybody installs it

        def is_present() -> bool:
            there = "zstd" in present
            for wait in looks:
                wait()
            return there

        ensure(say, [SystemPackage("zstd", is_present)], install)

    def install(missing: list[str], _say: Say) -> None:
        installed.append(missing)
        present.extend(missing)

    with ThreadPoolExecutor(2) as pool:
        for cloud in [pool.submit(start) for _ in range(2)]:
            cloud.result()
    assert installed == [["zstd"]]
