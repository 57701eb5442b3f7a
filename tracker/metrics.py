"""Counters that cost an addition, and their reading in Prometheus's words.

`prometheus_client`'s own counters take a lock and a label look-up at each step, about a
microsecond; an announce counts several things. Here a family is a dictionary of integers, and
only a reader of ``/metrics`` pays for the rest. Labels are constants of the code, never input,
so their set is bounded.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Counter(defaultdict[tuple[str, ...], int]):
    """A family of counters: label values -> count. ``family["udp", "announce", "ok"] += 1``."""

    def __init__(self, name: str, help_: str, labels: tuple[str, ...]) -> None:
        super().__init__(int)
        self.name, self.help, self.labels = name, help_, labels

    def read(self) -> Metric:
        """This family in Prometheus's words."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for values, count in list(self.items()):
            family.add_metric(values, count)
        return family


class Histogram:
    """How long something took, in seconds, counted in fixed buckets."""

    BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

    def __init__(self, name: str, help_: str) -> None:
        self.name, self.help = name, help_
        self._counts = [0] * (len(self.BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(self.BOUNDS, seconds)] += 1
        self._sum += seconds

    def read(self) -> Metric:
        """This histogram in Prometheus's words."""
        bounds = [*map(str, self.BOUNDS), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        return HistogramMetricFamily(self.name, self.help, buckets, self._sum)


class Metrics(Collector):
    """All that one process counts. Made once and handed to the parts that count."""

    def __init__(self) -> None:
        self.requests = Counter(
            "tracker_requests", "Requests by outcome.", ("protocol", "action", "outcome")
        )
        self.relayed = Counter(
            "tracker_relayed", "Offers and answers between browsers.", ("kind", "outcome")
        )
        self.unusable = Counter(
            "tracker_unusable", "Parts of requests that were left out.", ("protocol", "part")
        )
        self.closed = Counter(
            "tracker_closed", "TCP connections that we cut.", ("protocol", "reason")
        )
        self.refused = Counter(
            "tracker_refused",
            "Refusals: by which budget, and whose (socket, address, process, redis, origin).",
            ("budget", "of"),
        )
        self.udp_dropped = Counter(
            "tracker_udp_dropped",
            "Datagrams that the kernel dropped because a receive buffer was full.",
            (),
        )
        self.store_errors = Counter(
            "tracker_store_errors", "Requests that Redis did not serve.", ("kind",)
        )
        self.jobs = Counter("tracker_jobs", "Background jobs that ran.", ("name", "outcome"))
        self.job_results: dict[str, Mapping[str, int]] = {}  # by job: its last run in numbers
        self.store_seconds = Histogram(
            "tracker_store_seconds", "Longest time to a reply among those that Redis sent at once."
        )
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._refresh: list[Callable[[], None]] = []

    def gauge(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """Let `read` be asked whenever somebody reads the metrics."""
        self._gauges.append((name, help_, read))

    def before_reading(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` whenever the metrics are read, so that it brings its counts up to date."""
        self._refresh.append(refresh)

    def collect(self) -> Iterator[Metric]:
        """All families, for `prometheus_client`."""
        for refresh in self._refresh:
            refresh()
        for counter in (
            self.requests,
            self.relayed,
            self.unusable,
            self.closed,
            self.refused,
            self.udp_dropped,
            self.store_errors,
            self.jobs,
        ):
            yield counter.read()
        yield self._read_job_results()
        yield self.store_seconds.read()
        for name, help_, read in self._gauges:
            yield GaugeMetricFamily(name, help_, value=read())

    def _read_job_results(self) -> Metric:
        family = GaugeMetricFamily(
            "tracker_job_result", "A background job's last run in numbers.", labels=("name", "what")
        )
        for job, numbers in list(self.job_results.items()):
            for what, number in numbers.items():
                family.add_metric((job, what), number)
        return family

    def registry(self) -> CollectorRegistry:
        """A registry that holds these metrics alone."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry
