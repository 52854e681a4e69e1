"""Free ports on loopback, kept from one start to the next so that addresses and kubeconfigs stay valid."""

import random
import socket
from collections.abc import Collection, Iterable, Mapping

from devcloud.failures import DevCloudError

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes the ports of outgoing connections (32768 and up): a port of ours
# must not be taken, while the cloud is down, by somebody's connection to somewhere.
CANDIDATES = range(23000, 32000)
# The control plane and OpenStack start at the same time: each chooses from ports that the other does not try.
CONTROL_PLANE_CANDIDATES = range(20000, 23000)


class NoFreePort(DevCloudError):
    """Every candidate port is in use."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(
    names: Iterable[str], before: Mapping[str, int], keep: Collection[str] = (), candidates: range = CANDIDATES
) -> dict[str, int]:
    """A port for each name: the one it had `before` where that is still free, else another free one.

    A name in `keep` has its port kept although it is in use: its server runs already. No port is given out twice.
    Raises `NoFreePort` when none of `candidates` is free.
    """
    chosen: dict[str, int] = {}
    for name in names:
        port = before.get(name)
        if port is None or not (name in keep or is_free(port)):
            port = _another(candidates, {*chosen.values(), *before.values()})
        chosen[name] = port
    return chosen


def _another(candidates: range, taken: set[int]) -> int:
    # Two checkouts that start at the same moment should not try the same ports in the same order.
    for port in random.sample(candidates, len(candidates)):
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"no free port between {candidates.start} and {candidates.stop} on {LOOPBACK}")
