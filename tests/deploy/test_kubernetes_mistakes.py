"""One mistake of each kind is seen: else the checks of ``test_kubernetes.py`` prove little."""

import re
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.deploy.checking import SUPPORTED, checkov, hadolint, validated
from tests.deploy.manifests import Json, Manifest, find, parsed, rendered
from tests.deploy.sanity import CHECKS, Check, problems
from tests.shape.files import ROOT

GONE = object()

Mistake: TypeAlias = Callable[[list[Manifest]], None]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    directory = tmp_path_factory.mktemp("project")
    for name in ("deploy", "k8s"):
        shutil.copytree(ROOT / name, directory / name)
    overlay = directory / "k8s/overlays/production"
    (overlay / "redis.env").write_text("password=a\nadmin-password=b\nTRACKER_REDIS_URL=c\n")
    file = overlay / "kustomization.yaml"
    more = "components: [../../components/monitoring, "
    file.write_text(file.read_text().replace("components: [", more))
    return parsed(rendered(overlay))


def put(kind: str, name: str, *path: str | int, value: Json) -> Mistake:
    """Another value in a manifest, whose name may have a hash behind; `GONE`: none."""
    named = re.compile(rf"{name}(-[a-z0-9]{{10}})?")

    def make(manifests: list[Manifest]) -> None:
        (manifest,) = [
            each
            for each in manifests
            if each["kind"] == kind and named.fullmatch(each["metadata"]["name"])
        ]
        node: Json = manifest
        for step in path[:-1]:
            node = node[step]
        if value is GONE:
            del node[path[-1]]
        else:
            node[path[-1]] = value

    return make


POD = ("spec", "template", "spec")
TRACKER = (*POD, "containers", 0)
LABELS = ("spec", "template", "metadata", "labels")
ROLE = "app.kubernetes.io/component"

