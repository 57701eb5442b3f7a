"""The project's image, and stand-ins for those that it and the compose file are built on.

No registry is asked. What a stand-in has is Debian's, in a version near the tag's; so tests prove
the Dockerfile, the compose file and their settings, not the images of others.
"""

import shutil
import subprocess
from pathlib import Path

from tests.deploy.engine import Engine
from tests.shape.files import ROOT
from tests.tools import require

RELEASE = "trixie"
INCLUDED = "ca-certificates,python3,python3-pip,python3-venv"
# Which upstream's slim images leave out too.
LEFT_OUT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
)
STAND_INS = {
    "python": "python:3.13-slim-trixie",
    "redis": "redis:8.0-alpine",
    "haproxy": "haproxy:3.0-alpine",
    "caddy": "caddy:2.10-alpine",
    "coturn": "coturn/coturn:4.6-alpine",
    "prometheus": "prom/prometheus:v3.5.0",
}
IMAGE, NEXT_IMAGE = "tracker-cluster:0.1.0", "tracker-cluster:0.1.1"
UNREADY_IMAGE = "tracker-cluster:unready"  # it runs, and never becomes ready


def build(engine: Engine, cache: Path) -> None:
    """All images; the engine must be on this machine's network.

    Args:
        engine: serving.
        cache: a directory where the Debian that stand-ins are made of is kept for the next time.
    """
    engine.docker("import", _debian(cache), "debian")
    context = Path(__file__).parent / "images"
    certificates = cache / "context"
    shutil.copytree(context, certificates, dirs_exist_ok=True)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", certificates / "ca.crt")
    for name, tag in STAND_INS.items():
        file = certificates / f"{name}.Dockerfile"
        engine.docker("build", "--network=host", f"--tag={tag}", f"--file={file}", certificates)
    engine.docker("build", "--network=host", f"--tag={IMAGE}", ROOT, timeout_s=300)
    # Another image of the same code, as the next release would be.
    engine.docker(
        "build", "--network=host", f"--tag={NEXT_IMAGE}", "--build-arg=VERSION=0.1.1", ROOT
    )

    engine.docker(
        *("build", f"--tag={UNREADY_IMAGE}", f"--build-arg=IMAGE={IMAGE}"),
        *(f"--file={certificates / 'unready.Dockerfile'}", certificates),
    )


def _debian(cache: Path) -> Path:
    archive = cache / f"{RELEASE}.tar"
    if not archive.exists():
        root = cache / RELEASE
        shutil.rmtree(root, ignore_errors=True)
        _run(require("debootstrap"), "--variant=minbase", f"--include={INCLUDED}", RELEASE, root)
        left_out = (f"--exclude=./{path}/*" for path in LEFT_OUT)
        part = archive.with_suffix(".part")
        _run("tar", "-C", root, *left_out, "-cf", part, ".")
        part.rename(archive)
        shutil.rmtree(root)
    return archive


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
