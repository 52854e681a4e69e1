"""Offering a program to the engine, which calls for it when it is ready for resources.

The SDK's own server (`pulumi.automation._server`) does the same for its Automation API. Five things are otherwise here:

- A program that could not tell all of its resources always ends with an error. An empty answer means that there are no more resources,
  and the engine deletes what was not told. The SDK's server answers so when the engine is out of reach for a moment.
- The connection to the engine is closed at the end of the run. The SDK leaves it to the garbage collector, and gRPC goes on trying
  to reach a port on which nobody listens any more.
- No run shares its connection with another one. By default gRPC shares them by address, with what it believes of them: the port of an
  engine that was killed would count as unreachable also for the next engine that the kernel gives it to.
- A run ends when its engine hangs up. The SDK's may wait for ever for what the engine can no more answer: it tells the engine of each
  failure before it passes that failure on, and where the first fails as well, nobody learns of the second.
- A program is told only to the engine of its own stack. An engine that was left over and calls on a port that has another program now
  would put one unit's resources into another unit's stack.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager, suppress
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.errors import RunError
from pulumi.runtime import run_in_stack
from pulumi.runtime.proto import engine_pb2, language_pb2, language_pb2_grpc, resource_pb2_grpc
from pulumi.runtime.settings import _GRPC_CHANNEL_OPTIONS, reset_options

from stacks.engine.commands import StackName

log = logging.getLogger(__name__)

PROGRAM_RAISED = "the program raised"
"""Begins what the engine is told when the program is at fault, or when the cloud refused an answer that it asked for."""

ENGINE_LOST = "the program lost the engine"
"""Begins what the engine is told when it could not be reached, or gave the run up while the program was still telling."""

_CHANNEL_OPTIONS = [*_GRPC_CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1)]

Program = Callable[[], None]


@contextmanager
def hosted(stack: StackName, program: Program) -> Iterator[str]:
    """Offer the program of this stack on a port of loopback while the block runs; yields the address."""
    threads = futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix=f"host of {stack}")
    server = grpc.server(threads, options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Host(stack, program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=1).wait()
        threads.shutdown(wait=False)


class _Host(LanguageServer):  # type: ignore[misc]  # the SDK has no types for it
    """The SDK's server with a `Run` of ours."""

    def __init__(self, stack: StackName, program: Program) -> None:
        super().__init__(program)
        self._stack = stack

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 - name of the protocol
        caller = StackName(request.project, request.stack)
        if caller != self._stack:
            return language_pb2.RunResponse(error=f"{ENGINE_LOST}: the engine of {caller} called for the program of {self._stack}")
        # The SDK keeps what belongs to one run in context variables.
        return contextvars.copy_context().run(self._run, request, context)

    def _run(self, request: Any, context: Any) -> Any:
        try:
            with grpc.insecure_channel(request.monitor_address, options=_CHANNEL_OPTIONS) as monitor:
                self._tell(request, context, monitor)
        except (grpc.RpcError, RunError, asyncio.CancelledError) as error:
            return language_pb2.RunResponse(error=f"{ENGINE_LOST}: {error}")
        except BaseException as error:  # noqa: BLE001 - the border: the engine waits for an answer, whatever it is
            return language_pb2.RunResponse(error=f"{PROGRAM_RAISED}: {error}\n{traceback.format_exc()}")
        return language_pb2.RunResponse()

    def _tell(self, request: Any, context: Any, monitor: grpc.Channel) -> None:
        """Tell the engine all resources of the program, and wait until it has seen to them."""
        reset_options(
            project=request.project,
            stack=request.stack,
            organization=request.organization,
            monitor_address=resource_pb2_grpc.ResourceMonitorStub(monitor),
            engine_address=_Complaints(),
            parallel=request.parallel,
            preview=request.dryRun,
        )
        with _loop(f"program of {self._stack}", request.parallel) as loop:
            telling = loop.create_task(run_in_stack(self.program))
            if not context.add_callback(lambda: _cancel(telling)):
                telling.cancel()
            loop.run_until_complete(telling)


class _Complaints:
    """Takes what the SDK has to say, in place of the engine. Warnings go to our log; the rest would be a call for each step of each resource."""

    def Log(self, request: Any) -> None:  # noqa: N802 - name of the protocol
        if request.severity >= engine_pb2.WARNING:
            log.warning("%s", request.message)


def _cancel(telling: asyncio.Task[None]) -> None:
    """Called from a thread of gRPC when the engine hangs up, and also at the end of every call, when there is nothing to cancel any more."""
    with suppress(RuntimeError):  # the loop is closed
        telling.get_loop().call_soon_threadsafe(telling.cancel)


@contextmanager
def _loop(name: str, parallel: int) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for one run, with threads for the calls that block. What still runs at its end is cancelled."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_unasked)
    loop.set_default_executor(futures.ThreadPoolExecutor(max(parallel, 1) * 4, thread_name_prefix=name))
    try:
        yield loop
    finally:
        under_way = asyncio.all_tasks(loop)
        for task in under_way:
            task.cancel()
        if under_way:
            loop.run_until_complete(asyncio.wait(under_way))
        loop.close()


def _unasked(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """When a run fails, the first failure ends it; the SDK asks for no other, and asyncio would complain of each."""
    log.debug("failed as well: %s", context.get("exception", context["message"]))
