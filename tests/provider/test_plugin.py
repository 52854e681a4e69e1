"""The provider as an executable on PATH, driven by the real engine by hand; and its journal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_openstack as openstack
import pytest
from provider.engine_kit import ROOT, Engine
from provider.provider_kit import EFFECT
from provider.twin import Twin, twin

from stacks.provider.errors import ProviderError
from stacks.provider.journal import JournalUnavailable, Write, WriteOutcome
from stacks.provider.plugin import CloudsFile, JsonLinesJournal, RunsByHand

WRITE = Write("block-storage", "POST", "/v3/volumes", "req-1", "p1")


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_intent_is_on_the_disk_when_it_is_given_back(tmp_path: Path) -> None:
    journal = JsonLinesJournal(tmp_path / "journal.jsonl")
    intent = journal.intent(EFFECT, WRITE)
    (record,) = records(tmp_path / "journal.jsonl")
    assert record["intent"] == intent
    assert record["effect"]["urn"] == EFFECT.urn
    assert record["write"]["path"] == "/v3/volumes"
    journal.outcome(intent, WriteOutcome("success", 202, ("req-a",), 0.1))
    assert records(tmp_path / "journal.jsonl")[1]["outcome"] == intent


def test_without_a_file_nothing_can_be_announced() -> None:
    with pytest.raises(JournalUnavailable, match="GOVCLOUD_JOURNAL names no file"):
        JsonLinesJournal(None).intent(EFFECT, WRITE)


def test_a_file_that_cannot_be_written_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="cannot be written"):
        JsonLinesJournal(tmp_path / "missing" / "journal.jsonl").intent(EFFECT, WRITE)


def test_a_run_by_hand_takes_its_owner_and_plan_from_the_environment() -> None:
    run = RunsByHand({"GOVCLOUD_OWNER": "uid", "GOVCLOUD_PLAN": "4"}).of("s")
    assert (run.owner, run.plan, run.allowed) == ("uid", 4, None)
    run = RunsByHand({}).of("s")
    assert (run.owner, run.plan) == ("s", 0)
    with pytest.raises(ProviderError, match="GOVCLOUD_PLAN must be a number, not four"):
        RunsByHand({"GOVCLOUD_PLAN": "four"}).of("s")


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twin]:
    with twin() as cloud:
        auth = {"auth_url": f"{cloud.url}/v3", "username": "u", "password": "hunter2", "project_name": "p1",
                "user_domain_id": "d", "project_domain_name": "Default"}  # fmt: skip
        file = tmp_path / "clouds.yaml"
        file.write_text(json.dumps({"clouds": {"dev": {"region_name": "RegionOne", "auth": auth}}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield cloud


def test_logins_are_those_of_clouds_yaml(cloud: Twin) -> None:
    logins = CloudsFile()
    assert "dev" in logins
    login = logins["dev"]
    assert (login.auth_url, login.region, login.user_domain_id) == (f"{cloud.url}/v3", "RegionOne", "d")
    assert "hunter2" not in repr(login)
    with pytest.raises(KeyError):
        logins["prod"]


def program() -> None:
    on = pulumi.ResourceOptions(provider=openstack.Provider("dev", cloud="dev"))
    openstack.blockstorage.Volume("data", name="data", size=1, opts=on)


@pytest.fixture
def by_hand(cloud: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that finds the provider on PATH, and nothing attached."""
    plugin = tmp_path / "bin" / "pulumi-resource-openstack"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m stacks.provider.plugin "$@"\n')
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{plugin.parent}{os.pathsep}{os.environ['PATH']}")
    engine = Engine(tmp_path, {}, attached=False)
    yield engine
    engine.close()


@pytest.mark.cluster
def test_by_hand_everybody_may_preview_and_only_who_keeps_a_journal_may_change(
    by_hand: Engine, cloud: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert by_hand.preview(program)["create"] == 3
    with pytest.raises(Exception, match="JournalUnavailable: blockstorage Volume data"):
        by_hand.up(program)
    assert cloud.things["volumes"] == {}
    monkeypatch.setenv("GOVCLOUD_JOURNAL", str(tmp_path / "journal.jsonl"))
    by_hand.up(program)
    assert len(cloud.things["volumes"]) == 1
    assert set(by_hand.up(program)) == {"same"}
    assert [record["write"]["method"] for record in records(tmp_path / "journal.jsonl") if "intent" in record] == [
        "POST"
    ]
