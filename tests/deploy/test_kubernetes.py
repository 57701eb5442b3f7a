"""The manifests are what Kubernetes takes, fit together, and say what we mean.

No API server is asked: what only one can tell (admission, defaults, that pods start) is not proved
here. ``test_kubernetes_mistakes.py`` proves that mistakes are seen.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.checking import SUPPORTED, checkov, validated
from tests.deploy.manifests import (
    OVERLAYS,
    Manifest,
    find,
    kustomization,
    kustomizations,
    name_of,
    parsed,
    rendered,
    workloads,
)
from tests.deploy.sanity import problems
from tests.nodes import running_node
from tests.redis_servers import RedisServer
from tests.shape.files import ROOT
from tracker.config import load

CLONE = "tracker-cluster"  # where the overlay of a user expects it
SHOWN = ("own", "ingress")  # overlays of users, as the documentation shows them
SETS = {
    **{name: f"{CLONE}/k8s/overlays/{name}" for name in OVERLAYS},
    **{name: name for name in SHOWN},
}
PASSWORDS = shutil.ignore_patterns("redis.env")  # a developer's own
DOCUMENTED = re.compile(r"^```yaml\n(# kustomization\.yaml\n.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Overlays of users, and what is shipped, with secrets."""
    directory = tmp_path_factory.mktemp("project")
    for name in ("deploy", "k8s"):
        shutil.copytree(ROOT / name, directory / CLONE / name, ignore=PASSWORDS)
    secrets = {
        "production": new_passwords(),
        "external": "TRACKER_REDIS_URL=rediss://tracker:password@redis.example\n",
    }
    for name, content in secrets.items():
        (directory / SETS[name] / "redis.env").write_text(content)
    shown = DOCUMENTED.findall((ROOT / "docs/deploy.md").read_text())
    for name, content in zip(SHOWN, shown, strict=True):
        (directory / name).mkdir()
        at_hand = content.replace(CLONE + "/k8s", f"../{CLONE}/k8s")
        (directory / name / "kustomization.yaml").write_text(at_hand)
    return directory


def new_passwords() -> str:
    """What the script prints."""
    script = ["sh", str(ROOT / "k8s/new-passwords.sh")]
    return subprocess.run(script, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def renderings(project: Path) -> dict[str, str]:
    """What each overlay is rendered to."""
    return {name: rendered(project / path) for name, path in SETS.items()}


@pytest.fixture
def manifests(renderings: dict[str, str], request: pytest.FixtureRequest) -> list[Manifest]:
    """Those of an overlay, which the test is parametrized with."""
    return parsed(renderings[request.param])


each_set = pytest.mark.parametrize("manifests", SETS, indirect=True)


@each_set
@pytest.mark.parametrize("version", SUPPORTED)
def test_the_api_has_all_fields(manifests: list[Manifest], version: str, tmp_path: Path) -> None:
    assert "" == validated(manifests, version, tmp_path)


@each_set
def test_all_fits_together(manifests: list[Manifest]) -> None:
    assert [] == problems(manifests)


@each_set
def test_checkov_finds_nothing(manifests: list[Manifest], tmp_path: Path) -> None:
    assert set() == checkov(manifests, tmp_path)


def test_every_directory_is_part_of_an_overlay(project: Path) -> None:
    used: set[Path] = set()
    reached = {project / path for path in SETS.values()}
    while reached - used:
        used |= reached
        for directory in list(reached):
            told = kustomization(directory)
            below = (*told.get("resources", []), *told.get("components", []))
            reached |= {p for each in below if (p := (directory / each).resolve()).is_dir()}
    assert set(kustomizations(project)) == used


CHANGES = [
    (directory.relative_to(ROOT), kind, number)
    for top in ("deploy", "k8s")
    for directory in kustomizations(ROOT / top)
    for kind in ("patches", "replicas", "images", "configMapGenerator")
    for number, change in enumerate(kustomization(directory).get(kind, []))
    if kind != "configMapGenerator" or change.get("behavior") == "merge"
]


@pytest.mark.parametrize(
    ("directory", "kind", "number"), CHANGES, ids=lambda each: str(each).removeprefix("k8s/")
)
def test_every_patch_changes_something(
    renderings: dict[str, str],
    project: Path,
    tmp_path: Path,
    directory: Path,
    kind: str,
    number: int,
) -> None:
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    without = kustomization(tmp_path / CLONE / directory)
    del without[kind][number]
    (tmp_path / CLONE / directory / "kustomization.yaml").write_text(yaml.safe_dump(without))
    assert any(rendered(tmp_path / path) != renderings[name] for name, path in SETS.items())


# -- what the overlays are meant to be -------------------------------------------------------------


@each_set
def test_all_tracker_pods_have_what_stands_in_one_place(manifests: list[Manifest]) -> None:
    trackers = [w for w in workloads(manifests) if w.containers[0]["name"] == "tracker"]
    assert {"http", "udp", "workers"} == {w.manifest["metadata"]["name"] for w in trackers}
    for workload in trackers:
        (container,) = workload.containers
        assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "admin"}
        assert container["livenessProbe"]["httpGet"] == {"path": "/health", "port": "admin"}
        assert not workload.pod["automountServiceAccountToken"]
        assert not workload.pod["enableServiceLinks"]
        assert workload.manifest["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert {"kubernetes.io/hostname", "topology.kubernetes.io/zone"} == {
            each["topologyKey"] for each in workload.pod["topologySpreadConstraints"]
        }


@pytest.mark.parametrize("manifests", ["dev"], indirect=True)
def test_dev_has_one_of_each(manifests: list[Manifest]) -> None:
    numbers = {w.name: w.manifest["spec"]["replicas"] for w in workloads(manifests)}
    assert {f"Deployment {name}": 1 for name in ("http", "udp", "workers", "redis")} == numbers
    kinds = {each["kind"] for each in manifests}
    assert not kinds & {"HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress"}


