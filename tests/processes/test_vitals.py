"""The metrics of several processes in one answer."""

from prometheus_client.parser import text_string_to_metric_families

from tracker.metrics import Metrics
from tracker.processes.vitals import merged
from tracker.web.admin import OwnVitals, exposition


async def test_each_family_comes_once_with_the_samples_of_all_processes() -> None:
    one, two = Metrics(), Metrics()
    one.requests["udp", "announce", "ok"] += 3
    two.requests["udp", "announce", "ok"] += 4
    two.store_seconds.observe(0.3)
    two.gauge("tracker_browsers", "WebSockets open.", lambda: 5)
    told = {str(at): await OwnVitals(each, list).families() for at, each in enumerate((one, two))}
    text = exposition(merged(told)).decode()
    families = list(text_string_to_metric_families(text))
    assert len(families) == len({family.name for family in families})
    values = {
        (sample.name, sample.labels["process"]): sample.value
        for family in families
        for sample in family.samples
        if "le" not in sample.labels
    }
    assert 3 == values["tracker_requests_total", "0"]
    assert 4 == values["tracker_requests_total", "1"]
    assert (0, 1) == (
        values["tracker_store_seconds_count", "0"],
        values["tracker_store_seconds_count", "1"],
    )
    assert 5 == values["tracker_browsers", "1"]
    assert ("tracker_browsers", "0") not in values
    assert values["process_resident_memory_bytes", "0"] > 1 << 20
    assert {"counter", "gauge", "histogram"} <= {family.type for family in families}
    assert "# HELP tracker_requests_total Requests by outcome." in text


def test_nobody_tells_nothing() -> None:
    assert [] == merged({"0": (), "1": ()})
