"""What a failure inside a step of a story becomes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from devcloud.demo.telling import NotAsExpected, Teller


def test_a_failed_step_is_told_and_kept_and_the_next_one_comes(tmp_path: Path) -> None:
    out = io.StringIO()
    teller = Teller(tmp_path / "report.json", out)
    with teller.step("the machine runs"):
        raise NotAsExpected("it is off")
    with teller.step("the volume is attached"):
        teller.saw("volume v on machine m")
    teller.write()

    assert not teller.passed
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert [(step["name"], step["result"]) for step in report["steps"]] == [
        ("the machine runs", "failed"),
        ("the volume is attached", "passed"),
    ]
    assert report["steps"][0]["evidence"] == ["NotAsExpected: it is off"]
    assert "✗ NotAsExpected: it is off" in out.getvalue()


def test_what_fails_while_a_test_is_told_fails_the_test(tmp_path: Path) -> None:
    teller = Teller(tmp_path / "report.json", io.StringIO())
    with pytest.raises(NotAsExpected), teller.told("the machine runs"):
        raise NotAsExpected("it is off")
    assert not teller.passed
