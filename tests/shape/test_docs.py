"""Commands, flags, metrics, paths, log events and failure reasons in the docs exist."""

import re
import shlex
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.shape.files import ROOT, modules
from tests.shape.test_files import PAPERS, name_of
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.cli.parsing import configured, option_names, parse
from tracker.config import ENTRIES, load

OPERATE, PROTOCOLS = ROOT / "docs/operate.md", ROOT / "docs/protocols.md"
INDEX = ROOT / "docs/README.md"

INFO_HASH = "0123456789abcdef0123456789abcdef01234567"
ADMIN = "http://127.0.0.1:8001"

# A line of code: the environment, then our command or `make run` with its flags.
SHOWN = re.compile(r"^ {4}((?:TRACKER_\w+=\S+ )*)(tracker .*|make run.*)$", re.MULTILINE)
# Code in a line of its own or within one: only what begins so is about flags of ours.
CODE = re.compile(r"^ {4}(\w.*)$|`([^`\n]*)`", re.MULTILINE)
OURS = ("tracker", "make", "TRACKER_", "-")
REASON = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=name_of)


def commands() -> Iterator[tuple[str, dict[str, str]]]:
    """All command lines shown, `make run` as ``tracker serve``, each with its environment."""
    for paper in PAPERS:
        for variables, line in SHOWN.findall(paper.read_text()):
            ours = re.sub(r'^make run(?: ARGS="(.*)")?$', r"tracker serve \1", line)
            yield ours, dict(word.split("=", 1) for word in variables.split())


@pytest.mark.parametrize(("line", "environment"), [*commands()])
def test_commands_shown_are_understood(line: str, environment: dict[str, str]) -> None:
    _, *words = shlex.split(line.replace("INFO_HASH", INFO_HASH), comments=True)
    try:
        arguments = vars(parse(words) or Namespace())
    except SystemExit as end:  # it shows help
        assert 0 == end.code  # noqa: PT017 - other commands do not end here
        return
    if words[:1] == ["serve"]:
        load({e.name: v for e in ENTRIES if (v := arguments[e.name]) is not None}, environment)


@pytest.fixture(scope="module")
def flags() -> set[str]:
    """Return those of all our commands."""
    return option_names(configured())


@each_paper
def test_papers_name_only_flags_that_exist(paper: Path, flags: set[str]) -> None:
    code = ("".join(found) for found in CODE.findall(paper.read_text()))
    ours = " ".join(each for each in code if each.startswith(OURS))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", ours))
    assert not named - flags


@each_paper
def test_toml_shown_is_a_file_of_settings(paper: Path, tmp_path: Path) -> None:
    for content in re.findall(r"^```toml\n(.*?)^```", paper.read_text(), re.MULTILINE | re.DOTALL):
        (file := tmp_path / "tracker.toml").write_text(content)
        load({}, {}, file)


@each_paper
def test_papers_name_only_make_targets_that_exist(paper: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)(?:\w+=\S+ )?make (\w+)", paper.read_text(), re.MULTILINE))
    assert not named - targets


@each_paper
def test_papers_name_only_files_that_exist(paper: Path) -> None:
    named = set(re.findall(r"(?<![\w/])(?:tracker|workers|tests)/[\w/.]*\w", paper.read_text()))
    assert not [path for path in named if not (ROOT / path).exists()]


@each_paper
def test_papers_link_only_to_headings_that_exist(paper: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", paper.read_text())
    assert not [link for link in links if link[1] not in anchors(paper.parent / link[0], paper)]


def anchors(linked: Path, paper: Path) -> set[str]:
    """What a link to a heading of `linked` may say; a folder stands for the paper itself."""
    text = (paper if linked.is_dir() else linked).read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_index_links_to_every_page_once() -> None:
    links = re.findall(r"^\|.*\]\(([\w.-]+\.md)\) \|$", INDEX.read_text(), re.MULTILINE)
    assert sorted(links) == sorted(page.name for page in INDEX.parent.glob("*.md") if page != INDEX)


def test_events_above_debug_are_those_in_the_table_of_logs() -> None:
    section = OPERATE.read_text().partition("\n## Logs\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", section))
    source = "".join((ROOT / module).read_text() for module in modules())
    logged = set(re.findall(r"\b(?:log\.\w+|log_limit|tell)\(\s*\"([a-z_.]+)\"", source))
    for names in re.findall(r"\bEvents\((\".*)\)$", source, re.MULTILINE):
        logged |= set(re.findall(r"\"([a-z_.]+)\"", names))
    debug = set(re.findall(r"\blog\.debug\(\s*\"([a-z_.]+)\"", source))
    assert named
    assert not named - logged
    assert not logged - named - debug


def test_jobs_of_each_process_are_in_the_table_of_metrics() -> None:
    row = re.search(r"^\| `tracker_jobs_total` .*$", OPERATE.read_text(), re.MULTILINE)
    assert row
    sources = [path.read_text() for path in (ROOT / "tracker").rglob("*.py")]
    jobs = set(re.findall(r"^    name = \"(\w+)\"$", "".join(sources), re.MULTILINE))
    assert jobs
    assert not jobs - set(re.findall(r"`(\w+)`", row[0]))


def test_failure_reasons_in_their_table_are_given() -> None:
    section = PROTOCOLS.read_text().partition("\n## Failure reasons\n")[2]
    source = "".join((ROOT / module).read_text() for module in modules())
    named = [reason.strip("… ") for reason in REASON.findall(section)]
    assert named
    assert not [reason for reason in named if reason not in source]


# -- against a running tracker -----------------------------------------------------------------


@pytest.fixture(scope="module")
def tracker() -> Iterator[TrackerProcess]:
    with running_tracker("--processes", "2") as tracker:  # which tells of children, too
        yield tracker


@pytest.fixture(scope="module")
def families(tracker: TrackerProcess) -> set[str]:
    """The metrics that a tracker shows."""
    with urlopen(f"{tracker.admin_url}/metrics") as reply:
        return set(re.findall(r"^# TYPE (\w+)", reply.read().decode(), re.MULTILINE))


@each_paper
def test_papers_name_only_metrics_that_exist(paper: Path, families: set[str]) -> None:
    assert not set(re.findall(r"`(tracker_\w+)", paper.read_text())) - families


def test_every_metric_of_ours_is_explained(families: set[str]) -> None:
    ours = {name for name in families if name.startswith("tracker_")}
    assert ours
    assert ours <= set(re.findall(r"^\| `(\w+)`", OPERATE.read_text(), re.MULTILINE))


@each_paper
def test_papers_name_only_paths_that_are_served(paper: Path, tracker: TrackerProcess) -> None:
    public = f"http://127.0.0.1:{tracker.ports['http']}"
    text = paper.read_text()
    urls = [tracker.admin_url + path for path in re.findall(rf"{ADMIN}(/\w+)", text)]
    urls += [public + path for path in re.findall(r"`(/(?:stats|announce|scrape)[\w.]*)`", text)]
    assert not [url for url in urls if status(url) != 200]


def status(url: str) -> int:
    """The HTTP status of a GET."""
    try:
        with urlopen(url) as reply:
            return int(reply.status)
    except HTTPError as error:
        error.close()
        return error.code
