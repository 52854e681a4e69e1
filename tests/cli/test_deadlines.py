"""`govcloud deadlines`: counted from the log of a real story."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from reconcile.world import AUTHORITY, PROVIDER, World
from typer.testing import CliRunner, Result

from govcloud.cli import app


@pytest.fixture
def log(world: World, tmp_path: Path) -> Path:
    """Of a story in which the authority was late and the provider was not."""
    world.apply()
    world.run()
    world.approve("superior-unit")
    world.clock.advance(timedelta(days=7))
    world.approve("authority")
    return tmp_path / "audit"


def ask(log: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["deadlines", "--log", str(log), *options])


def test_a_table_for_people(log: Path) -> None:
    english, chinese = ask(log, "--lang", "en"), ask(log, "--lang", "zh")

    assert english.exit_code == 0, english.output
    lines = [line.split("\t") for line in english.output.splitlines()]
    assert lines[0] == ["jurisdiction", "step", "office", "on time", "late", "overdue", "withdrawn", "%"]
    assert lines[1:] == [
        ["jiujiang", "authority", AUTHORITY, "0", "1", "0", "0", "0.0"],
        ["jiujiang", "provider", PROVIDER, "1", "0", "0", "0", "100.0"],
    ]
    assert chinese.output.startswith("地区\t环节")


def test_json_for_programs(log: Path) -> None:
    found = json.loads(ask(log, "--output", "json").stdout)

    assert [(each["step"], each["late"], each["percent"]) for each in found] == [("authority", 1, 0.0), ("provider", 0, 100.0)]


def test_one_jurisdiction_and_a_time(log: Path) -> None:
    assert json.loads(ask(log, "-o", "json", "--jurisdiction", "elsewhere").stdout) == []
    assert json.loads(ask(log, "-o", "json", "--until", "2000-01-01").stdout) == []


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert ask(tmp_path / "nowhere").exit_code == 3