UNSEEN_BY_OTHERS = {
    "a name twice": lambda manifests: manifests.append(find(manifests, "Service", "udp")),
    "upper case": put("Service", "udp", "metadata", "name", value="UDP"),
    "another namespace": put("Service", "udp", "metadata", "namespace", value="default"),
    "no restriction": put("Namespace", "tracker", "metadata", "labels", value={}),
    "UPD": put("Service", "udp", "spec", "ports", 0, "protocol", value="UPD"),
    "Sticky": put("Service", "udp", "spec", "externalTrafficPolicy", value="Sticky"),
    "Cluster": put("Service", "udp", "spec", "externalTrafficPolicy", value="Cluster"),
    "pods of nobody": put("Deployment", "udp", *LABELS, ROLE, value="upd"),
    "pods of another": put("Deployment", "udp", *LABELS, ROLE, value="http"),
    "spread of others": put(
        *("Deployment", "udp", *POD, "topologySpreadConstraints", 0, "labelSelector"),
        value={"matchLabels": {"app": "tracker"}},
    ),
    "spread by no label": put(
        *("Deployment", "udp", *POD, "topologySpreadConstraints", 0, "matchLabelKeys"),
        value=["component"],
    ),
    "no Service for names": put("StatefulSet", "redis", "spec", "serviceName", value="rediss"),
    "two ports of a name": put("Deployment", "udp", *TRACKER, "ports", 1, "name", value="admin"),
    "a probe's port": put(
        "Deployment", "udp", *TRACKER, "readinessProbe", "httpGet", "port", value="amdin"
    ),
    "256Mbit": put("Deployment", "udp", *TRACKER, "resources", "limits", "memory", value="256Mbit"),
    "more than allowed": put(
        "Deployment", "udp", *TRACKER, "resources", "requests", "memory", value="1Gi"
    ),
    "no bound of memory": put("Deployment", "udp", *TRACKER, "resources", "limits", value={}),
    "no such volume": put("Deployment", "udp", *TRACKER, "volumeMounts", 0, "name", value="secret"),
    "no such Secret": put(
        "Deployment", "udp", *POD, "volumes", 0, "secret", "secretName", value="redis"
    ),
    "no such key": put(
        "Deployment", "udp", *POD, "volumes", 0, "secret", "items", 0, "key", value="URL"
    ),
    "no such ConfigMap": put(
        "Deployment", "udp", *TRACKER, "envFrom", 0, "configMapRef", "name", value="trackers"
    ),
    "no such account": put("Deployment", "udp", *POD, "serviceAccountName", value="default"),
    "no such script": put("StatefulSet", "redis", *TRACKER, "command", 1, value="/etc/redis/run"),
    "latest": put("Deployment", "udp", *TRACKER, "image", value="tracker-cluster:latest"),
    "no tag": put("Deployment", "udp", *TRACKER, "image", value="tracker-cluster"),
    "no such setting": put("ConfigMap", "tracker", "data", "TRACKER_DRIAN", value="60"),
    "no such value": put("ConfigMap", "tracker", "data", "TRACKER_DRAIN", value="1m"),
    "no such flag": put("Deployment", "udp", *TRACKER, "args", value=["serve", "--just", "udp"]),
    "a setting of nobody": put(
        *("StatefulSet", "redis", *TRACKER, "env", 0, "name"), value="TRACKER_PORT"
    ),
    "killed while browsers stay": put(
        "ConfigMap", "tracker", "data", "TRACKER_WS_DRAIN", value="7200"
    ),
    "killed in the drain": put("ConfigMap", "tracker", "data", "TRACKER_DRAIN", value="80"),
    "a pause too long": put(
        "Deployment", "udp", *TRACKER, "lifecycle", "preStop", "sleep", "seconds", value=40
    ),
    "a port of nobody": put("ConfigMap", "tracker", "data", "TRACKER_PORT", value="8080"),
    "secrets elsewhere": put(
        "Deployment", "udp", *TRACKER, "volumeMounts", 0, "mountPath", value="/run/secrets"
    ),
    "a Service of nobody": put("Service", "udp", "spec", "selector", ROLE, value="upd"),
    "a Service of all": put("Service", "udp", "spec", "selector", ROLE, value=GONE),
    "a Service's port": put("Service", "udp", "spec", "ports", 0, "targetPort", value="upd"),
    "an Ingress to nobody": put(
        *("Ingress", "http", "spec", "rules", 0, "http", "paths", 0, "backend", "service", "name"),
        value="web",
    ),
    "a scaler of nobody": put(
        "HorizontalPodAutoscaler", "udp", "spec", "scaleTargetRef", "name", value="upd"
    ),
    "more than at most": put("HorizontalPodAutoscaler", "udp", "spec", "minReplicas", value=20),
    "none at all": put("HorizontalPodAutoscaler", "udp", "spec", "minReplicas", value=0),
    "two who count": put("Deployment", "udp", "spec", "replicas", value=3),
    "measured by no request": put(
        "Deployment", "udp", *TRACKER, "resources", "requests", "cpu", value=GONE
    ),
    "a budget of nobody": put(
        "PodDisruptionBudget", "udp", "spec", "selector", "matchLabels", ROLE, value="upd"
    ),
    "two budgets": put("PodDisruptionBudget", "udp", "spec", "minAvailable", value=1),
    "no budget": put("PodDisruptionBudget", "udp", "spec", "maxUnavailable", value=0),
    "a budget of all": put(
        *("PodDisruptionBudget", "udp", "spec"),
        value={"minAvailable": 2, "selector": {"matchLabels": {ROLE: "udp"}}},
    ),
    "a policy of nobody": put(
        "NetworkPolicy", "udp", "spec", "podSelector", "matchLabels", ROLE, value="upd"
    ),
    "a policy's type": put("NetworkPolicy", "to-redis", "spec", "policyTypes", value=["Ingress"]),
    "a policy's port": put(
        "NetworkPolicy", "udp", "spec", "ingress", 0, "ports", 0, "port", value=6969
    ),
    "a shut port": lambda manifests: manifests.remove(find(manifests, "NetworkPolicy", "admin")),
    "a monitor of nobody": put(
        "PodMonitor", "tracker", "spec", "selector", "matchLabels", value={"app": "tracker"}
    ),
    "a monitor's port": put(
        "PodMonitor", "tracker", "spec", "podMetricsEndpoints", 0, "port", value="metrics"
    ),
}


