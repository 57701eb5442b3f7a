"""Each alert fires on what it is for, and on nothing else; the runbook has them all."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.deploy.manifests import Json
from tests.shape.files import ROOT
from tests.tools import require

FILE = ROOT / "deploy/monitoring/alerts.yaml"
RUNBOOK = ROOT / "docs/deploy.md"
RULES: list[Json] = yaml.safe_load(FILE.read_text())["spec"]["groups"][0]["rules"]

# A tracker that is well, minute by minute: a series, and its values as promtool writes them.
WELL = {
    'up{job="tracker", instance="a"}': "1x60",
    'process_start_time_seconds{job="tracker", instance="a"}': "1000x60",
    'process_cpu_seconds_total{job="tracker", instance="a"}': "0+30x60",
    'tracker_store_up{instance="a"}': "1x60",
    'tracker_store_errors_total{instance="a", kind="oom"}': "7x60",
    'tracker_store_full{instance="a"}': "0x60",
    'tracker_store_errors_total{instance="a", kind="overloaded"}': "7x60",
    'tracker_store_errors_total{instance="a", kind="timeout"}': "0+1x60",
    'tracker_store_seconds_bucket{instance="a", le="0.001"}': "0+999x60",
    'tracker_store_seconds_bucket{instance="a", le="0.5"}': "0+1000x60",
    'tracker_store_seconds_bucket{instance="a", le="+Inf"}': "0+1000x60",
    'tracker_closed_total{instance="a", protocol="tcp", reason="full"}': "7x60",
    'tracker_closed_total{instance="a", protocol="tcp", reason="proxy"}': "0+1x60",
    'tracker_refused_total{instance="a", budget="work", of="address"}': "0+60x60",
    'tracker_refused_total{instance="a", budget="memory", of="process"}': "7x60",
    'haproxy_frontend_denied_connections_total{instance="b", proxy="clients"}': "0+60x60",
    'haproxy_frontend_requests_denied_total{instance="b", proxy="clients"}': "0+60x60",
    'tracker_requests_total{instance="a", action="proxy", outcome="silent"}': "1x60",
    'tracker_udp_dropped_total{instance="a"}': "7x60",
    'tracker_relay_seconds{instance="a"}': "0.001x60",
    'tracker_relayed_total{instance="a", kind="offer", outcome="full"}': "7x60",
    'tracker_jobs_total{instance="a", name="statistics", outcome="ok"}': "0+2x60",
    'tracker_jobs_total{instance="a", name="statistics", outcome="unavailable"}': "1x60",
    'tracker_jobs_total{instance="a", name="statistics", outcome="lost"}': "0+2x60",
    'tracker_job_result{instance="a", name="statistics", what="swarms"}': "5x60",
    'tracker_job_result{instance="a", name="servers", what="fullest_percent"}': "79x60",
}
ILL = {
    "TrackerGone": {'up{job="tracker", instance="a"}': "1x30 0x30"},
    "TrackerDown": {'up{job="tracker", instance="b"}': "1x30 0x30"},
    "TrackerRestarts": {
        'process_start_time_seconds{job="tracker", instance="a"}': "1000x30 1x9 2x9 3x9 4x9"
    },
    "TrackerRedisAway": {'tracker_store_up{instance="b"}': "0x60"},
    "TrackerRedisFull": {'tracker_store_full{instance="b"}': "1x60"},
    "TrackerRedisFilling": {
        'tracker_job_result{instance="a", name="servers", what="fullest_percent"}': "81x60"
    },
    "TrackerRedisSlow": {
        'tracker_store_seconds_bucket{instance="a", le="0.001"}': "0+900x60",
    },
    "TrackerRedisErrors": {'tracker_store_errors_total{instance="a", kind="timeout"}': "0+100x60"},
    "TrackerOverloaded": {'tracker_store_errors_total{instance="a", kind="overloaded"}': "7+1x60"},
    "TrackerConnectionsFull": {
        'tracker_closed_total{instance="a", protocol="tcp", reason="full"}': "7+1x60"
    },
    "TrackerUnderAttack": {
        'tracker_refused_total{instance="a", budget="work", of="address"}': "0+1500x60"
    },
    "TrackerClientMemoryFull": {
        'tracker_refused_total{instance="a", budget="memory", of="process"}': "7+1x60"
    },
    "TrackerBalancerRefuses": {
        'haproxy_frontend_denied_connections_total{instance="b", proxy="clients"}': "0+1500x60"
    },
    "TrackerBusy": {'process_cpu_seconds_total{job="tracker", instance="a"}': "0+55x60"},
    "TrackerRelayDeaf": {'tracker_relay_seconds{instance="b"}': "NaN " * 60},
    "TrackerRelayDrops": {
        'tracker_relayed_total{instance="a", kind="offer", outcome="full"}': "7+1x60"
    },
    "TrackerNoWorkers": {
        'tracker_job_result{instance="a", name="statistics", what="swarms"}': "5x30 stale"
    },
    "TrackerJobFails": {
        'tracker_jobs_total{instance="a", name="statistics", outcome="unavailable"}': "1+1x60"
    },
    "TrackerStrangeProxy": {
        'tracker_requests_total{instance="a", action="proxy", outcome="silent"}': "0+100x60"
    },
    "TrackerDatagramsDropped": {'tracker_udp_dropped_total{instance="a"}': "7+100x60"},
}
# What a tracker shows while its only Redis is away.
WITHOUT_REDIS = {
    'tracker_store_up{instance="a"}': "1x30 0x30",
    'tracker_store_errors_total{instance="a", kind="away"}': "0x30 0+1000x30",
    'tracker_jobs_total{instance="a", name="heartbeat", outcome="away"}': "0x30 0+60x30",
    'tracker_relay_seconds{instance="a"}': "0.001x30" + " NaN" * 30,
    'tracker_job_result{instance="a", name="statistics", what="swarms"}': "5x30 stale",
}
# What is wrong in two ways at once.
TOGETHER = {"TrackerGone": {"TrackerDown"}}
INHIBITED = {"TrackerRelayDeaf", "TrackerNoWorkers"}  # see `tests.deploy.test_alertmanager`


class Told(NamedTuple):
    """What promtool said."""

    well: bool
    text: str


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rules as the compose file gives them to Prometheus."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    (line,) = compose["services"]["prometheus"]["command"]
    (script,) = re.findall(r"sed -n '([^']+)'", line)
    cut = subprocess.run(
        ["sed", "-n", script.replace("$$", "$"), FILE], capture_output=True, text=True, check=True
    )
    (file := tmp_path / "alerts.yml").write_text(cut.stdout)
    return file


def told(*args: str | Path) -> Told:
    """Run promtool."""
    done = subprocess.run(
        [require("promtool"), *args], capture_output=True, text=True, timeout=30, check=False
    )
    return Told(done.returncode == 0, done.stdout + done.stderr)


def firing(rules: Path, series: dict[str, str], expected: set[str]) -> Told:
    """Whether exactly those alerts fire after an hour."""
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": k, "values": v} for k, v in series.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "59m",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected
                        ],
                    }
                ],
            }
        ],
    }
    (file := rules.parent / "test.yml").write_text(yaml.safe_dump(test))
    return told("test", "rules", file)


def test_prometheus_reads_them(rules: Path) -> None:
    done = told("check", "rules", "--lint-fatal", rules)
    assert done.well, done.text
    assert f"{len(RULES)} rules found" in done.text


def test_a_prometheus_without_the_operator_reads_them_as_documented(tmp_path: Path) -> None:
    section = RUNBOOK.read_text().partition("\n### A Prometheus of yours\n")[2]
    (config,) = re.findall(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (file := tmp_path / "prometheus.yml").write_text(config)
    (command,) = re.findall(r"^ {4}(sed .*)$", section, re.MULTILINE)
    command = command.replace("/etc/prometheus/", f"{tmp_path}/")
    subprocess.run(command, shell=True, cwd=ROOT, check=True)
    done = told("check", "config", file)
    assert done.well, done.text
    assert f"{len(RULES)} rules found" in done.text


def test_the_rules_that_select_a_job_are_documented() -> None:
    section = RUNBOOK.read_text().partition("\n### A Prometheus of yours\n")[2]
    sentence, *_ = section.partition('select `job="tracker"`')
    selecting = [rule["alert"] for rule in RULES if 'job="tracker"' in rule["expr"]]
    assert selecting == re.findall(r"`(Tracker\w+)`", sentence)


def test_none_fires_while_all_is_well(rules: Path) -> None:
    done = firing(rules, WELL, set())
    assert done.well, done.text


@pytest.mark.parametrize("alert", [rule["alert"] for rule in RULES])
def test_each_fires_when_it_should_and_no_other(rules: Path, alert: str) -> None:
    done = firing(rules, WELL | ILL[alert], {alert} | TOGETHER.get(alert, set()))
    assert done.well, done.text


def test_without_redis_the_cause_fires_and_only_consequences_that_it_inhibits(rules: Path) -> None:
    done = firing(rules, WELL | WITHOUT_REDIS, {"TrackerRedisAway", *INHIBITED})
    assert done.well, done.text


def test_the_cause_fires_as_long_after_its_end_as_rates_reach_back(rules: Path) -> None:
    for up in ("1x30 0x25 1x5", "1x30 0x21 1x9"):
        over = {'tracker_store_up{instance="a"}': up}
        done = firing(rules, WELL | over, {"TrackerRedisAway"} if up.endswith("x5") else set())
        assert done.well, done.text


@pytest.mark.parametrize("budget", ["swarms", "offers"])
def test_every_budget_of_memory_has_the_alert(rules: Path, budget: str) -> None:
    refused = f'tracker_refused_total{{instance="a", budget="{budget}", of="process"}}'
    done = firing(rules, WELL | {refused: "7+1x60"}, {"TrackerClientMemoryFull"})
    assert done.well, done.text


def test_a_metric_of_no_tracker_is_seen(rules: Path) -> None:
    """Else the tests above could not fail."""
    assert not firing(rules, WELL, {"TrackerDown"}).well


def test_the_runbook_tells_of_each() -> None:
    told = re.findall(r"^\| `(Tracker\w+)` \|", RUNBOOK.read_text(), re.MULTILINE)
    assert [rule["alert"] for rule in RULES] == told
