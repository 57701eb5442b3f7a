"""Tables that fit."""

import pytest

from tracker.cli.columns import Column, Row, table, text

COLUMNS = (
    Column("name", right=False, gives_way=True),
    Column("size"),
    Column("kind", right=False, rank=1),
    Column("id", rank=2),
)
LONG = "tracker-http-7d4f8b6c9d-x2x1z-0123456789"
ROWS = [Row((LONG, 1234, "a", 7)), Row(("b", None, "long kind", 8), "red")]


def lines(width: int) -> list[str]:
    return [str(line) for line in table(COLUMNS, ROWS, width)]


def test_all_columns_are_shown_where_there_is_room() -> None:
    assert [
        "name                                      size  kind       id",
        "tracker-http-7d4f8b6c9d-x2x1z-0123456789  1234  a           7",
        "b                                            -  long kind   8",
    ] == lines(80)


@pytest.mark.parametrize(
    ("width", "heading"),
    [
        (60, ["name", "size", "kind", "id"]),
        (50, ["name", "size", "kind"]),
        (40, ["name", "size"]),
        (20, ["name", "size"]),
    ],
)
def test_names_are_cut_in_the_middle_and_columns_of_high_rank_are_left_out(
    width: int, heading: list[str]
) -> None:
    found = lines(width)
    assert heading == found[0].split()
    assert all(len(line) <= width for line in found)
    head, cut, tail = found[1].split()[0].partition("…")
    assert cut
    assert LONG.startswith(head)
    assert LONG.endswith(tail)


def test_rows_have_their_styles() -> None:
    assert ["bold", "", "red"] == [line.style for line in table(COLUMNS, ROWS, 80)]


def test_a_table_without_rows_has_its_heading() -> None:
    assert ["name  size  kind  id"] == [str(line) for line in table(COLUMNS, [], 80)]


def test_no_value_controls_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\n"
    row = Row((evil, evil, evil, evil))
    assert all(str(line).isprintable() for line in [text(evil), *table(COLUMNS, [row], 200)])


def test_wide_characters_take_two_columns() -> None:
    (_, line) = table((Column("name", right=False), Column("x")), [Row(("漢字", 1))], 80)
    assert "漢字  1" == str(line)
