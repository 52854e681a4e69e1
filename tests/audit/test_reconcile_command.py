"""`govcloud audit reconcile` as people and scripts use it."""

import csv
import io
import json
from pathlib import Path

import pytest
from audit.logs import START, event, open_log
from typer.testing import CliRunner, Result

from govcloud.cli.audit import app
from govcloud.core.evidence import CONTROLLER

RUNNER = CliRunner()


def run(*arguments: str) -> Result:
    return RUNNER.invoke(app, ["reconcile", *arguments])


def line(user: str, seconds: int) -> str:
    at = START.replace(second=seconds).isoformat()
    written = {"resource": "secrets", "namespace": "hospital", "name": "planted"}
    return json.dumps(
        {
            "kind": "Event", "auditID": f"audit-{seconds}", "stage": "ResponseComplete", "verb": "create", "user": {"username": user},
            "objectRef": written, "responseStatus": {"code": 201}, "requestReceivedTimestamp": at, "stageTimestamp": at,
        }
    )


@pytest.fixture
def log(tmp_path: Path) -> str:
    log = open_log(tmp_path / "audit")
    log.append(event())
    log.close()
    return str(tmp_path / "audit")


def witness(tmp_path: Path, *lines: str) -> str:
    (tmp_path / "kubernetes.log").write_text("".join(f"{each}\n" for each in lines))
    return str(tmp_path / "kubernetes.log")


def test_agreement_ends_with_0_and_says_what_was_compared(log: str, tmp_path: Path) -> None:
    result = run("--log", log, "--kubernetes-log", witness(tmp_path, line("somebody", 10)))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("0 differences; 1 writes of the API server and 0 recorded effects compared, from 2026-05-01")


def test_differences_end_with_1_as_table_json_and_csv(log: str, tmp_path: Path) -> None:
    kubernetes = witness(tmp_path, line(CONTROLLER, 10))
    result = run("--log", log, "--kubernetes-log", kubernetes)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].startswith("unrecorded\t")
    (found,) = run("--log", log, "--kubernetes-log", kubernetes, "--format", "json").stdout.splitlines()
    assert json.loads(found)["source"] == "audit-10"
    text = run("--log", log, "--kubernetes-log", kubernetes, "--format", "csv", "--chinese").stdout
    heading, row = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert (heading[0], row[0]) == ("类别", "unrecorded")


@pytest.mark.parametrize(("since", "code"), [("2026-05-01T08:00:10+00:00", 1), ("2026-05-01T08:00:11+00:00", 0)])
def test_what_is_older_than_asked_for_is_not_shown(log: str, tmp_path: Path, since: str, code: int) -> None:
    kubernetes = witness(tmp_path, line(CONTROLLER, 10))
    assert run("--log", log, "--kubernetes-log", kubernetes, "--since", since).exit_code == code


def test_logs_that_cannot_be_used_end_with_2(log: str, tmp_path: Path) -> None:
    assert run("--log", log, "--kubernetes-log", witness(tmp_path, "no json")).exit_code == 2
    assert run("--log", log, "--kubernetes-log", witness(tmp_path)).exit_code == 2
    segment = Path(log) / "segments" / "0000000000000000.log"
    segment.write_bytes(segment.read_bytes().replace(b"jj-health", b"jj-wealth"))
    assert run("--log", log, "--kubernetes-log", witness(tmp_path, line("somebody", 10))).exit_code == 2


def test_wrong_usage_ends_with_3(log: str, tmp_path: Path) -> None:
    assert run("--log", log, "--kubernetes-log", str(tmp_path / "none")).exit_code == 3
    assert run("--log", str(tmp_path / "none"), "--kubernetes-log", witness(tmp_path, line("x", 10))).exit_code == 3
    assert run("--log", log).exit_code == 3
