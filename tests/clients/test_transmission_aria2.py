"""Transmission seeds, aria2 downloads: two code bases that share nothing but the protocol."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.sample import Sample, digest_of
from tests.tools import MORTAL, require, reserved_port
from tests.tracker_process import TrackerProcess

PATIENCE = 40  # seconds for the download


@contextmanager
def transmission(torrent: Path, content: Path, home: Path, port: int) -> Iterator[None]:
    """One that seeds; most of its settings can be given in a file only."""
    home.mkdir()
    settings = {
        "bind-address-ipv4": "127.0.0.1",
        "bind-address-ipv6": "::1",
        "dht-enabled": False,
        "lpd-enabled": False,
        "peer-port": port,
        "pex-enabled": False,
        "port-forwarding-enabled": False,
        "utp-enabled": False,
    }
    (home / "settings.json").write_text(json.dumps(settings))
    options = ("--config-dir", str(home), "--download-dir", str(content.parent))
    with subprocess.Popen(
        [*MORTAL, require("transmission-cli"), *options, str(torrent)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def download_with_aria2(
    torrent: Path, folder: Path, tcp_port: int, udp_port: int
) -> subprocess.CompletedProcess[str]:
    """Run aria2 until it has the file.

    It asks the tracker every second, for Transmission may come after it. Its tracker client for
    UDP is part of its DHT; a private torrent and an empty routing table keep the DHT idle.
    """
    options = {
        "bt-enable-lpd": "false",
        "bt-tracker-interval": "1",
        "dht-file-path": str(folder / "dht.dat"),
        "dht-listen-port": str(udp_port),
        "dir": str(folder),
        "disable-ipv6": "true",
        "enable-dht": "true",
        "enable-peer-exchange": "false",
        "interface": "127.0.0.1",
        "listen-port": str(tcp_port),
        "seed-time": "0",
        "summary-interval": "0",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.run(
        [*MORTAL, require("aria2c"), "--no-conf", *flags, str(torrent)],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_aria2_downloads_from_the_transmission_that_the_tracker_named(
    protocol: str, tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    torrent = sample.write_torrent(tmp_path, tracker.url(protocol))
    content = sample.write_content(tmp_path / "seeder")

    with (
        reserved_port() as seeder,
        reserved_port() as leecher,
        reserved_port(socket.SOCK_DGRAM) as udp_port,
        transmission(torrent, content, tmp_path / "home", seeder),
    ):
        run = download_with_aria2(torrent, tmp_path / "leecher", leecher, udp_port)

    assert 0 == run.returncode, run.stdout
    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)
