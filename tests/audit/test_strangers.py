"""What somebody meets who never used `govcloud audit`: every mistake is a sentence and ends with 3, never with a verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from audit.logs import KEY, fill
from click.testing import Result
from typer.testing import CliRunner

from govcloud.audit import verify_offline
from govcloud.cli.audit import app


@pytest.fixture
def log(tmp_path: Path) -> Path:
    fill(tmp_path / "audit", 4)
    (tmp_path / "audit.pub").write_text(KEY.text() + "\n")
    return tmp_path / "audit"


def govcloud_audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"TERM": "dumb", "COLUMNS": "200"})


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("hold",), ("hold", "nonsense"), ("verify", "--nonsense")])
def test_what_there_is_not_is_no_verdict(arguments: tuple[str, ...]) -> None:
    assert govcloud_audit(*arguments).exit_code == 3


@pytest.mark.parametrize(
    "command",
    [("verify",), ("query",), ("tail",), ("status",), ("checkpoint",), ("prove", "1"), ("export", "--unit", "x"), ("hold", "list")],
    ids=lambda command: command[0],
)
def test_where_there_is_no_log_it_says_how_to_name_one(command: tuple[str, ...], tmp_path: Path) -> None:
    told = govcloud_audit(*command, "--log", tmp_path / "none")
    assert told.exit_code == 3
    assert "name its directory with --log, or set GOVCLOUD_STATE_DIR" in " ".join(told.output.split())
    assert told.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--key", "/none/audit.pub"), "/none/audit.pub: No such file or directory"),
        (("verify", "--from-checkpoint", "/none/kept"), "/none/kept: No such file or directory"),
        (("export", "--unit", "jj-health", "-o", "/none/bundle"), "/none/bundle: No such file or directory"),
        (("prove", "4711"), "There is no signed record 4711"),
        (("query", "--since", "yesterday"), "write 2026-05-01"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used_is_named(log: Path, arguments: tuple[str, ...], said: str) -> None:
    told = govcloud_audit(*arguments, "--log", log)
    assert (told.exit_code, told.stdout) == (3, "")
    assert said in told.stderr
    assert "Errno" not in told.stderr


@pytest.mark.parametrize("command", ["verify", "status"])
def test_a_verdict_is_no_spreadsheet(log: Path, command: str) -> None:
    assert govcloud_audit(command, "--log", log, "--format", "csv").exit_code == 3


def test_a_name_that_was_mistyped_is_noticed(log: Path, tmp_path: Path) -> None:
    for shape in ("table", "json", "csv"):
        told = govcloud_audit("query", "--unit", "jj-heath", "--log", log, "--format", shape)
        assert (told.exit_code, told.stderr) == (0, "govcloud audit: no record is like that\n")
        assert govcloud_audit("query", "--unit", "jj-health", "--log", log, "--format", shape).stderr == ""
    assert "0 records of jj-heath" in govcloud_audit("export", "--unit", "jj-heath", "--log", log).stderr


def test_a_key_is_changed_by_somebody_with_a_name(log: Path) -> None:
    told = govcloud_audit("rotate-key", "--by", "", "--state", log.parent)
    assert told.exit_code == 3
    assert "--by is the accountable person's name" in told.stderr


@pytest.mark.parametrize("shape", ["table", "csv"])
def test_who_stops_reading_gets_no_verdict(log: Path, shape: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "govcloud", "audit", "query", "--log", log, "--format", shape],
        stdout=writer, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "operator"}, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_spreadsheet_gets_utf_8_in_every_locale(log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "govcloud", "audit", "query", "--log", log, "--format", "csv", "--chinese"],
        capture_output=True, env={**os.environ, "PYTHONPATH": "operator", "PYTHONIOENCODING": "gbk"}, check=True,
    )  # fmt: skip
    assert done.stdout.decode("utf-8-sig").startswith("序号,时间,阶段,操作,结果,操作人,责任人,对象,使用单位,")


def test_the_verifier_that_is_taken_along_teaches_by_itself(capsys: pytest.CaptureFixture[str], log: Path) -> None:
    assert verify_offline.main(["--help"]) == 0
    assert "python3 verify_offline.py bundle FILE --key audit.pub" in capsys.readouterr().out
    assert verify_offline.main(["log", str(log), "--key", "/none/audit.pub"]) == 3
    assert "/none/audit.pub: No such file or directory" in capsys.readouterr().out
