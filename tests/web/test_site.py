import pytest

from tests.web.conftest import Site


@pytest.mark.parametrize(
    ("path", "kind", "start"),
    [
        ("/favicon.svg", "image/svg+xml", b"<svg"),
        ("/favicon.ico", "image/x-icon", b"\0\0\1\0"),
        ("/robots.txt", "text/plain; charset=utf-8", b"User-agent: *\n"),
    ],
)
async def test_a_file_at_a_fixed_path_is_served(
    site: Site, path: str, kind: str, start: bytes
) -> None:
    reply = await site.ask(path)
    assert (200, kind) == (reply.status, reply.headers["content-type"])
    assert "public, max-age=86400" == reply.headers["cache-control"]
    assert reply.body.startswith(start)
