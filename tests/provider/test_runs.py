"""What is not registered is refused: stacks, clouds, connections, operations."""

from __future__ import annotations

import pytest

from stacks.provider.errors import Code, ProviderError
from stacks.provider.peers import Peer, Peers
from stacks.provider.runs import CloudLogin, Run, Runs, login_for

LOGIN = CloudLogin(
    "http://keystone/v3", "RegionOne", application_credential_id="id", application_credential_secret="hush"
)
RUN = Run("csreq-1", "uid", 3, {"unit-a": LOGIN})


def test_a_login_does_not_show_its_secrets() -> None:
    with_password = CloudLogin("http://k", "R", username="u", password="hush", project_name="p")
    for login in (LOGIN, with_password):
        assert "hush" not in repr(login)
        assert "hush" not in str(login)
        assert login.secrets == ("hush",)
    assert "hush" not in repr(RUN)


def test_a_stack_that_is_not_registered_is_refused() -> None:
    runs = Runs()
    with pytest.raises(ProviderError, match="no run of stack csreq-1 is registered") as refused:
        runs.of("csreq-1")
    assert refused.value.code is Code.UNAUTHORIZED


def test_a_run_is_known_while_it_runs_and_no_longer() -> None:
    runs = Runs()
    ended: list[Run] = []
    runs.when_ended(ended.append)
    with runs.running(RUN):
        assert runs.of("csreq-1") == RUN
        assert runs.logins_in_use() == {LOGIN}
    assert ended == [RUN]
    assert runs.logins_in_use() == frozenset()
    with pytest.raises(ProviderError):
        runs.of("csreq-1")


def test_two_runs_of_one_stack_at_once_are_a_fault() -> None:
    runs = Runs()
    with runs.running(RUN), pytest.raises(ValueError, match="already registered"):
        runs.register(RUN)


def test_a_run_that_fails_is_forgotten_too() -> None:
    runs = Runs()
    with pytest.raises(RuntimeError), runs.running(RUN):
        raise RuntimeError("engine died")
    runs.register(RUN)


def test_a_cloud_that_the_run_does_not_list_is_refused() -> None:
    assert login_for(RUN, "unit-a") == LOGIN
    with pytest.raises(ProviderError, match="has no cloud named 'unit-b'"):
        login_for(RUN, "unit-b")


@pytest.mark.parametrize(
    ("operation", "allowed", "expected"),
    [
        ("create", {("web", "create")}, True),
        ("create", {("web", "replace")}, True),
        ("delete", {("web", "replace")}, True),
        ("update", {("web", "replace")}, False),
        ("delete", {("web", "create")}, False),
        ("create", {("db", "create")}, False),
        ("delete", set(), False),
        ("delete", None, True),
    ],
)
def test_only_what_the_plan_says_is_allowed(
    operation: str, allowed: set[tuple[str, str]] | None, expected: bool
) -> None:
    run = Run("s", "uid", 1, {}, None if allowed is None else frozenset(allowed))
    assert run.allows("web", operation) is expected


def test_a_connection_that_was_never_configured_is_refused() -> None:
    with pytest.raises(ProviderError, match="not configured"):
        Peers().of("ipv4:127.0.0.1:1")


def test_a_cancel_reaches_its_own_connection_only() -> None:
    peers = Peers()
    peers.configure("a", Peer("unit-a", "s1"))
    peers.configure("b", Peer("unit-b", "s2"))
    peers.cancel("a")
    with pytest.raises(ProviderError, match="cancelled"):
        peers.of("a")
    assert peers.of("b").cloud == "unit-b"


def test_the_connections_of_an_ended_run_are_forgotten_and_what_waits_on_them_stops() -> None:
    peers = Peers()
    peers.configure("a", Peer("unit-a", "s1"))
    peers.configure("b", Peer("unit-b", "s2"))
    waiting = peers.of("a").cancelled
    peers.forget("s1")
    assert waiting.is_set()
    with pytest.raises(ProviderError, match="not configured"):
        peers.of("a")
    assert peers.of("b").stack == "s2"


def test_what_a_run_keeps_it_neither_deletes_nor_replaces() -> None:
    for allowed in (None, frozenset({("project", "delete")}), frozenset({("project", "replace")})):
        run = Run("unit-1", "uid", 1, {}, allowed, kept=frozenset({"project"}))
        assert not run.allows("project", "delete")
    run = Run("unit-1", "uid", 1, {}, kept=frozenset({"project"}))
    assert run.allows("project", "update")
    assert run.allows("credential", "delete")
