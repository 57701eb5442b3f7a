"""Programs that judge manifests and Dockerfiles."""

import json
import subprocess
from pathlib import Path

import yaml

from tests.deploy.manifests import Json, Manifest, tool
from tests.shape.files import ROOT
from tests.tools import missing

SUPPORTED = ("1.30", "1.37")  # Kubernetes: the oldest and the newest
# Kinds that are not Kubernetes's own: no validator has their schemas.
FOREIGN = ("monitoring.coreos.com/v1",)
CHECKOV = ROOT / ".cache/checkov/bin/checkov"
LIMIT_S = 50


def validated(manifests: list[Manifest], version: str, directory: Path) -> str:
    """What `kubernetes-validate` has against them; warnings, as of an API that is gone, too."""
    own = [each for each in manifests if each["apiVersion"] not in FOREIGN]
    done = _run(
        tool("kubernetes-validate"),
        *("--strict", "--quiet", "--kubernetes-version", version, _written(own, directory)),
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or said
    return said


def checkov(manifests: list[Manifest], directory: Path) -> set[str]:
    """The checks that they fail, of those that we hold them to."""
    if not CHECKOV.exists():
        missing("checkov")
    config = Path(__file__).parent / "checkov.yaml"
    file = _written(manifests, directory)
    done = _run(CHECKOV, "--config-file", config, "--skip-download", "-o", "json", "-f", file)
    told: Json = json.loads(done.stdout)
    assert told["summary"]["passed"] > 0
    assert told["summary"]["parsing_errors"] == 0
    return {f"{each['check_id']} {each['resource']}" for each in told["results"]["failed_checks"]}


def hadolint(dockerfile: Path) -> str:
    """What it has against a Dockerfile."""
    return _run(tool("hadolint"), "--no-color", dockerfile).stdout


def _written(manifests: list[Manifest], directory: Path) -> Path:
    file = directory / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    return file


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
