"""Who is the one controller that acts: leadership by a Lease of the Kubernetes API.

The rules, each for a reason that has hurt somebody:
- Time is measured by this machine's own clock, which no administrator sets, and which goes on while the machine is suspended. What other
  holders wrote as their time is for people to read; here counts only how long we have seen no sign of life.
- A holder gives up before others may take over (`renew_deadline` < `duration`), counted from before the request that renewed.
- Lost is lost: `on_lost` ends the process at once. Whoever first tidies up acts as a leader that he no longer is.
- Each change of holder has a higher number. `token` goes into what the leader writes, so that a late write of a former one can be told.
- The Lease is made with the installation: so the controller needs the right to this one only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from govcloud.adapters.kube_api import KubeApi, path_of
from govcloud.adapters.kube_holder import Holder
from govcloud.failures import Retry
from govcloud.reasons import Reason

log = logging.getLogger(__name__)

LEASES = "coordination.k8s.io/v1/leases"
NAME = "govcloud-controller"
MISSING = "there is no Lease {} in {}; run: kubectl apply --server-side -f deploy/rbac/controller.yaml"

Raw = dict[str, Any]


SECONDS_FOR_AN_ANSWER = 3.0
"""Connecting (at most 5 s) and this together end before the deadline of a renewal."""


class LeaseStore(Protocol):
    """What leadership needs of the API: `govcloud.adapters.kube_api.KubeApi` is one. Short timeouts: a call must end before the deadline."""

    def read(self, path: str) -> Raw | None: ...
    def replace(self, path: str, body: Mapping[str, Any]) -> Raw: ...


@dataclass(frozen=True)
class Terms:
    """Whose leadership, and its times in seconds."""

    namespace: str
    holder: Holder
    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    @classmethod
    def lasting(cls, duration: float, namespace: str, holder: Holder) -> Terms:
        """Those of a Lease that runs out after `duration`, 15 and more: a holder gives up after two thirds of it."""
        return cls(namespace, holder, duration, duration * 2 / 3)

    def __post_init__(self) -> None:
        if not self.retry_period < self.renew_deadline < self.duration:
            raise ValueError("retry_period < renew_deadline < duration must hold, else two leaders could act at once")


def boot_seconds() -> float:
    """Seconds since this machine started, those in which it was suspended included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class _SignOfLife:
    """The version of the Lease that was seen last, and when this process first saw it."""

    version: str
    seen_at: float


