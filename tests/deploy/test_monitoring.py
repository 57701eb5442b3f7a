"""The profile `monitoring` sees all of the cluster, and what the dashboard asks has answers.

Grafana itself is not run: there is no stand-in for its image.
"""

import json
import urllib.parse
import urllib.request
from itertools import combinations

import pytest
import yaml

from tests.cluster.load import running_load
from tests.deploy.conftest import StartStack
from tests.deploy.manifests import Json
from tests.deploy.stack import PATIENT, Stack
from tests.shape.files import ROOT

MONITORING = ROOT / "deploy/monitoring"
DASHBOARD: Json = json.loads((MONITORING / "grafana/tracker.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# While all is well there is nothing to see.
EMPTY = {"Requests that were not served", "Connections that were cut", "Requests not served"}
DATA_SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH = 24
SEEN_WITHIN_S = 90  # rates need samples of more than a quarter of a minute


def query(stack: Stack, expression: str) -> list[Json]:
    """What Prometheus answers, at the address that is published to the host itself."""
    asked = urllib.parse.urlencode({"query": expression.replace("$__rate_interval", "1m")})
    url = f"http://127.0.0.1:9090/api/v1/query?{asked}"
    with stack.host.inside(), urllib.request.urlopen(url, timeout=5) as reply:
        answer = json.loads(reply.read())
    assert answer["status"] == "success"
    found: list[Json] = answer["data"]["result"]
    return found


@pytest.mark.timeout(400)  # the images, for the first test
def test_prometheus_asks_all_that_run_and_the_dashboard_has_something_to_show(
    start: StartStack,
) -> None:
    with start("monitoring", without="grafana") as stack:
        with running_load(stack.balancer, PATIENT, at=stack.clients) as load:
            wanted = {"http": 2, "udp": 2, "workers": 2, "forwarder": 1}

            def up() -> bool:
                told = query(stack, 'count by (component) (up{job="tracker"} == 1)')
                return wanted == {t["metric"]["component"]: int(t["value"][1]) for t in told}

            load.until(up, 60)
            load.until(lambda: bool(query(stack, 'up{job="haproxy"} == 1')), 60)
            assert query(stack, "haproxy_frontend_denied_connections_total")
            stack.up(http=3)
            wanted["http"] = 3
            load.until(up, 60)

            def empty() -> set[str]:
                return {
                    panel["title"]
                    for panel in PANELS
                    for target in panel["targets"]
                    if not query(stack, target["expr"])
                }

            load.until(lambda: empty() <= EMPTY, SEEN_WITHIN_S)
        assert [] == query(stack, 'ALERTS{alertstate="firing"}')


def test_panels_are_beside_each_other() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= WIDTH for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_panels_can_be_told_apart_and_ask_the_chosen_source() -> None:
    for key in ("id", "title"):
        told = [panel[key] for panel in DASHBOARD["panels"]]
        assert sorted(set(told)) == sorted(told)
    for panel in PANELS:
        assert DATA_SOURCE == panel["datasource"]
        assert all(DATA_SOURCE == target["datasource"] for target in panel["targets"])
        assert len(panel["targets"]) == len({target["refId"] for target in panel["targets"]})
    assert EMPTY < {panel["title"] for panel in PANELS}


def test_grafana_is_told_where_all_that_is() -> None:
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    mounts = dict(mount.split(":")[:2] for mount in grafana["volumes"])
    for source in (each for each in mounts if each.startswith(".")):
        assert (ROOT / source).is_file(), source
    (provider,) = yaml.safe_load((MONITORING / "grafana/dashboards.yaml").read_text())["providers"]
    assert provider["options"]["path"] + "/tracker.json" in mounts.values()
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home in mounts.values()
    (source,) = yaml.safe_load((MONITORING / "grafana/datasources.yaml").read_text())["datasources"]
    assert source["isDefault"]
    assert DATA_SOURCE["type"] == source["type"]
