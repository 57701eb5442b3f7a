"""Templates: all compile, nothing undefined passes, everything is escaped."""

import pytest
from aiohttp.test_utils import make_mocked_request
from jinja2 import UndefinedError

from tracker.web.assets import Assets
from tracker.web.render import POLICY, TEMPLATES, Renderer, policy
from tracker.wire.http_page import VISITOR_SCHEME

REQUEST = make_mocked_request("GET", "/nothing", {})


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(Assets())


def test_an_undefined_variable_is_an_error(renderer: Renderer) -> None:
    with pytest.raises(UndefinedError):
        renderer.page(REQUEST, "error.html", title="x")


def test_values_are_escaped(renderer: Renderer) -> None:
    page = renderer.page(REQUEST, "error.html", title="<b>", hint="\"'&", status=404)
    assert 404 == page.status
    assert page.text is not None
    assert "<h1>&lt;b&gt;</h1>" in page.text
    assert "&#34;&#39;&amp;" in page.text


def test_a_page_may_add_to_its_policy(renderer: Renderer) -> None:
    additions = {"connect-src": "wss://a.test", "media-src": "blob:"}
    page = renderer.page(REQUEST, "error.html", title="x", hint="y", additions=additions)
    sent = page.headers["Content-Security-Policy"]
    assert "connect-src 'self' wss://a.test;" in sent
    assert sent.endswith("media-src blob:")
    assert "default-src 'none';" in sent


@pytest.mark.parametrize(("scheme", "expected"), [("https", "same-origin"), ("http", None)])
def test_only_pages_over_https_name_an_opener_policy(
    renderer: Renderer, scheme: str, expected: str | None
) -> None:
    request = make_mocked_request("GET", "/nothing", {VISITOR_SCHEME: scheme})
    page = renderer.page(request, "error.html", title="x", hint="y")
    assert expected == page.headers.get("Cross-Origin-Opener-Policy")


def test_the_policy_without_additions_is_the_usual_one() -> None:
    assert policy({}) == "; ".join(f"{name} {sources}" for name, sources in POLICY.items())


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_templates_have_no_script_and_no_style_of_their_own(path: object) -> None:
    text = str(path) and TEMPLATES.joinpath(str(path)).read_text()
    for forbidden in ("<style", " style=", "javascript:", " onclick", "|safe", "| safe"):
        assert forbidden not in text
    assert text.count("<script") == text.count('<script type="module" src="{{ static(')
