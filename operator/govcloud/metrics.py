"""What Prometheus sees: passes, failures, how many requests stand where, and how long passes take."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The controller's own metrics, in a registry of their own."""

    def __init__(self, waiting: Callable[[], float]) -> None:
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
        Gauge("govcloud_queue", "Requests that are due or being worked on.", registry=self.registry).set_function(
            waiting
        )
