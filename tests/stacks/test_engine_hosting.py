"""How a program is told to an engine: all of it, or an error; over connections that are closed afterwards and shared with nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
from google.protobuf import empty_pb2
from provider.provider_kit import unused_port
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, resource_pb2, resource_pb2_grpc
from waiting import until

from devcloud.patience import PATIENCE
from stacks.engine.commands import StackName
from stacks.engine.hosting import ENGINE_LOST, PROGRAM_RAISED, hosted

STACK = StackName("govcloud-requests", "request-1")


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):  # type: ignore[misc]  # the SDK has no types for it
    """Takes what a program tells, as the engine does; goes away after so many resources. `silent`: gives no answer to this resource."""

    def __init__(self, patience: int = 100, silent: str = "") -> None:
        self.told: list[str] = []
        self.waited_for = False
        self.asked_in_vain = threading.Event()
        self._patience = patience
        self._silent = silent

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802 - name of the protocol
        return resource_pb2.SupportsFeatureResponse(hasSupport=False)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        if len(self.told) == self._patience:
            context.abort(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down while waiting on step's done channel")
        if request.name == self._silent:
            self.asked_in_vain.set()
            hung_up = threading.Event()
            context.add_callback(hung_up.set)
            hung_up.wait(PATIENCE)
        self.told.append(request.name)
        return resource_pb2.RegisterResourceResponse(urn=f"urn:pulumi:request-1::govcloud-requests::{request.type}::{request.name}")

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.waited_for = True
        return empty_pb2.Empty()


@contextmanager
def engine(monitor: Monitor, port: int = 0) -> Iterator[int]:
    """An engine on this port, as long as the block runs."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


def called(program: Callable[[], None], port: int, by: StackName = STACK) -> str:
    """The engine on this port calls for the program; the error that it is answered, empty where there is none."""
    with calling(program, port, by) as call:
        return str(call.result(timeout=PATIENCE).error)


@contextmanager
def calling(program: Callable[[], None], port: int, by: StackName = STACK) -> Iterator[Any]:
    """The call of the engine on this port for the program, under way."""
    request = language_pb2.RunRequest(
        project=by.project, stack=by.stack, organization="organization", monitor_address=f"127.0.0.1:{port}", parallel=4
    )
    with hosted(STACK, program) as host, grpc.insecure_channel(host) as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel).Run.future(request)


def three_parts() -> None:
    for name in ("web", "data", "backup"):
        pulumi.ComponentResource("govcloud:test:Part", name)


def chained() -> None:
    """Resources of which each waits for the one before."""
    before: list[pulumi.Resource] = []
    for name in ("web", "data", "backup"):
        before = [pulumi.ComponentResource("govcloud:test:Part", name, opts=pulumi.ResourceOptions(depends_on=before))]


def connections_to(port: int) -> int:
    """Open connections to a port of loopback, as the kernel knows them."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(f":{port:04X}") and line.split()[3] == "01" for line in lines)


def threads_of_the_run() -> list[str]:
    return [thread.name for thread in threading.enumerate() if str(STACK) in thread.name]


def test_all_of_a_program_is_told() -> None:
    monitor = Monitor()
    with engine(monitor) as port:
        assert called(three_parts, port) == ""
    assert sorted(monitor.told) == ["backup", "data", "govcloud-requests-request-1", "web"]
    assert monitor.waited_for


def test_no_connection_and_no_thread_is_left() -> None:
    with engine(Monitor()) as port:
        called(three_parts, port)
        until(lambda: connections_to(port) == 0)
        until(lambda: threads_of_the_run() == [])


def test_an_engine_out_of_reach_is_never_told_that_there_are_no_more_resources() -> None:
    assert called(three_parts, unused_port()).startswith(ENGINE_LOST)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_an_engine_that_goes_away_meanwhile_neither(patience: int) -> None:
    monitor = Monitor(patience)
    with engine(monitor) as port:
        assert called(three_parts, port).startswith(ENGINE_LOST)
    assert not monitor.waited_for


@pytest.mark.parametrize("program", [three_parts, chained])
def test_a_run_ends_when_its_engine_dies_while_it_is_asked(program: Callable[[], None]) -> None:
    monitor = Monitor(silent="data")
    with engine(monitor) as port:
        with calling(program, port) as call:
            assert monitor.asked_in_vain.wait(PATIENCE)
            call.cancel()  # what the kernel does with the call of an engine that is gone
        until(lambda: threads_of_the_run() == [])
    assert not monitor.waited_for


def test_a_run_ends_when_only_the_monitor_goes_away() -> None:
    monitor = Monitor(silent="data")
    with ExitStack() as running:
        port = running.enter_context(engine(monitor))
        with calling(chained, port) as call:
            assert monitor.asked_in_vain.wait(PATIENCE)
            running.close()
            assert call.result(timeout=PATIENCE).error.startswith(ENGINE_LOST)


def test_what_is_believed_of_a_dead_engine_does_not_count_for_the_next_one_on_its_port() -> None:
    with engine(Monitor()) as port:
        pass  # it dies
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:  # somebody still tries to reach the dead one
        with pytest.raises(grpc.RpcError, match="refused"):
            resource_pb2_grpc.ResourceMonitorStub(channel).SupportsFeature(resource_pb2.SupportsFeatureRequest(id="secrets"))
        assert called(three_parts, port).startswith(ENGINE_LOST)
        with engine(Monitor(), port):
            assert called(three_parts, port) == ""


@pytest.mark.parametrize("fault", [KeyError, SystemExit])
def test_a_program_that_raises_is_told_apart(fault: type[BaseException]) -> None:
    def program() -> None:
        three_parts()
        raise fault("there is no such flavor")

    monitor = Monitor()
    with engine(monitor) as port:
        error = called(program, port)
    assert error.startswith(PROGRAM_RAISED)
    assert "there is no such flavor" in error
    assert not monitor.waited_for


@pytest.mark.parametrize("other", [StackName("govcloud-requests", "request-2"), StackName("govcloud-units", "request-1")])
def test_a_program_is_not_told_to_the_engine_of_another_stack(other: StackName) -> None:
    monitor = Monitor()
    with engine(monitor) as port:
        assert "called for the program of" in called(three_parts, port, by=other)
    assert monitor.told == []


def test_programs_at_the_same_time_are_told_to_their_own_engines() -> None:
    monitors = [Monitor() for _ in range(4)]

    def run(number: int) -> str:
        def program() -> None:
            for part in range(20):
                pulumi.ComponentResource("govcloud:test:Part", f"{number}-{part}")

        with engine(monitors[number]) as port:
            return called(program, port)

    with futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [""] * 4
    for number, monitor in enumerate(monitors):
        assert {name for name in monitor.told if "-" in name and name[0].isdigit()} == {f"{number}-{part}" for part in range(20)}
