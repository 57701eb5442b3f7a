"""``tracker forward``: its flags. `tests/test_forwarding.py` runs it."""

import pytest

from tracker import cli


@pytest.mark.parametrize("to", ["udp", "udp:", "udp:x", ":"])
def test_backends_need_a_host_and_a_port(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == cli.main(["forward", "--to", to])
    assert capsys.readouterr().err.startswith("tracker: ")


def test_bad_settings_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == cli.main(["forward", "--to", "udp:80", "--udp-batch", "0"])
    assert "udp" in capsys.readouterr().err


def test_the_backends_must_be_named() -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["forward"])
    assert 2 == stop.value.code