def test_what_the_mistakes_are_made_in_is_right(production: list[Manifest], tmp_path: Path) -> None:
    assert [] == problems(production)
    assert "" == validated(production, SUPPORTED[0], tmp_path)
    assert set() == checkov(production, tmp_path)


@pytest.mark.parametrize("mistake", UNSEEN_BY_OTHERS.values(), ids=UNSEEN_BY_OTHERS.keys())
def test_our_own_checks_see(production: list[Manifest], mistake: Mistake) -> None:
    manifests = deepcopy(production)
    mistake(manifests)
    assert problems(manifests)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_of_our_checks_sees_some(production: list[Manifest], check: Check) -> None:
    def seen(mistake: Mistake) -> bool:
        manifests = deepcopy(production)
        mistake(manifests)
        return bool(list(check(manifests)))

    assert any(map(seen, UNSEEN_BY_OTHERS.values()))


@pytest.mark.parametrize("version", SUPPORTED)
@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (put("Deployment", "udp", *TRACKER, "readynessProbe", value={}), "'readynessProbe'"),
        (put("Deployment", "workers", "spec", "replicas", value="two"), "replicas"),
        (put("PodDisruptionBudget", "udp", "apiVersion", value="policy/v1beta1"), "schema"),
    ],
    ids=["unknown field", "wrong type", "removed API"],
)
def test_the_validator_sees(
    production: list[Manifest], tmp_path: Path, mistake: Mistake, said: str, version: str
) -> None:
    manifests = deepcopy(production)
    mistake(manifests)
    assert said in validated(manifests, version, tmp_path)


def test_checkov_sees(production: list[Manifest], tmp_path: Path) -> None:
    manifests = deepcopy(production)
    rights = (*TRACKER, "securityContext")
    for mistake in (
        put("Deployment", "udp", *rights, "privileged", value=True),
        put("Deployment", "udp", *rights, "readOnlyRootFilesystem", value=False),
        put("Deployment", "udp", *rights, "capabilities", value={"add": ["NET_RAW"]}),
        put("Deployment", "udp", *POD, "securityContext", value={"runAsUser": 0}),
        put("Deployment", "udp", *POD, "automountServiceAccountToken", value=True),
        put("Deployment", "udp", *TRACKER, "livenessProbe", value=GONE),
    ):
        mistake(manifests)
    seen = {each.partition(" ")[0] for each in checkov(manifests, tmp_path)}
    wanted = {"CKV_K8S_16", "CKV_K8S_22", "CKV_K8S_28", "CKV_K8S_23", "CKV_K8S_38", "CKV_K8S_8"}
    assert wanted <= seen


def test_kustomize_sees_that_a_file_is_missing(tmp_path: Path) -> None:
    """As that of the passwords, in a fresh clone."""
    ignored = shutil.ignore_patterns("redis.env")
    for name in ("deploy", "k8s"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    with pytest.raises(AssertionError, match=r"redis\.env"):
        rendered(tmp_path / "k8s/overlays/production")


def test_hadolint_sees(tmp_path: Path) -> None:
    assert "" == hadolint(ROOT / "Dockerfile")
    bad = tmp_path / "Dockerfile"
    bad.write_text((ROOT / "Dockerfile").read_text().replace("${PYTHON_IMAGE}", "python"))
    assert "DL3006" in hadolint(bad)
