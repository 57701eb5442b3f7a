"""Credentials for TURN servers."""

from base64 import b64encode
from hashlib import sha1
from hmac import HMAC

from tracker.policy.ice import turn_credential

SECRET = b"a secret of the operator"
CLIENT = bytes((192, 0, 2, 1))


def test_the_password_is_the_hmac_of_a_username_that_begins_with_the_expiry() -> None:
    username, password = turn_credential(SECRET, CLIENT, 1_700_000_000.9, 3600)

    assert "1700003600" == username.partition(":")[0]
    assert b64encode(HMAC(SECRET, username.encode(), sha1).digest()).decode() == password


def test_credentials_of_one_client_have_one_id_at_all_times() -> None:
    ids = {turn_credential(SECRET, CLIENT, now, 60).username.split(":")[1] for now in (0, 9999)}
    assert 1 == len(ids)


def test_clients_have_different_ids_that_do_not_show_their_address() -> None:
    first = turn_credential(SECRET, CLIENT, 0, 60).username
    other = turn_credential(SECRET, bytes((192, 0, 2, 2)), 0, 60).username
    elsewhere = turn_credential(b"another secret", CLIENT, 0, 60).username

    assert 3 == len({first, other, elsewhere})
    assert CLIENT.hex() not in first
