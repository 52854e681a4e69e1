"""The engine's states in a real PostgreSQL, or a bucket: what one machine wrote, another one reads, and no secret is in plain in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from provider.engine_kit import pulumi_binary
from states_store import StateBucket, Store, states_in_a_bucket, states_in_postgresql

from stacks.engine.commands import Installation, StackName
from stacks.engine.failures import EngineError, WrongPassphrase
from stacks.engine.registration import Inputs
from stacks.engine.runner import Engine
from stacks.program import Program, Secret

pytestmark = pytest.mark.cluster

STACK = StackName("govcloud-requests", "request-1")
PROGRAM = Program((), {"greeting": "hello", "password": Secret("p")})
HUSH, PASSPHRASE = "battery-staple-4711", "correct horse"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with states_in_postgresql(tmp_path) as made:
        monkeypatch.setenv("PGPASSFILE", str(made.password_file))
        yield made


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateBucket]:
    with states_in_a_bucket(tmp_path) as made:
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(made.server.credentials))
        yield made


def engine(home: Path, url: str, passphrase: str = PASSPHRASE) -> Engine:
    return Engine(Installation(str(pulumi_binary()), home, passphrase, url), dict)


def up(runner: Engine) -> None:
    runner.up(STACK, PROGRAM, Inputs(lambda _: HUSH, {}), lambda _: None)


@pytest.mark.parametrize("where", ["store", pytest.param("bucket", marks=pytest.mark.soak)])
def test_another_machine_goes_on_with_what_one_has_written(request: pytest.FixtureRequest, where: str, tmp_path: Path) -> None:
    store: Store | StateBucket = request.getfixturevalue(where)
    one, other = engine(tmp_path / "one", store.url), engine(tmp_path / "other", store.url)
    assert other.remembered(STACK) is None
    up(one)
    remembered = other.remembered(STACK)
    assert remembered is not None
    assert remembered.outputs == {"greeting": "hello", "password": HUSH}
    kept = store.everything()
    assert "hello" in kept
    assert HUSH not in kept
    with pytest.raises(WrongPassphrase):
        engine(tmp_path / "thief", store.url, "wrong").remembered(STACK)
    up(other)
    other.destroy(STACK, lambda _: None)
    emptied = one.remembered(STACK)
    assert emptied is not None
    assert emptied.outputs == {}


@pytest.mark.soak
def test_a_database_that_is_away_is_told_and_waited_for(store: Store, tmp_path: Path) -> None:
    runner = engine(tmp_path / "one", store.url)
    up(runner)
    store.server.stop()
    with pytest.raises(EngineError):
        up(runner)
    store.server.start()
    up(runner)