class Leadership:
    """The claim of one process to be the controller.

    Args:
        on_lost: called once, with a sentence, when leadership is over; it must end the process without waiting for anything.
        clock: seconds that only go forward.
        now: the wall clock, for what people read in the Lease.
    """

    def __init__(
        self,
        store: LeaseStore,
        terms: Terms,
        on_lost: Callable[[str], None],
        clock: Callable[[], float] = boot_seconds,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._terms = terms
        self._on_lost = on_lost
        self._clock = clock
        self._now = now
        self._path = path_of(LEASES, NAME, namespace=terms.namespace)
        self._other: _SignOfLife | None = None
        self._lease: Raw = {}
        self._held_until = float("-inf")
        self._stopped = threading.Event()

    @property
    def token(self) -> int:
        """The fencing token: higher than that of every former holder."""
        return int(self._lease["spec"]["leaseTransitions"])

    @property
    def is_held(self) -> bool:
        """Whether this process may act at this moment. To be asked before every effect."""
        return self._clock() < self._held_until

    def acquire(self, stop: threading.Event) -> bool:
        """Wait until this process is the leader; False when `stop` was set before.

        Raises:
            Stop: the API refuses, and waiting will not help.
        """
        while not stop.is_set():
            if self.try_to_acquire():
                log.info("leader with fencing token %d", self.token)
                return True
            stop.wait(self._terms.retry_period)
        return False

    def try_to_acquire(self) -> bool:
        """Take the Lease if it is free, or if its holder has shown no sign of life for its whole duration."""
        started = self._clock()
        try:
            taken = self._take(self._store.read(self._path))
        except Retry as error:
            log.info("not the leader yet: %s", error.message)
            return False
        return self._is_ours_since(started, taken)

    def _take(self, current: Raw | None) -> Raw | None:
        if current is None:
            raise Retry(Reason.CLUSTER_REFUSED, MISSING.format(NAME, self._terms.namespace))
        said = current.get("spec") or {}  # nothing, as it was installed
        holder = said.get("holderIdentity")
        if holder and not self._is_known_dead(holder) and not self._has_expired(current):
            return None
        return self._store.replace(self._path, self._written(current, said.get("leaseTransitions", 0) + 1))

    def _is_known_dead(self, holder: str) -> bool:
        parsed = Holder.parsed(holder)
        return parsed is not None and parsed.is_known_dead(self._terms.holder)

    def _has_expired(self, current: Raw) -> bool:
        version, now = current["metadata"]["resourceVersion"], self._clock()
        if self._other is None or self._other.version != version:
            self._other = _SignOfLife(version, now)
        duration: float = current["spec"].get("leaseDurationSeconds", self._terms.duration)
        return now - self._other.seen_at > duration

    def _is_ours_since(self, started: float, taken: Raw | None) -> bool:
        if taken is None:
            return False
        self._lease = taken
        self._held_until = started + self._terms.renew_deadline
        return True

    def keep(self) -> None:
        """Renew in the background until `release`, and watch that the last renewal is not too old."""
        threading.Thread(target=self._renew_again_and_again, name="lease-renewal", daemon=True).start()
        # A thread of its own: the renewal may hang in a call whose end nobody can promise.
        threading.Thread(target=self._watch, name="lease-watch", daemon=True).start()

    def _renew_again_and_again(self) -> None:
        while not self._stopped.wait(self._terms.retry_period):
            self.renew()

    def _watch(self) -> None:
        while not self._stopped.wait(self._terms.retry_period / 4):
            self.check()

    def check(self) -> None:
        """End leadership if it could not be renewed in time."""
        if not self.is_held and not self._stopped.is_set():
            self._lose(f"the Lease could not be renewed for {self._terms.renew_deadline:.0f} s")

    def renew(self) -> None:
        """Renew once. A failure is not the end yet; another holder is."""
        started = self._clock()
        try:
            self._is_ours_since(started, self._store.replace(self._path, self._written(self._lease, self.token)))
        except Retry as error:
            log.warning("the Lease was not renewed: %s", error.message)
            self._look_again()
        except Exception as error:  # whatever it is, nobody renews any more
            self._lose(f"the Lease cannot be renewed: {error}")
            raise

    def _look_again(self) -> None:
        """After a failed renewal: it may have arrived although its answer did not, or somebody else may be the leader."""
        try:
            current = self._store.read(self._path)
        except Retry:
            return
        holder = ((current or {}).get("spec") or {}).get("holderIdentity")
        if current is None or holder != str(self._terms.holder):
            self._lose(f"the Lease is held by {holder or 'nobody'}")
        else:
            self._lease = current

    def release(self) -> None:
        """Give the Lease back at an orderly end, after the last effect, so that the next leader need not wait."""
        self._stopped.set()
        self._held_until = float("-inf")
        body = self._written(self._lease, self.token)
        body["spec"]["holderIdentity"] = ""
        try:
            self._store.replace(self._path, body)
        except Retry as error:
            log.warning("the Lease was not given back; it runs out by itself: %s", error.message)

    def _lose(self, why: str) -> None:
        self._held_until = float("-inf")
        if not self._stopped.is_set():
            self._stopped.set()
            self._on_lost(why)

    def _written(self, lease: Raw, transitions: int) -> Raw:
        now = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        since = lease.get("spec", {}).get("acquireTime", now) if lease is self._lease else now
        spec = {
            "holderIdentity": str(self._terms.holder),
            "leaseDurationSeconds": int(self._terms.duration),
            "acquireTime": since,
            "renewTime": now,
            "leaseTransitions": transitions,
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": lease["metadata"], "spec": spec}


@contextmanager
def leadership(api: KubeApi, namespace: str, name: str, on_lost: Callable[[str], None], duration: float) -> Iterator[str]:
    """Wait for leadership, keep it inside the block, give it back at its end; gives the fencing token.

    Args:
        name: the pod's or the machine's name, for people.
        on_lost: see `Leadership`.
        duration: seconds, 15 and more; see `Terms.lasting`.

    Raises:
        Stop: the API refuses, and waiting will not help.
    """
    terms = Terms.lasting(duration, namespace, Holder.this_process(name))
    lead = Leadership(api.with_patience(SECONDS_FOR_AN_ANSWER), terms, on_lost)
    lead.acquire(threading.Event())
    lead.keep()
    try:
        yield str(lead.token)
    finally:
        lead.release()
