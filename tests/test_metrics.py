"""Counters that cost an addition, read in Prometheus's words."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tracker.metrics import Histogram, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def registry(metrics: Metrics) -> CollectorRegistry:
    return metrics.registry()


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("requests", {"protocol": "udp", "action": "announce", "outcome": "ok"}),
        ("relayed", {"kind": "offer", "outcome": "local"}),
        ("closed", {"protocol": "http", "reason": "slow"}),
        ("store_errors", {"kind": "timeout"}),
        ("jobs", {"name": "statistics", "outcome": "ok"}),
    ],
)
def test_counters_are_read_by_their_labels(
    metrics: Metrics, registry: CollectorRegistry, name: str, labels: dict[str, str]
) -> None:
    sample = f"tracker_{name}_total"
    assert registry.get_sample_value(sample, labels) is None
    getattr(metrics, name)[tuple(labels.values())] += 1
    getattr(metrics, name)[tuple(labels.values())] += 2
    assert 3 == registry.get_sample_value(sample, labels)


def test_results_of_jobs_are_shown_until_they_are_another_process_to_tell(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    labels = {"name": "statistics", "what": "swarms"}
    metrics.job_results["statistics"] = {"swarms": 3, "frontends": 2}
    assert 3 == registry.get_sample_value("tracker_job_result", labels)
    del metrics.job_results["statistics"]
    assert registry.get_sample_value("tracker_job_result", labels) is None


def test_a_histogram_counts_in_buckets_that_hold_all_smaller_ones(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    for seconds in (0.0001, 0.0005, 0.0006, 1.5, 7.0):
        metrics.store_seconds.observe(seconds)
    counted = {
        bound: registry.get_sample_value("tracker_store_seconds_bucket", {"le": bound})
        for bound in ("0.0005", "0.001", "1.0", "2.0", "+Inf")
    }
    assert {"0.0005": 2, "0.001": 3, "1.0": 3, "2.0": 4, "+Inf": 5} == counted
    assert 5 == registry.get_sample_value("tracker_store_seconds_count")
    total = registry.get_sample_value("tracker_store_seconds_sum")
    assert pytest.approx(8.5012) == total


def test_a_histograms_bounds_grow() -> None:
    assert sorted(set(Histogram.BOUNDS)) == list(Histogram.BOUNDS)


def test_a_gauge_is_asked_at_each_reading(metrics: Metrics, registry: CollectorRegistry) -> None:
    sockets = [1, 2, 3]
    metrics.gauge("tracker_sockets", "Open sockets.", lambda: len(sockets))
    assert 3 == registry.get_sample_value("tracker_sockets")
    sockets.pop()
    assert 2 == registry.get_sample_value("tracker_sockets")


def test_counts_are_brought_up_to_date_before_each_reading(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    def refresh() -> None:
        metrics.udp_dropped[()] += 2

    metrics.before_reading(refresh)
    assert 2 == registry.get_sample_value("tracker_udp_dropped_total")
    assert 4 == registry.get_sample_value("tracker_udp_dropped_total")


def test_the_whole_is_text_that_prometheus_reads(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    metrics.requests["http", "scrape", "ok"] += 1
    text = generate_latest(registry).decode()
    sample = 'tracker_requests_total{action="scrape",outcome="ok",protocol="http"} 1.0'
    assert sample in text.splitlines()
    assert "# TYPE tracker_store_seconds histogram" in text.splitlines()
    assert "# TYPE tracker_store_errors_total counter" in text.splitlines()
