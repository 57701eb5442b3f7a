"""coturn as deployments configure it: whom it serves, how much, and where it relays to."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address

import pytest

from tests.turn_server import TurnClient, running_turn_server
from tracker.policy.ice import Credential, turn_credential

SECRET = "0123456789abcdef0123456789abcdef"
QUOTA = 3
ALICE, BOB = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_turn_server(SECRET, TURN_USER_QUOTA=str(QUOTA)) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[TurnClient]:
    with TurnClient("127.0.0.1", port) as client:
        yield client


def credential(client: bytes = ALICE, *, ttl_s: int = 60, secret: str = SECRET) -> Credential:
    """Return a credential as the tracker creates it."""
    return turn_credential(secret.encode(), client, time.time(), ttl_s)


def test_a_credential_of_the_tracker_is_accepted(client: TurnClient) -> None:
    assert 0 == client.allocate(*credential())


def test_an_expired_credential_is_refused(client: TurnClient) -> None:
    assert 401 == client.allocate(*credential(ttl_s=-10))


def test_a_credential_made_with_another_secret_is_refused(client: TurnClient) -> None:
    assert 401 == client.allocate(*credential(secret="fedcba9876543210fedcba9876543210"))


def test_a_credential_cannot_be_made_to_last_longer(client: TurnClient) -> None:
    username, password = credential()
    expiry, _, name = username.partition(":")
    assert 401 == client.allocate(f"{int(expiry) + 3600}:{name}", password)


def test_all_credentials_of_an_address_share_one_quota(port: int) -> None:
    with ExitStack() as stack:

        def allocate(client: bytes, ttl_s: int) -> int:
            turn = stack.enter_context(TurnClient("127.0.0.1", port))
            return turn.allocate(*credential(client, ttl_s=ttl_s))

        assert [0] * QUOTA + [486] == [allocate(BOB, 60 + each) for each in range(QUOTA + 1)]
        assert 0 == allocate(bytes((192, 0, 2, 3)), 60)


@pytest.mark.parametrize(
    ("peer", "code"),
    [
        ("8.8.8.8", 0),
        ("127.0.0.1", 0),  # by an option of the tests
        ("127.0.0.2", 403),
        ("10.1.2.3", 403),
        ("172.31.255.255", 403),
        ("192.168.0.1", 403),
        ("169.254.169.254", 403),  # the metadata service of clouds
        ("100.64.0.1", 403),
        ("0.0.0.0", 403),
        ("224.0.0.1", 403),
        ("255.255.255.255", 403),
        ("2606:4700:4700::1111", 0),
        ("::1", 403),
        ("::", 403),
        ("::ffff:10.1.2.3", 403),
        ("64:ff9b::10.1.2.3", 403),
        ("2002:a01:203::1", 403),
        ("fd00::1", 403),
        ("fe80::1", 403),
        ("ff02::1", 403),
    ],
)
def test_it_relays_to_the_internet_and_not_to_private_networks(
    client: TurnClient, peer: str, code: int
) -> None:
    ip = ip_address(peer)
    assert 0 == client.allocate(*credential(ip.packed), ip.version)
    assert code == client.permit(peer)
