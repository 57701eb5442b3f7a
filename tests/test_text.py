import pytest

from tracker.text import did_you_mean, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tracker-1.example", "tracker-1.example"),
        ("Zürich 東京", "Zürich 東京"),
        ("\x1b]0;owned\x07\x1b[2J", r"\x1b]0;owned\x07\x1b[2J"),
        ("a\x9b31mb", r"a\x9b31mb"),  # CSI as one C1 character
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("one\ntwo\r", r"one\ntwo\r"),
        ("\udcff", r"\udcff"),
    ],
)
def test_nothing_that_controls_a_terminal_is_left(text: str, shown: str) -> None:
    assert shown == printable(text)


def test_overlong_text_is_cut() -> None:
    assert "x" * 9 + "…" == printable("x" * 1000, 10)


@pytest.mark.parametrize(
    ("name", "remark"),
    [("intervall", " (did you mean interval?)"), ("INTERVAL", ""), ("port", "")],
)
def test_a_similar_name_is_suggested(name: str, remark: str) -> None:
    assert remark == did_you_mean(name, ["interval", "timeout"])
