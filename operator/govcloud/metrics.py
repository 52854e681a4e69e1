"""What Prometheus sees: passes, failures, how many requests stand where, and how long passes take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from govcloud.audit.copying import Lag

Whose = tuple[str, str, str]
"""Jurisdiction, step and office of a deadline."""


class Metrics:
    """The controller's own metrics, in a registry of their own."""

    def __init__(self, waiting: Callable[[], float], overdue: Callable[[], Mapping[Whose, int]]) -> None:
        self.registry = CollectorRegistry()
        self.passes = Counter(
            "govcloud_passes_total", "Passes over requests, by the action taken.", ["action"], registry=self.registry
        )
        self.faults = Counter(
            "govcloud_faults_total",
            "Actions that failed, by kind and reason.",
            ["kind", "reason"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "govcloud_pass_seconds",
            "How long a pass took.",
            registry=self.registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
        )
        self.watch("govcloud_queue", "Requests that are due or being worked on.", waiting)
        self.deadlines = Counter(
            "govcloud_deadlines_total",
            "Legal limits that ended, by result (OnTime, Late, Withdrawn), since this process began.",
            ["jurisdiction", "step", "office", "result"],
            registry=self.registry,
        )
        self.registry.register(_Overdue(overdue))
        self.notifications = Counter(
            "govcloud_notifications_total",
            "Attempts to tell a receiver, by result: Accepted, or why not.",
            ["jurisdiction", "result"],
            registry=self.registry,
        )

        self.backups = Counter(
            "govcloud_regular_backups_total",
            "Regular backups that ended, by result: Verified, Failed, Mismatch, or Withdrawn before the end of what they are of.",
            ["result"],
            registry=self.registry,
        )

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for whenever somebody looks."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def watch_copies(self, lag: Callable[[], Lag], lock: Callable[[], timedelta | None]) -> None:
        """Show how far the copies of the audit log are behind, and whether they are locked where they lie."""
        self.watch(
            "govcloud_audit_uncopied_records", "Records of the audit log that are not copied yet.", lambda: lag().records
        )
        self.watch(
            "govcloud_audit_uncopied_seconds",
            "Age of the oldest record of the audit log that is not copied yet.",
            lambda: lag().age.total_seconds(),
        )
        self.watch(
            "govcloud_audit_copies_locked_days",
            "Days for which nobody can delete a copy of the audit log; 0 where the store has no retention lock, and until it was asked.",
            lambda: (lock() or timedelta()).days,
        )

    def watch_rights(self, count: Callable[[bool], int]) -> None:
        """Show how many rights to approve there are: granted as the installation does it, and otherwise."""
        gauge = Gauge(
            "govcloud_approval_rights",
            "Grants of the right to decide an approval step, by whether they are set up as deploy/rbac does it.",
            ["granted"],
            registry=self.registry,
        )
        gauge.labels("as-set-up").set_function(partial(count, True))
        gauge.labels("otherwise").set_function(partial(count, False))

    def watch_publication(self, places: Iterable[str], lag: Callable[[str], float]) -> None:
        """Tell how far each place is behind that checkpoints of the audit log are published to."""
        gauge = Gauge(
            "govcloud_audit_publication_lag_seconds",
            "Age of the oldest checkpoint of the audit log that has not reached the place.",
            ["place"],
            registry=self.registry,
        )
        for place in places:
            gauge.labels(place).set_function(partial(lag, place))


class _Overdue(Collector):
    """Counted when somebody looks: what is overdue changes with time alone."""

    def __init__(self, overdue: Callable[[], Mapping[Whose, int]]) -> None:
        self._overdue = overdue

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily(
            "govcloud_deadlines_overdue", "Work whose legal limit has passed.", labels=["jurisdiction", "step", "office"]
        )
        for whose, count in sorted(self._overdue().items()):
            gauge.add_metric(whose, count)
        yield gauge
