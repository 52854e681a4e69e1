"""The provider over its real gRPC, called as an engine calls it, against a little cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from provider.provider_kit import FastClock, MemoryJournal
from provider.twin import Twin, twin
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from stacks.provider import wire
from stacks.provider.errors import Code, code_in
from stacks.provider.runs import Run, Runs
from stacks.provider.server import ProviderServer

OWNER = "5c2f2a52-0000-4000-8000-000000000001"
VOLUME = "openstack:blockstorage/volume:Volume"
NETWORK = "openstack:networking/network:Network"
KEYPAIR = "openstack:compute/keypair:Keypair"
CREDENTIAL = "openstack:identity/applicationCredential:ApplicationCredential"
DATA = {"name": "data", "size": 1, "metadata": {"govcloud_stage": "trial"}, "enableOnlineResize": True}


def urn_of(type_token: str, name: str, stack: str = "s1") -> str:
    return f"urn:pulumi:{stack}::govcloud::{type_token}::{name}"


class EngineCall:
    """One connection to the provider, as an engine opens it for one provider resource."""

    def __init__(self, port: int) -> None:
        # Without this, connections of one process are shared, and every "engine" would be the same peer.
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def configure(self, cloud: str = "unit", stack: str = "s1") -> EngineCall:
        self.stub.Handshake(
            provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1", configure_with_urn=True)
        )
        urn = f"urn:pulumi:{stack}::govcloud::pulumi:providers:openstack::unit"
        self.stub.Configure(provider_pb2.ConfigureRequest(args=wire.struct_of({"cloud": cloud}), urn=urn))
        return self

    def create(
        self, inputs: dict[str, Any], type_token: str = VOLUME, name: str = "data", stack: str = "s1", *,
        preview: bool = False, secrets: frozenset[str] = frozenset(), timeout: float = 0.0,
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        request = provider_pb2.CreateRequest(
            urn=urn_of(type_token, name, stack),
            properties=wire.struct_of(inputs, secrets),
            preview=preview,
            timeout=timeout,
        )
        answer = self.stub.Create(request)
        return answer.id, wire.values_of(answer.properties)

    def update(
        self, identity: str, old: dict[str, Any], new: dict[str, Any], type_token: str = VOLUME, name: str = "data", *,
        preview: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        request = provider_pb2.UpdateRequest(
            id=identity, urn=urn_of(type_token, name), olds=wire.struct_of(old), old_inputs=wire.struct_of(old),
            news=wire.struct_of(new), preview=preview,
        )  # fmt: skip
        return wire.values_of(self.stub.Update(request).properties)

    def delete(self, identity: str, inputs: dict[str, Any], type_token: str = VOLUME, name: str = "data") -> None:
        properties = wire.struct_of(inputs)
        urn = urn_of(type_token, name)
        self.stub.Delete(provider_pb2.DeleteRequest(id=identity, urn=urn, old_inputs=properties, properties=properties))

    def read(self, identity: str, inputs: dict[str, Any], type_token: str = VOLUME, name: str = "data") -> Any:
        return self.stub.Read(
            provider_pb2.ReadRequest(id=identity, urn=urn_of(type_token, name), inputs=wire.struct_of(inputs))
        )


@dataclass
class Stage:
    """A provider, its registry, a journal, and a little cloud."""

    cloud: Twin
    runs: Runs
    journal: MemoryJournal
    clock: FastClock
    port: int
    calls: list[EngineCall] = field(default_factory=list)

    def engine(self) -> EngineCall:
        call = EngineCall(self.port)
        self.calls.append(call)
        return call

    def run(self, stack: str = "s1", plan: int = 1, project: str = "p1", allowed: Any = None) -> Run:
        run = Run(stack, OWNER, plan, {"unit": self.cloud.login(project)}, allowed)
        self.runs.register(run)
        return run

    def volumes(self) -> list[dict[str, Any]]:
        return list(self.cloud.things["volumes"].values())


@contextmanager
def staged() -> Iterator[Stage]:
    """A provider that serves until the block ends, with its own little cloud."""
    with twin() as cloud:
        runs, journal, clock = Runs(), MemoryJournal(), FastClock()
        server = ProviderServer(runs, journal, clock=clock, workers=8)
        stage = Stage(cloud, runs, journal, clock, server.start())
        try:
            yield stage
        finally:
            for call in stage.calls:
                call.channel.close()
            server.stop(0.2)


@contextmanager
def told(code: Code) -> Iterator[list[str]]:
    """Expect a failure with this code; the list then holds its sentence."""
    said: list[str] = []
    with pytest.raises(grpc.RpcError) as failed:
        yield said
    said.append(str(failed.value.details()))
    assert code_in(said[0]) is code, said[0]
