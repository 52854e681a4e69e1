"""Ports stay the same from one start to the next, unless somebody else has taken them."""

import socket
from collections.abc import Iterator

import pytest

from devcloud.ports import CANDIDATES, LOOPBACK, NoFreePort, choose, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens during the test."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_on_which_somebody_listens_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_port_is_free_again_once_its_server_has_gone() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        port = server.getsockname()[1]
    assert is_free(port)


def test_every_name_gets_a_free_port_of_its_own() -> None:
    chosen = choose(["a", "b", "c"], before={})
    assert len(set(chosen.values())) == 3
    assert all(port in CANDIDATES and is_free(port) for port in chosen.values())


def test_the_ports_of_the_last_start_are_kept() -> None:
    before = choose(["a", "b"], before={})
    assert choose(["a", "b"], before) == before


def test_a_port_that_somebody_has_taken_meanwhile_is_replaced_and_the_others_stay(taken: int) -> None:
    before = {**choose(["a"], before={}), "b": taken}
    chosen = choose(["a", "b"], before)
    assert chosen["a"] == before["a"]
    assert chosen["b"] != taken
    assert is_free(chosen["b"])


def test_the_port_of_a_server_that_runs_is_kept_although_it_is_in_use(taken: int) -> None:
    assert choose(["a"], {"a": taken}, keep=["a"]) == {"a": taken}


def test_a_new_name_does_not_get_the_port_that_another_name_had() -> None:
    before = choose(["old"], before={}, candidates=range(23000, 23010))
    for _ in range(20):
        chosen = choose(["new", "old"], before, candidates=range(23000, 23010))
        assert chosen["old"] == before["old"] != chosen["new"]


def test_it_is_an_error_with_the_range_in_it_when_no_port_is_free(taken: int) -> None:
    with pytest.raises(NoFreePort, match=f"between {taken} and {taken + 1}"):
        choose(["a"], before={}, candidates=range(taken, taken + 1))
