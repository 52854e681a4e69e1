"""Reading what the engine did from its event log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stacks.engine.events import Performed, from_lines, logical_name, read_events
from stacks.engine.failures import Diagnostic

URN = "urn:pulumi:request-1::govcloud-requests::"
VOLUME = "openstack:blockstorage/volume:Volume"


def done(operation: str, name: str, type_: str = VOLUME) -> str:
    metadata = {"op": operation, "urn": f"{URN}{type_}::{name}", "type": type_}
    return json.dumps({"resOutputsEvent": {"metadata": metadata}})


def complaint(message: str, name: str = "data", severity: str = "error") -> str:
    return json.dumps({"diagnosticEvent": {"urn": f"{URN}{VOLUME}::{name}", "message": message, "severity": severity}})


SUMMARY = json.dumps({"summaryEvent": {"resourceChanges": {"create": 1}}})


def test_operations_are_counted_by_what_they_were() -> None:
    events = from_lines([done("create", "a"), done("create", "b"), done("same", "c"), done("update", "d"), SUMMARY])
    assert events.operations == {"create": 2, "same": 1, "update": 1}


def test_a_replacement_is_one_operation_however_many_steps_it_takes() -> None:
    steps = ("delete-replaced", "replace", "create-replacement")
    assert from_lines([done(step, "a") for step in steps]).operations == {"replace": 1}


def test_the_engines_own_resources_are_not_counted() -> None:
    lines = [done("create", "unit", "pulumi:providers:openstack"), done("create", "x", "pulumi:pulumi:Stack")]
    assert from_lines(lines).operations == {}


def test_the_last_line_may_be_cut_off() -> None:
    events = from_lines([done("create", "a"), done("create", "b")[:40]])
    assert events.performed == (Performed("a", VOLUME, "create"),)


def test_errors_are_told_with_their_resource_and_without_colours() -> None:
    events = from_lines([complaint("<{%reset%}>QuotaExceeded: no room<{%reset%}>\n"), complaint("x", severity="info")])
    assert events.diagnostics == (Diagnostic("data", "QuotaExceeded: no room"),)


def test_no_log_says_nothing(tmp_path: Path) -> None:
    assert read_events(tmp_path / "missing").performed == ()


def test_a_logical_name_may_hold_anything_but_is_found_after_the_type() -> None:
    cases: dict[str, Any] = {f"{URN}{VOLUME}::web-0": "web-0", f"{URN}{VOLUME}::a::b": "a::b", "nonsense": ""}
    for urn, name in cases.items():
        assert logical_name(urn) == name
