"""Whose connection a call comes on. An engine opens one connection per provider resource and configures it first.

Everything is keyed by that connection: one process serves many engines at once, and with one configuration for all of
them a tenant's resources would be made with another tenant's login.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from stacks.provider.errors import Code, ProviderError


@dataclass(frozen=True)
class Peer:
    """A configured connection.

    Attributes:
        cloud: name of the login, as the provider resource gives it.
        stack: stack that the provider resource belongs to; empty when the engine did not say.
        cancelled: set when the engine cancels or its run ends.
    """

    cloud: str
    stack: str
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False)


class Peers:
    """The configured connections. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._peers: dict[str, Peer] = {}

    def configure(self, address: str, peer: Peer) -> None:
        """Remember a connection; an address that is used again starts anew."""
        with self._lock:
            self._peers[address] = peer

    def of(self, address: str) -> Peer:
        """The connection with that address.

        Raises:
            ProviderError: it was never configured (a reconnect after idleness, a stranger), or its run was cancelled.
        """
        with self._lock:
            peer = self._peers.get(address)
        if peer is None:
            raise ProviderError(Code.UNAUTHORIZED, "this connection was not configured; nothing is done on it")
        if peer.cancelled.is_set():
            raise ProviderError(Code.CANCELLED, "the run on this connection was cancelled")
        return peer

    def cancel(self, address: str) -> None:
        """Stop what waits on this connection, and on no other."""
        with self._lock:
            peer = self._peers.get(address)
        if peer is not None:
            peer.cancelled.set()

    def forget(self, stack: str) -> None:
        """Drop the connections of a stack whose run has ended."""
        with self._lock:
            ended = {address: peer for address, peer in self._peers.items() if peer.stack == stack}
            for address in ended:
                del self._peers[address]
        for peer in ended.values():
            peer.cancelled.set()

    def cancel_all(self) -> None:
        """Stop everything: the server is going down."""
        with self._lock:
            peers = tuple(self._peers.values())
        for peer in peers:
            peer.cancelled.set()
