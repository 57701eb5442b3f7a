"""The example for nginx in docs/operate.md, with a real nginx before a real tracker."""

import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
import trustme
from websockets.asyncio.client import connect

from tests.frontends.clients import HASH, PEER_ID
from tests.nodes import DEADLINE_S
from tests.shape.files import ROOT
from tests.tools import MORTAL, require, reserved_port
from tests.tracker_process import running_tracker

EXAMPLE = re.compile(r"^```nginx\n(.*?)^```", re.MULTILINE | re.DOTALL)
CLIENT = "127.0.0.2"
SITE = "tracker.example"


@contextmanager
def nginx(directory: Path, tracker_port: int, port: int) -> Iterator[ssl.SSLContext]:
    """Run nginx with the example at `port`; yield the trust in its certificate."""
    authority = trustme.CA()
    certificate = authority.issue_cert(SITE)
    certificate.private_key_pem.write_to_path(str(directory / "key.pem"))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(directory / "chain.pem"), append=True)
    (example,) = EXAMPLE.findall((ROOT / "docs/operate.md").read_text())
    for shown, ours in (
        ("127.0.0.1:8000", f"127.0.0.1:{tracker_port}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/etc/ssl/tracker", str(directory)),
    ):
        assert shown in example
        example = example.replace(shown, ours)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)
    (config := directory / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {directory}/pid; events {{}}"
        f"http {{ access_log off; {places} {example} }}"
    )
    command = [*MORTAL, require("nginx"), "-e", "stderr", "-c", str(config)]
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with subprocess.Popen(command) as process:
        try:
            yield trust
        finally:
            process.kill()


def announced(port: int, trust: ssl.SSLContext) -> bytes:
    """Return the reply to an announce from `CLIENT`; wait for nginx to listen."""
    path = f"/announce?info_hash={quote_from_bytes(HASH)}&peer_id={quote_from_bytes(PEER_ID)}"
    while True:
        client = HTTPSConnection(
            "127.0.0.1", port, timeout=DEADLINE_S, source_address=(CLIENT, 0), context=trust
        )
        try:
            client.request("GET", f"{path}&port=6881&left=1", headers={"Host": SITE})
            return client.getresponse().read()
        except ConnectionRefusedError:
            continue
        finally:
            client.close()


@pytest.mark.timeout(60)
async def test_the_documented_nginx_forwards_announces_and_browsers(tmp_path: Path) -> None:
    flags = ("--only", "http,ws", "--trusted-proxies", "127.0.0.1")
    with (
        running_tracker(*flags) as tracker,
        reserved_port() as port,
        nginx(tmp_path, tracker.ports["http"], port) as trust,
    ):
        trust.check_hostname = False  # the address of a test is not the name of the site
        assert b"11:external ip4:\x7f\x00\x00\x02" in announced(port, trust)
        async with connect(f"wss://127.0.0.1:{port}/", ssl=trust, proxy=None) as browser:
            await browser.send('{"action": "scrape"}')
            assert "scrape" in str(await browser.recv())
