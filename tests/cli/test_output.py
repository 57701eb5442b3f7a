"""What commands print."""

import pytest

from tracker.cli.output import print_json, print_problem, print_table


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("a", "bb"), (None, 1), ("ccc", "")])
    assert capsys.readouterr().out == "a    bb\n-    1\nccc\n"


def test_an_empty_table_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([])
    assert capsys.readouterr().out == ""


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": ["ü"]})
    assert capsys.readouterr().out == '{\n  "a": [\n    "\\u00fc"\n  ]\n}\n'


def test_nothing_printed_can_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("a\x1b[2Jb\n", "ü")])
    print_problem(ValueError("two\nlines \udcff"))
    assert ("a\\x1b[2Jb\\n  ü\n", "tracker: two\\nlines \\udcff\n") == capsys.readouterr()
