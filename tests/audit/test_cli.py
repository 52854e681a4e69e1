"""`govcloud audit` as people and scripts use it."""

import csv
import io
import json
from pathlib import Path

import pytest
from audit.logs import KEY, event, fill, open_log
from typer.testing import CliRunner, Result

from govcloud.audit.layout import Layout
from govcloud.cli.audit import app

RUNNER = CliRunner()


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return RUNNER.invoke(app, list(arguments), env=env)


@pytest.fixture
def log(tmp_path: Path) -> str:
    fill(tmp_path / "audit", 9, segment_bytes=1_500)
    (tmp_path / "key").write_text(KEY.text() + "\n")
    return str(tmp_path / "audit")


def test_verify_says_ok_and_ends_with_0(log: str, tmp_path: Path) -> None:
    result = run("verify", "--log", log, "--key", str(tmp_path / "key"))
    assert result.exit_code == 0
    assert result.stdout.startswith("ok: The audit log is whole.\n9 records, 9 of them signed")


def test_verify_names_the_first_bad_record_and_ends_with_1(log: str) -> None:
    path = Layout(Path(log)).segment(0)
    path.write_bytes(path.read_bytes().replace(b"web-0", b"web-9", 1))
    result = run("verify", "--log", log, "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["result"], found["first_bad"]) == ("tampered", 0)
    assert "First bad record: 0." in run("verify", "--log", log).stdout


def test_verify_of_a_shortened_log_ends_with_2(log: str) -> None:
    sorted(Layout(Path(log)).segments.iterdir())[-1].unlink()
    assert run("verify", "--log", log).exit_code == 2


def test_verify_against_a_kept_checkpoint(log: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(run("checkpoint", "--log", log).stdout)
    assert run("verify", "--log", log, "--from-checkpoint", str(kept)).exit_code == 0
    fill(tmp_path / "other", 9)
    assert run("verify", "--log", str(tmp_path / "other"), "--from-checkpoint", str(kept)).exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--log", "/does/not/exist"),
        ("verify", "--nonsense"),
        ("verify", "--from-checkpoint", "/does/not/exist"),
        ("verify", "--key", "/does/not/exist"),
        ("query", "--log", "/does/not/exist"),
        ("query", "--action", "explode"),
        ("query", "--since", "yesterday"),
        ("tail", "-n", "0"),
        ("prove", "x"),
        ("checkpoint", "--log", "/does/not/exist"),
        ("export", "--log", "/does/not/exist", "--unit", "x"),
        ("check", "/does/not/exist", "--key", "/does/not/exist"),
    ],
)
def test_wrong_usage_ends_with_3_and_is_no_verdict(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 3


def test_a_file_that_is_no_key_ends_with_4(log: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key\n")
    assert run("verify", "--log", log, "--key", str(tmp_path / "key")).exit_code == 4


def test_the_log_is_found_by_the_environment(log: str, tmp_path: Path) -> None:
    assert run("verify", env={"GOVCLOUD_STATE_DIR": str(tmp_path)}).exit_code == 0
    (tmp_path / "controller").mkdir()
    Path(log).rename(tmp_path / "controller" / "audit")
    assert run("verify", env={"GOVCLOUD_STATE_DIR": "", "GOVCLOUD_DEV_DIR": str(tmp_path)}).exit_code == 0


def test_query_prints_what_was_stored_as_json(log: str) -> None:
    lines = run("query", "--log", log, "--format", "json", "--action", "evaluate").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [8]


def test_without_a_terminal_a_table_is_plain_text_for_other_programs(log: str) -> None:
    lines = run("query", "--log", log, "--unit", "jj-health").stdout.splitlines()
    assert len(lines) == 10
    assert lines[0].split("\t")[:3] == ["sequence", "time", "phase"]
    assert lines[1].split("\t")[:1] == ["0"]


def test_csv_opens_in_a_spreadsheet_with_chinese_headings_and_runs_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path / "audit")
    log.append(event(message='=HYPERLINK("http://evil")', unit="jj-health"))
    log.append(event(message='has, comma and "quote"'))
    log.close()
    result = run("query", "--log", str(tmp_path / "audit"), "--format", "csv", "--chinese")
    assert result.stdout.startswith("\ufeff序号,时间")
    heading, first, second = csv.reader(io.StringIO(result.stdout.removeprefix("\ufeff")))
    assert first[heading.index("使用单位")] == "jj-health"
    assert first[heading.index("说明")] == '\'=HYPERLINK("http://evil")'
    assert second[heading.index("说明")] == 'has, comma and "quote"'


def test_tail_shows_the_last(log: str) -> None:
    lines = run("tail", "--log", log, "-n", "2", "--format", "json").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [7, 8]


def test_a_record_is_proven_and_the_proof_checked(log: str, tmp_path: Path) -> None:
    bundle, key = tmp_path / "bundle", str(tmp_path / "key")
    bundle.write_text(run("prove", "4", "--log", log).stdout)
    assert run("check", str(bundle), "--key", key).stdout.startswith("ok: 1 records are in the log")
    bundle.write_text(bundle.read_text().replace("web-2", "web-3"))
    assert run("check", str(bundle), "--key", key).exit_code == 1
    assert run("prove", "99", "--log", log).exit_code == 3


def test_a_unit_gets_its_records_in_a_file(log: str, tmp_path: Path) -> None:
    bundle = tmp_path / "jj-health.jsonl"
    result = run("export", "--log", log, "--unit", "jj-health", "-o", str(bundle))
    assert "9 records of jj-health" in result.stderr
    assert run("check", str(bundle), "--key", str(tmp_path / "key")).exit_code == 0
    assert run("export", "--log", log, "--unit", "jj-health").stdout == bundle.read_text()


def test_every_command_teaches_by_example() -> None:
    for command in ("verify", "query", "tail", "prove", "export", "check", "checkpoint"):
        assert f"govcloud audit {command}" in run(command, "--help").stdout
