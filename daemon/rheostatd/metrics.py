"""Metrics: what the daemon did and holds, as Prometheus text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rheostat_client.messages import Done, Error

from .jobs import Job, Last


class Metrics:
    """Counts ended jobs, and reads the rest off `report` when it is asked."""

    def __init__(self, report: Callable[[], Mapping[str, Any]]) -> None:
        """`report` gives what `status` tells of jobs, store, caches and models."""
        self._registry = CollectorRegistry()
        self._registry.register(_Holdings(report))
        labels = ("model", "purpose")
        self._jobs = Counter(
            "rheostat_jobs",
            "Renders and estimates that ended",
            (*labels, "outcome"),
            registry=self._registry,
        )
        self._pixels = Counter(
            "rheostat_pixels", "Pixels of renders done", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "rheostat_render_seconds", "Time of renders done", labels, registry=self._registry
        )

    def ended(self, job: Job, last: Last) -> None:
        """Count `job`, whose last answer is `last`."""
        labels = job.package.info.id, job.purpose
        if isinstance(last, Error):
            self._jobs.labels(*labels, last.code).inc()
            return
        self._jobs.labels(*labels, "done").inc()
        if not isinstance(last, Done):
            return
        self._pixels.labels(*labels).inc(job.region.area)
        self._seconds.labels(*labels).observe(last.milliseconds / 1000)

    def text(self) -> str:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry).decode()


class _Holdings(Collector):
    """What is held right now."""

    def __init__(self, report: Callable[[], Mapping[str, Any]]) -> None:
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """As the registry asks for it."""
        report = self._report()
        for name, count in report["jobs"].items():
            yield GaugeMetricFamily(f"rheostat_jobs_{name}", f"Jobs {name}", count)
        held = GaugeMetricFamily("rheostat_bytes", "Bytes in memory", labels=["of"])
        held.add_metric(["pictures"], report["store"]["bytes"])
        held.add_metric(["models"], sum(model["bytes"] for model in report["models"]))
        lookups = CounterMetricFamily("rheostat_cache", "Lookups", labels=["cache", "found"])
        for name, cache in report["caches"].items():
            held.add_metric([name], cache["bytes"])
            lookups.add_metric([name, "yes"], cache["hits"])
            lookups.add_metric([name, "no"], cache["misses"])
        yield held
        yield lookups
