"""While a cause fires, a real Alertmanager keeps the alerts about its consequences silent."""

import json
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.deploy.manifests import Json
from tests.deploy.test_alerts import RULES
from tests.redis_clusters import until
from tests.shape.files import ROOT
from tests.tools import MORTAL, require, reserved_port

CONFIG = ROOT / "deploy/monitoring/alertmanager.yaml"
ALERTS = {rule["alert"] for rule in RULES}
CONSEQUENCES = {
    "TrackerRedisAway": {
        *("TrackerRedisSlow", "TrackerRedisErrors", "TrackerOverloaded", "TrackerRelayDeaf"),
        *("TrackerRelayDrops", "TrackerNoWorkers", "TrackerJobFails"),
    },
    "TrackerGone": {"TrackerDown", "TrackerNoWorkers"},
}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """The URL of an Alertmanager with our configuration."""
    with reserved_port() as port:
        address = f"127.0.0.1:{port}"
        command = [
            *(*MORTAL, require("prometheus-alertmanager"), f"--config.file={CONFIG}"),
            *(f"--storage.path={tmp_path}", f"--web.listen-address={address}"),
            "--cluster.listen-address=",
        ]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            until(lambda: bool(asked(f"http://{address}/api/v2/status")))
            yield f"http://{address}"
        finally:
            process.kill()
            process.wait()


def asked(url: str, body: object = None) -> Json:
    """The answer to a GET, or to a POST of `body`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as reply:
        text = reply.read()
    answer: Json = json.loads(text) if text else {}
    return answer


def silent_after(url: str, firing: Iterable[str]) -> set[str]:
    """Let these fire, and return those of them that Alertmanager inhibits."""
    names = set(firing)
    asked(f"{url}/api/v2/alerts", [{"labels": {"alertname": name}} for name in names])
    alerts = f"{url}/api/v2/alerts?inhibited="
    until(lambda: len(asked(f"{alerts}true")) == len(names))
    sending = {alert["labels"]["alertname"] for alert in asked(f"{alerts}false")}
    return names - sending


@pytest.mark.parametrize("cause", CONSEQUENCES)
def test_a_cause_keeps_its_consequences_silent_and_nothing_else(
    alertmanager: str, cause: str
) -> None:
    others = ALERTS - CONSEQUENCES.keys() | {cause}
    assert CONSEQUENCES[cause] == silent_after(alertmanager, others)


def test_without_a_cause_every_alert_is_sent(alertmanager: str) -> None:
    assert set() == silent_after(alertmanager, ALERTS - CONSEQUENCES.keys())


def test_it_is_a_valid_configuration() -> None:
    subprocess.run([require("amtool"), "check-config", CONFIG], check=True, timeout=30)


def test_all_alerts_of_the_rules_exist() -> None:
    named = set().union(CONSEQUENCES, *CONSEQUENCES.values())
    assert named <= ALERTS
