"""The tree of errors."""

import inspect

import pytest

from tracker import errors
from tracker.errors import TrackerError

ERRORS = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, TrackerError)
]


def drawn(kind: type[TrackerError], rails: str = "") -> list[str]:
    """The tree below one error, as the module's docstring draws it, without the remarks."""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    lines = []
    for child in children:
        last = child is children[-1]
        lines.append(f"{rails}{'└' if last else '├'}── {child.__name__}")
        lines += drawn(child, rails + ("    " if last else "│   "))
    return lines


def test_the_tree_is_as_its_docstring_draws_it() -> None:
    assert errors.__doc__
    tree = errors.__doc__.partition("\nTrackerError\n")[2]
    assert drawn(TrackerError) == [
        line[: line.index("── ") + 3] + line.partition("── ")[2].split()[0]
        for line in tree.splitlines()
    ]


def test_every_error_has_a_label_of_its_own() -> None:
    # A client sees no difference between these two and their parents.
    kinds = [kind for kind in ERRORS if kind not in (errors.Full, errors.Away, errors.Unserved)]
    assert len(kinds) == len({kind.label for kind in kinds})


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_says_its_reason(kind: type[TrackerError]) -> None:
    secret: dict[type[TrackerError], TrackerError] = {  # whose text is for operators only
        errors.Corrupt: errors.Corrupt("port 0", "odd"),
        errors.Away: errors.Away("port 0"),
        errors.Unserved: errors.Unserved("port 0"),
    }
    if error := secret.get(kind):
        assert "port 0" in str(error)
        assert "port 0" not in error.reason
    else:
        error = kind("port 0")
        assert ("port 0", "port 0") == (error.reason, str(error))


@pytest.mark.parametrize("kind", ERRORS)
def test_waiting_helps_only_where_the_fault_is_ours(kind: type[TrackerError]) -> None:
    assert (kind.retry_in_s is not None) is issubclass(kind, errors.Unavailable)
