"""What a person reads when the tracker serves."""

import io
import sys
from pathlib import Path

import pytest

from tracker import __version__
from tracker.banner import AWAY, PRIVATE, announce_urls, banner
from tracker.config import load
from tracker.settings import Settings
from tracker.terminal import Terminal

PORTS = {"http": 8000, "ws": 8000, "udp": 6969}
PLAIN = Terminal(io.StringIO(), {})


def settings(**flags: object) -> Settings:
    return load({name.replace("_", ".", 1): value for name, value in flags.items()}, {})


@pytest.mark.parametrize(
    ("flags", "ports", "urls"),
    [
        (
            {},
            PORTS,
            [
                "http://localhost:8000/announce",
                "udp://localhost:6969/announce",
                "ws://localhost:8000/",
            ],
        ),
        ({}, {"http": 80}, ["http://localhost/announce"]),
        ({"listen_host": "192.0.2.1"}, {"ws": 80}, ["ws://192.0.2.1/"]),
        ({"listen_host": "::1"}, {"udp": 80}, ["udp://[::1]:80/announce"]),
        (
            {"tls_cert": "x", "tls_key": "y", "http_paths": "/KEY/announce"},
            {"http": 443, "ws": 8443, "udp": 443},
            [
                "https://localhost/KEY/announce",
                "udp://localhost:443/announce",
                "wss://localhost:8443/",
            ],
        ),
    ],
)
def test_announce_urls(flags: dict[str, object], ports: dict[str, int], urls: list[str]) -> None:
    assert urls == announce_urls(settings(**flags), ports)


def test_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/tracker/__main__.py"])
    expected = f"""
tracker-cluster {__version__}

  Web page   http://localhost:8000/
  Announce   http://localhost:8000/announce
             udp://localhost:6969/announce
             ws://localhost:8000/
  State      {PRIVATE}
  Watch      tracker status --watch
  Stop       Ctrl-C
"""
    assert expected == banner(settings(), PORTS, PLAIN, redis_up=True)
    assert max(map(len, expected.splitlines())) <= 80


def test_a_redis_of_the_operators_is_shown_without_its_password() -> None:
    given = settings(redis_url="rediss://user:secret@store:6379/3?ssl_ca_certs=/ca")
    text = banner(given, PORTS, PLAIN, redis_up=False)
    assert "  State      rediss://store:6379/3\n" in text
    assert f"\n             {AWAY}\n" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("home", "shown"),
    [
        ("/home/me", "~/.local/state/tracker-cluster/8000"),
        ("/home/other", "/home/me/.local/state/tracker-cluster/8000"),
        (None, "/home/me/.local/state/tracker-cluster/8000"),
    ],
)
def test_where_a_private_redis_is_saved(
    home: str | None, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    if home:
        monkeypatch.setenv("HOME", home)
    saved_in = Path("/home/me/.local/state/tracker-cluster/8000")
    text = banner(settings(), PORTS, PLAIN, saved_in, redis_up=True)
    assert f"  State      {shown}, saved at the stop\n" in text


def test_without_tcp_there_is_no_page() -> None:
    assert "Web page" not in banner(settings(), {"udp": 1}, PLAIN, redis_up=True)


@pytest.mark.parametrize(
    ("ports", "alone", "command"),
    [
        ({"http": 8000, "udp": 6969}, True, "status --watch"),
        ({"http": 8000, "udp": 6969}, False, "status --watch --port 8000"),
        ({"udp": 9000}, True, "status --watch --port 9000"),
    ],
)
def test_the_command_to_watch_names_the_port_unless_it_is_clear(
    ports: dict[str, int], alone: bool, command: str
) -> None:
    text = banner(settings(), ports, PLAIN, redis_up=True, alone=alone)
    assert f"{command}\n" in text


@pytest.mark.parametrize("on_path", [True, False])
def test_the_program_is_named_as_it_was_called_unless_it_is_on_path(
    on_path: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tracker"
    program.touch(0o700)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path if on_path else tmp_path / "other"))
    name = "tracker" if on_path else str(program)
    assert f"  Watch      {name} status --watch\n" in banner(
        settings(), PORTS, PLAIN, redis_up=True
    )
