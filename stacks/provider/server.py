"""The provider inside a process that runs engines: one server on loopback for all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from stacks.provider.clouds import Clouds
from stacks.provider.journal import Journal
from stacks.provider.peers import Peers
from stacks.provider.runs import Run, RunSource
from stacks.provider.servicer import Servicer
from stacks.provider.session import Clock, SystemClock

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes, as the engine has it."""


class ProviderServer:
    """Serves the provider on 127.0.0.1.

    Engines attach with `PULUMI_DEBUG_PROVIDERS=openstack:<port>`. Their runs must be registered in `runs` first, and
    each write is announced to `journal`.

    Args:
        runs: which stack may do what, with which logins.
        journal: where every write is recorded.
        clock: the time.
        workers: how many calls are carried out at once; one that waits for a server occupies one.
    """

    def __init__(self, runs: RunSource, journal: Journal, *, clock: Clock | None = None, workers: int = 128) -> None:
        clock = clock or SystemClock()
        self._runs = runs
        self._peers = Peers()
        self._clouds = Clouds(journal, clock)
        self._servicer = Servicer(runs, self._clouds, self._peers, clock)
        self._workers = workers
        self._server: Any = None
        runs.when_ended(self._forget)

    def start(self, port: int = 0) -> int:
        """Listen; returns the port.

        Raises:
            RuntimeError: the port is taken, or the server runs already.
        """
        if self._server is not None:
            raise RuntimeError("the provider server runs already")
        limits = [
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ]
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="provider")
        server = grpc.server(pool, options=[*limits, ("grpc.so_reuseport", 0)])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self._servicer, server)
        bound = int(server.add_insecure_port(f"127.0.0.1:{port}"))
        server.start()
        self._server = server
        return bound

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Stop what waits, let calls end, close all connections."""
        self._peers.cancel_all()
        if self._server is not None:
            self._server.stop(grace_seconds).wait()
            self._server = None
        self._clouds.close_all_but(frozenset())

    def wait(self) -> None:
        """Serve until `stop`."""
        if self._server is not None:
            self._server.wait_for_termination()

    def _forget(self, run: Run) -> None:
        self._peers.forget(run.stack)
        self._clouds.close_all_but(self._runs.logins_in_use())
