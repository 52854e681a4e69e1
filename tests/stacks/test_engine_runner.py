"""How the engine is called, what is cleared away before it, and what its failures are taken for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from devcloud.patience import PATIENCE
from stacks.engine import failures, leftovers
from stacks.engine.commands import STACK_VARIABLE, Installation, StackName
from stacks.engine.registration import Inputs
from stacks.engine.runner import Engine, attached
from stacks.engine.state import Pending
from stacks.program import Program

STACK = StackName("govcloud-requests", "request-1")
WRITTEN = datetime(2026, 11, 22, 3, 52, 17, tzinfo=UTC)
EMPTY = {"version": 3, "deployment": {"manifest": {"time": WRITTEN.isoformat()}}}
VOLUME = "openstack:blockstorage/volume:Volume"
FRESH = {
    "urn": f"urn:pulumi:request-1::govcloud-requests::{VOLUME}::fresh",
    "custom": True,
    "type": VOLUME,
    "inputs": {},
    "provider": "urn:pulumi:request-1::govcloud-requests::pulumi:providers:openstack::unit::7f3a",
}
INTERRUPTED = {
    "version": 3,
    "deployment": {**EMPTY["deployment"], "pending_operations": [{"type": "creating", "resource": FRESH}]},  # type: ignore[dict-item]
}
EXISTS = {"code": 1, "err": "error: stack 'organization/govcloud-requests/request-1' already exists\n"}
LOCKED = {"code": 1, "err": "error: the stack is currently locked by 1 lock(s)."}
COMPLETE = json.dumps({"summaryEvent": {}})


class ScriptedCli:
    """A CLI that answers as told, and the engine on it."""

    def __init__(self, home: Path, now: datetime = WRITTEN + timedelta(hours=1)) -> None:
        self.home = home
        script = home / "pulumi"
        source = Path(__file__).with_name("scripted_pulumi.py").read_text()
        script.write_text(source.replace("#!/usr/bin/env python3", f"#!{sys.executable}", 1))
        script.chmod(0o755)
        self.answers({})
        self.slept: list[float] = []
        self.installation = Installation(str(script), home / "engine", "pass phrase")
        self.engine = Engine(self.installation, lambda: attached(4711), now=lambda: now, sleep=self.slept.append)

    def answers(self, by_words: dict[str, list[dict[str, Any]]]) -> None:
        (self.home / "answers.json").write_text(json.dumps(by_words))

    @property
    def calls(self) -> list[dict[str, Any]]:
        path = self.home / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def words(self) -> list[str]:
        return [call["words"] for call in self.calls]

    def up(self, program: Program = Program()) -> Any:  # noqa: B008 - a program is a value
        return self.engine.up(STACK, program, Inputs(str), nothing_found)


def nothing_found(_: Pending) -> None:
    return None


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[ScriptedCli]:
    yield ScriptedCli(tmp_path)
    shutil.rmtree(tmp_path)


def test_a_new_stack_is_made_and_run_with_one_up(cli: ScriptedCli) -> None:
    cli.up()
    cli.up()
    assert cli.words == ["stack init", "up", "up"]


def test_the_up_is_direct_and_served_by_us(cli: ScriptedCli) -> None:
    cli.up()
    arguments = cli.calls[-1]["arguments"]
    assert {"--skip-preview", "--yes", "--non-interactive"} <= set(arguments)
    assert any(argument.startswith("--client=127.0.0.1:") for argument in arguments)
    assert cli.calls[-1]["environment"]["PULUMI_DEBUG_PROVIDERS"] == "openstack:4711"


def test_the_cli_learns_nothing_of_our_environment_that_it_does_not_need(
    cli: ScriptedCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "hush")
    cli.up()
    assert "hush" not in str(cli.calls)
    assert cli.calls[-1]["environment"]["PULUMI_CONFIG_PASSPHRASE"] == "pass phrase"


def test_a_stack_of_an_earlier_process_is_cleared_up_first(cli: ScriptedCli) -> None:
    cli.answers({"stack init": [EXISTS], "stack export": [{"out": json.dumps(EMPTY)}]})
    cli.up()
    cli.up()
    assert cli.words == ["stack init", "cancel", "stack export", "up", "up"]


def test_what_was_being_made_and_is_found_is_taken_over(cli: ScriptedCli) -> None:
    cli.answers({"stack init": [EXISTS], "stack export": [{"out": json.dumps(INTERRUPTED)}]})
    cli.engine.up(STACK, Program(), Inputs(str), lambda pending: f"id of {pending.resource}")
    imported = next(call for call in cli.calls if call["words"] == "stack import")
    (resource,) = json.loads(imported["given"])["deployment"]["resources"]
    assert resource["id"] == "id of fresh"
    assert cli.slept == []


@pytest.mark.parametrize(
    ("age", "waits"), [(0.0, [10.0]), (4.0, [6.0]), (10.0, [0.0]), (3600.0, [0.0]), (-5.0, [10.0])]
)
def test_what_is_not_found_yet_may_still_come(tmp_path: Path, age: float, waits: list[float]) -> None:
    cli = ScriptedCli(tmp_path, WRITTEN + timedelta(seconds=age))
    cli.answers({"stack init": [EXISTS], "stack export": [{"out": json.dumps(INTERRUPTED)}]})
    cli.up()
    assert cli.slept == waits


def test_what_is_not_believed_is_marked_before_the_run(cli: ScriptedCli) -> None:
    known = {"version": 3, "deployment": {**EMPTY["deployment"], "resources": [{**FRESH, "id": "v1"}]}}  # type: ignore[dict-item]
    cli.answers({"stack export": [{"out": json.dumps(known)}]})
    cli.engine.up(STACK, Program(), Inputs(str), nothing_found, {"fresh"})
    assert cli.words == ["stack init", "stack export", "stack import", "up"]
    (resource,) = json.loads(cli.calls[-2]["given"])["deployment"]["resources"]
    assert resource["refreshBeforeUpdate"] is True


def test_a_run_that_did_not_end_by_itself_is_cleared_up_before_the_next(cli: ScriptedCli) -> None:
    cli.answers({"up": [{"code": 255, "err": "panic"}, {}], "stack export": [{"out": json.dumps(EMPTY)}]})
    with pytest.raises(failures.EngineError, match="code 255"):
        cli.up()
    cli.answers({"stack init": [EXISTS], "stack export": [{"out": json.dumps(EMPTY)}]})
    cli.up()
    assert cli.words == ["stack init", "up", "stack init", "cancel", "stack export", "up"]


def test_a_run_that_failed_in_order_is_cleared_up_too(cli: ScriptedCli) -> None:
    """Where its state could not be written, what it made is still under way there, and the engine itself would never look for it."""
    failed = json.dumps({"diagnosticEvent": {"urn": FRESH["urn"], "message": "failed to save snapshot", "severity": "error"}})
    cli.answers({"up": [{"code": 255, "events": f"{failed}\n{COMPLETE}\n"}, {}]})
    with pytest.raises(failures.RunFailed) as error:
        cli.up()
    assert error.value.diagnostics == (failures.Diagnostic("fresh", "failed to save snapshot"),)
    cli.answers({"stack init": [EXISTS], "stack export": [{"out": json.dumps(INTERRUPTED)}]})
    cli.engine.destroy(STACK, lambda pending: f"id of {pending.resource}")
    assert cli.words[3:-1] == ["stack init", "cancel", "stack export", "stack export", "stack import", "destroy"]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (LOCKED, failures.StackLocked),
        ({"code": 1, "err": "error: could not deserialize deployment: incorrect passphrase"}, failures.WrongPassphrase),
        ({"code": 1, "err": "error: failed to load checkpoint: unexpected end of JSON input"}, failures.StateDamaged),
        ({"code": 1, "err": "error: snapshot integrity failure"}, failures.StateDamaged),
        ({"code": 1, "out": "error: an unhandled error occurred: the program raised: boom"}, failures.ProgramFailed),
        ({"code": 1, "out": "error: an unhandled error occurred: the program lost the engine: gone"}, failures.EngineLost),
        ({"code": 3, "err": "no idea"}, failures.EngineError),
    ],
)
def test_what_the_cli_says_is_understood(cli: ScriptedCli, answer: dict[str, Any], failure: type[Exception]) -> None:
    cli.answers({"up": [answer]})
    with pytest.raises(failure) as error:
        cli.up()
    assert type(error.value) is failure


@pytest.mark.parametrize("words", ["web-0 has an invalid character in its name", "could not deserialize the answer"])
def test_what_openstack_says_is_not_taken_for_words_of_the_cli(cli: ScriptedCli, words: str) -> None:
    refused = json.dumps({"diagnosticEvent": {"urn": FRESH["urn"], "message": f"Invalid: fresh: {words}", "severity": "error"}})
    cli.answers({"up": [{"code": 255, "out": f"error: Invalid: fresh: {words}", "events": refused}]})
    with pytest.raises(failures.RunFailed, match=words):
        cli.up()


def test_a_missing_cli_is_told(tmp_path: Path) -> None:
    engine = Engine(Installation(str(tmp_path / "nothing"), tmp_path, "x"), dict)
    with pytest.raises(failures.EngineMissing, match="nothing"):
        engine.up(STACK, Program(), Inputs(str), nothing_found)


def test_destroying_what_was_never_made_is_no_error(cli: ScriptedCli) -> None:
    cli.answers({"stack export": [{"code": 6, "err": "error: no stack named 'request-1' found"}]})
    assert cli.engine.destroy(STACK, nothing_found).operations == {}
    assert cli.words == ["stack export"]


def test_a_stack_that_does_not_exist_remembers_nothing(cli: ScriptedCli) -> None:
    cli.answers({"stack export": [{"code": 6, "err": "error: no stack named 'request-1' found"}]})
    assert cli.engine.remembered(STACK) is None


def test_a_missing_starter_of_the_cli_is_told(cli: ScriptedCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.home))
    with pytest.raises(failures.EngineMissing, match="setpriv"):
        cli.up()


def test_a_killed_controller_takes_the_cli_with_it(tmp_path: Path) -> None:
    """One that lived on would forget the creates under way, and with them what they made."""
    cli, pid = tmp_path / "pulumi", tmp_path / "pid"
    cli.write_text(f"#!/bin/sh\ntrap '' PIPE HUP TERM\necho $$ > {pid}.new; mv {pid}.new {pid}\nexec sleep 600\n")
    cli.chmod(0o755)
    script = (
        "import sys; from pathlib import Path; from stacks.engine.commands import Installation, StackName;"
        "Installation(sys.argv[1], Path(sys.argv[2]), 'x').call(StackName('p', 's'), ['up'])"
    )
    controller = subprocess.Popen([sys.executable, "-c", script, str(cli), str(tmp_path / "home")])
    try:
        until(pid.exists)
        controller.kill()
        controller.wait()
        until(lambda: not _runs(int(pid.read_text())))
    finally:
        controller.kill()


def _runs(process: int) -> bool:
    """A process that ended and that nobody has waited for yet does not run."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found in /proc")
def test_a_process_that_a_killed_controller_left_is_ended(tmp_path: Path) -> None:
    environment = {STACK_VARIABLE: str(STACK), "PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    process = subprocess.Popen(["/bin/sleep", "600"], env={**os.environ, **environment})
    try:
        while not Path(f"/proc/{process.pid}/environ").read_bytes():
            time.sleep(0.01)  # it has begun, but the kernel is still setting it up
        assert leftovers.left_over(STACK, f"file://{tmp_path}") == (process.pid,)
        assert leftovers.left_over(StackName("govcloud-requests", "request-2"), f"file://{tmp_path}") == ()
        assert leftovers.end_left_over(STACK, f"file://{tmp_path}", grace=1.0) == 1
        assert process.wait(PATIENCE) == -9
    finally:
        process.kill()
        process.wait()
