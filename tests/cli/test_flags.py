"""Flags of settings for commands that need some of them; ``tracker serve`` has all."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from tracker.cli.flags import add_flags, settings_of
from tracker.config import ENTRIES
from tracker.settings import Settings


def parse(*argv: str) -> Namespace:
    parser = ArgumentParser()
    add_flags(parser, ("ws", "tls"))
    return parser.parse_args(argv)


def test_there_are_flags_of_the_sections_asked_for_and_of_no_others() -> None:
    wanted = {entry.name for entry in ENTRIES if entry.section in ("ws", "tls")}
    assert {"config", *wanted} == vars(parse()).keys()


def test_settings_without_a_flag_come_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tracker.toml"
    file.write_text("[ws]\ninterval = 60\nttl = 90\n[http]\nmax_scrape = 7\n")
    monkeypatch.setenv("TRACKER_UDP_BATCH", "9")
    settings = settings_of(parse("--config", str(file), "--ws-ttl", "100"))
    assert settings
    assert (60, 100) == (settings.ws.interval, settings.ws.ttl)
    assert (7, 9) == (settings.http.max_scrape, settings.udp.batch)


def test_without_any_source_there_are_defaults() -> None:
    assert Settings() == settings_of(parse())


def test_settings_that_cannot_be_used_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_of(parse("--ws-ttl", "0", "--tls-cert", "x")) is None
    ttl, tls = sorted(capsys.readouterr().err.splitlines(), reverse=True)
    assert ttl.startswith("tracker: ws.ttl = '0' (from --ws-ttl): ")
    assert tls == "tracker: tls (from --tls-cert): tls.cert and tls.key go together"


@pytest.mark.parametrize(
    ("flags", "keep"),
    [((), True), (("--no-keep",), False), (("--no-redis-embedded-keep", "--keep"), True)],
)
def test_keep_is_the_short_name_of_a_setting(flags: tuple[str, ...], keep: bool) -> None:
    parser = ArgumentParser()
    add_flags(parser)
    settings = settings_of(parser.parse_args(flags))
    assert settings
    assert keep is settings.redis.embedded_keep


def test_a_repeated_flag_of_a_list_adds_to_it() -> None:
    parser = ArgumentParser()
    add_flags(parser)
    urls = ["https://a.test/announce", "udp://a.test:1", "wss://a.test"]
    flags = ["--public-url", ",".join(urls[:2]), "--public-url", urls[2]]
    settings = settings_of(parser.parse_args(flags))
    assert settings
    assert urls == list(settings.listen.public_url)
