"""The manifests of Kubernetes as `kubectl` renders them, and ways to look at them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from tests.tools import missing

Json: TypeAlias = Any
Manifest: TypeAlias = dict[str, Json]

OVERLAYS = ("dev", "production", "external")


def tool(name: str) -> Path:
    """The path of a program that comes with the locked Python packages."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        missing(name)
    return path


def rendered(directory: Path) -> str:
    """What ``kubectl apply --kustomize`` would send.

    Raises:
        AssertionError: it is refused; the message holds why.
    """
    done = subprocess.run(
        [tool("kubectl"), "kustomize", directory],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # warnings
    return done.stdout


def parsed(text: str) -> list[Manifest]:
    """The manifests of a rendering."""
    return [each for each in yaml.safe_load_all(text) if each]


def kustomization(directory: Path) -> Json:
    """What the file of that name in a directory says."""
    return yaml.safe_load((directory / "kustomization.yaml").read_text())


def kustomizations(project: Path) -> Iterator[Path]:
    """All directories of a project that have one."""
    for path in sorted(project.rglob("kustomization.yaml")):
        yield path.parent


def name_of(manifest: Manifest) -> str:
    """Kind and name, as messages name it."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The only one of this kind and name."""
    (found,) = (
        each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )
    return found


class Workload(NamedTuple):
    """A Deployment or StatefulSet, and what its pods are."""

    manifest: Manifest
    labels: Mapping[str, str]  # of its pods
    pod: Json  # spec
    containers: list[Json]

    @property
    def name(self) -> str:
        """Kind and name."""
        return name_of(self.manifest)

    def ports(self) -> set[tuple[str, int, str]]:
        """Name, number and protocol of all that its pods listen on."""
        return {
            (port["name"], port["containerPort"], port["protocol"])
            for container in self.containers
            for port in container.get("ports", [])
        }


def workloads(manifests: list[Manifest]) -> list[Workload]:
    """All that has pods."""
    return [
        Workload(
            each,
            each["spec"]["template"]["metadata"]["labels"],
            each["spec"]["template"]["spec"],
            each["spec"]["template"]["spec"]["containers"],
        )
        for each in manifests
        if each["kind"] in ("Deployment", "StatefulSet")
    ]


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (``matchLabels``, ``matchExpressions``) means what has `labels`."""
    equal = selector.get("matchLabels", {}).items() <= labels.items()
    return equal and all(_holds(each, labels) for each in selector.get("matchExpressions", []))


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    assert expression["operator"] == "In", expression
    return labels.get(expression["key"]) in expression["values"]
