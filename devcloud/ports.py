"""Free ports on loopback, kept from one start to the next so that addresses and kubeconfigs stay valid."""

import random
import socket
from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes the ports of outgoing connections (32768 and up): a port of ours
# must not be taken, while the cloud is down, by somebody's connection to somewhere.
CANDIDATES = range(20000, 32000)


class NoFreePort(RuntimeError):
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


def choose(names: Iterable[str], before: Mapping[str, int], keep: Iterable[str] = ()) -> dict[str, int]:
    """A port for each name: the one it had `before` where that is still free, else another free one.

    A name in `keep` has its port kept although it is in use: its server runs already. No port is given out twice.
    """
    in_use_by_us = {before[name] for name in keep if name in before}
    chosen: dict[str, int] = {}
    for name in names:
        taken = {*chosen.values(), *before.values()}
        port = before.get(name)
        still_good = port is not None and (port in in_use_by_us if name in keep else is_free(port))
        chosen[name] = port if port is not None and still_good else _another(taken)
    return chosen


def _another(taken: set[int]) -> int:
    # Two checkouts that start at the same moment should not try the same ports in the same order.
    for port in random.sample(CANDIDATES, len(CANDIDATES)):
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"no free port between {CANDIDATES.start} and {CANDIDATES.stop} on {LOOPBACK}")
