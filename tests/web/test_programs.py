"""What programs read, and that it is as /openapi.json describes it."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as each_of
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.web.conftest import HOST, SWARM, Given, Site, serving
from tracker.errors import Overloaded, TrackerError
from tracker.model import Counts, InfoHash
from tracker.web.programs import DESCRIPTION, ProgramPages, SwarmCounts
from tracker.web.statistics import NOTHING, SharedStatistics

OPENAPI: dict[str, Any] = json.loads(DESCRIPTION.read_text())
HASH = bytes(range(20)).hex()


class Tracker:
    """What the pages ask for a swarm and for readiness, changed by the test."""

    def __init__(self) -> None:
        self.ready = True
        self.error: TrackerError | None = None
        self.asked: list[InfoHash] = []

    async def count(self, info_hash: InfoHash) -> SwarmCounts:
        self.asked.append(info_hash)
        if self.error:
            raise self.error
        return SwarmCounts(Counts(1, 2, 3), Counts(4, 5, 6))


@pytest.fixture
def counted() -> Tracker:
    return Tracker()


@pytest.fixture
async def programs(given: Given, counted: Tracker) -> AsyncIterator[Site]:
    pages = ProgramPages(SharedStatistics(given), counted.count, lambda: counted.ready)
    async with serving(given, pages) as site:
        yield site


async def fetch(site: Site, path: str, template: str = "", *lines: str) -> tuple[int, Any]:
    """Status and content of a response, which must be as described."""
    reply = await site.ask(path, HOST, *lines)
    assert "application/json; charset=utf-8" == reply.headers["content-type"]
    assert "no-store" == reply.headers["cache-control"]
    assert "*" == reply.headers["access-control-allow-origin"]
    content = json.loads(reply.body)
    described = OPENAPI["paths"][template or path]["get"]["responses"][str(reply.status)]
    schema = described["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": OPENAPI["components"]})
    validator.validate(content)
    return reply.status, content


async def test_statistics_are_as_described(programs: Site) -> None:
    status, content = await fetch(programs, "/stats.json")
    assert (200, 2, 1011) == (status, content["frontends"], content["totals"]["swarms"])
    assert SWARM.info_hash.hex() not in json.dumps(content)


async def test_unknown_statistics_are_as_described(given: Given, programs: Site) -> None:
    given.statistics = NOTHING
    status, content = await fetch(programs, "/stats.json")
    assert (200, None) == (status, content["totals"])


@pytest.mark.parametrize("text", [HASH, HASH.upper()])
async def test_a_swarm_is_counted(programs: Site, counted: Tracker, text: str) -> None:
    status, content = await fetch(programs, f"/swarms/{text}.json", "/swarms/{info_hash}.json")
    assert 200 == status
    assert {
        "info_hash": HASH,
        "seeders": 1,
        "leechers": 3,
        "browsers": {"seeders": 4, "leechers": 6},
        "completed": 7,
        "age_s": 0,
    } == content
    assert [bytes(range(20))] == counted.asked


@pytest.mark.parametrize("text", ["x", HASH[1:], HASH + "0", "g" + HASH[1:], "0x" + HASH[2:]])
async def test_what_is_no_info_hash_is_refused(programs: Site, counted: Tracker, text: str) -> None:
    status, content = await fetch(programs, f"/swarms/{text}.json", "/swarms/{info_hash}.json")
    assert (400, []) == (status, counted.asked)
    assert "40 hexadecimal digits" in content["error"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@each_of(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=45))
async def test_any_path_below_swarms_is_answered(programs: Site, text: str) -> None:
    reply = await programs.ask(f"/swarms/{text}.json", HOST)
    assert reply.status in (200, 400, 404)


async def test_trouble_is_an_error_that_says_when_to_retry(
    programs: Site, counted: Tracker
) -> None:
    counted.error = Overloaded("the tracker is overloaded")
    status, content = await fetch(programs, f"/swarms/{HASH}.json", "/swarms/{info_hash}.json")
    assert (503, {"error": "the tracker is overloaded"}) == (status, content)


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_health_is_readiness_without_reasons(
    programs: Site, counted: Tracker, ready: bool, status: int
) -> None:
    counted.ready = ready
    assert (status, {"ready": ready}) == await fetch(programs, "/healthz")


async def test_the_description_is_served(programs: Site) -> None:
    assert (200, OPENAPI) == await fetch(programs, "/openapi.json")


async def test_json_is_compressed_for_those_who_accept_it(programs: Site) -> None:
    reply = await programs.ask("/openapi.json", HOST, "Accept-Encoding: gzip")
    assert "gzip" == reply.headers["content-encoding"]
    assert len(reply.body) < len(DESCRIPTION.read_bytes()) / 3


# -- the description itself --------------------------------------------------------------------


def references(node: object) -> Iterator[str]:
    """All that refer to other parts."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def resolved(reference: str) -> dict[str, Any]:
    node = OPENAPI
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    found = set(references(OPENAPI))
    assert found
    for reference in found:
        assert isinstance(resolved(reference), dict)
    parts = OPENAPI["components"]
    assert found == {f"#/components/{kind}/{name}" for kind in parts for name in parts[kind]}


def test_schemas_are_schemas() -> None:
    for schema in OPENAPI["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_is_described() -> None:
    assert "3.1.0" == OPENAPI["openapi"]
    operations = [path["get"] for path in OPENAPI["paths"].values()]
    assert len(operations) == len({each["operationId"] for each in operations})
    for each in operations:
        assert each["summary"].endswith(".")
        for response in each["responses"].values():
            whole = resolved(response["$ref"]) if "$ref" in response else response
            assert whole["description"]