@pytest.mark.parametrize("manifests", ["production"], indirect=True)
def test_production_scales_over_a_redis_cluster(manifests: list[Manifest]) -> None:
    assert 6 == find(manifests, "StatefulSet", "redis")["spec"]["replicas"]
    kinds = [name_of(each) for each in manifests if each["kind"] == "HorizontalPodAutoscaler"]
    assert ["HorizontalPodAutoscaler http", "HorizontalPodAutoscaler udp"] == kinds
    assert "Local" == find(manifests, "Service", "udp")["spec"]["externalTrafficPolicy"]
    assert find(manifests, "Ingress", "http")


@pytest.mark.parametrize("manifests", ["external"], indirect=True)
def test_external_has_no_redis(manifests: list[Manifest]) -> None:
    assert not [w for w in workloads(manifests) if "redis" in w.containers[0]["image"]]
    assert {6379, 6380, 26379} == {
        port["port"]
        for port in find(manifests, "NetworkPolicy", "to-redis")["spec"]["egress"][0]["ports"]
    }


@pytest.mark.parametrize("manifests", ["own"], indirect=True)
def test_options_add_what_they_say(manifests: list[Manifest]) -> None:
    metrics = find(manifests, "HorizontalPodAutoscaler", "http")["spec"]["metrics"]
    assert ["Resource", "Pods"] == [each["type"] for each in metrics]
    service = find(manifests, "Service", "http")["spec"]
    assert ("LoadBalancer", "Local") == (service["type"], service["externalTrafficPolicy"])
    assert "from" not in find(manifests, "NetworkPolicy", "http")["spec"]["ingress"][0]
    assert not [each for each in manifests if each["kind"] == "Ingress"]
    groups = find(manifests, "PrometheusRule", "tracker")["spec"]["groups"]
    assert (
        groups
        == yaml.safe_load((ROOT / "deploy/monitoring/alerts.yaml").read_text())["spec"]["groups"]
    )
    image = find(manifests, "Deployment", "udp")["spec"]["template"]["spec"]["containers"][0][
        "image"
    ]
    assert "registry.example/tracker-cluster:0.1.0" == image
    dashboard = find(manifests, "ConfigMap", "tracker-dashboard")
    assert (
        dashboard["data"]["tracker.json"]
        == (ROOT / "deploy/monitoring/grafana/tracker.json").read_text()
    )


@pytest.mark.parametrize("manifests", ["ingress"], indirect=True)
def test_an_ingress_has_the_users_name(manifests: list[Manifest]) -> None:
    spec = find(manifests, "Ingress", "http")["spec"]
    names = [spec["rules"][0]["host"], *spec["tls"][0]["hosts"]]
    assert ["tracker.yours.example"] * 2 == names
    assert "ClusterIP" == find(manifests, "Service", "http")["spec"]["type"]


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    """The environment of all tracker pods."""
    (settings,) = [
        each["data"]
        for each in manifests
        if each["kind"] == "ConfigMap" and "TRACKER_ADMIN" in each["data"]
    ]
    return dict(settings)


@pytest.mark.parametrize("manifests", ["ingress"], indirect=True)
async def test_the_front_page_shows_the_urls_of_the_ingress_and_of_the_service_udp(
    manifests: list[Manifest], redis_server: RedisServer
) -> None:
    """With the settings of a pod, for a request as ingress-nginx sends it on."""
    settings = settings_of(manifests)
    name = find(manifests, "Ingress", "http")["spec"]["rules"][0]["host"]
    shown = {"TRUSTED_HOPS", "PUBLIC_URL"}
    given = {name: settings[f"TRACKER_{name}"] for name in shown}
    environment = {f"TRACKER_{name}": value for name, value in given.items()}
    listen = load({}, {**environment, "TRACKER_ONLY": "http,ws"}).listen
    fields = {field: getattr(listen, field) for field in ("trusted_hops", "public_url", "only")}
    async with running_node(redis_server.url, listen=fields) as tracker:
        forwarded = ("Host", "X-Forwarded-Host")
        lines = [f"{header}: {name}" for header in forwarded]
        lines += ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443"]
        request = "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode()
        page = (await (await tracker.tcp()).ask(request)).body.decode()
    assert [
        "https://tracker.yours.example/announce",
        "udp://udp.tracker.yours.example:6969/announce",
        "wss://tracker.yours.example/",
    ] == re.findall(r'<code id="url-\d">([^<]*)</code>', page)


@pytest.mark.parametrize(
    ("manifests", "hops"), [("ingress", "1"), ("own", "")], indirect=["manifests"]
)
def test_only_the_address_that_an_ingress_controller_adds_is_trusted(
    manifests: list[Manifest], hops: str
) -> None:
    settings = settings_of(manifests)
    assert hops == settings["TRACKER_TRUSTED_HOPS"]
    assert "TRACKER_TRUSTED_PROXIES" not in settings


@pytest.mark.parametrize("manifests", ["production", "external", "ingress"], indirect=True)
def test_only_pods_of_ingress_controllers_reach_http_frontends(manifests: list[Manifest]) -> None:
    (rule,) = find(manifests, "NetworkPolicy", "http")["spec"]["ingress"]
    (source,) = rule["from"]
    assert {"namespaceSelector", "podSelector"} == source.keys()
    for selector in source.values():
        (expression,) = selector["matchExpressions"]
        assert "In" == expression["operator"]
        assert expression["values"]


def test_passwords_are_new_each_time() -> None:
    assert 2 == len({new_passwords(), new_passwords()})
