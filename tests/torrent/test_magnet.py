"""Magnet links and info_hashes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.torrent import TorrentError, magnet, parse_info_hash
from tracker.torrent.magnet import parse_magnet

HASH = bytes(range(20))
HASH_2 = bytes(range(32))

info_hashes = st.one_of(
    st.tuples(st.binary(min_size=20, max_size=20)),
    st.tuples(st.binary(min_size=32, max_size=32)),
    st.tuples(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)),
)


def test_a_magnet_link_escapes_what_it_carries() -> None:
    assert (
        f"magnet:?xt=urn:btih:{HASH.hex()}&dn=a%26b%20%C3%BC&tr=udp%3A%2F%2Fx%3A1%2F%3Fa%3Db"
        "&ws=http%3A%2F%2Fy%2F"
    ) == magnet([HASH], "a&b ü", ["udp://x:1/?a=b"], ["http://y/"])


def test_a_hybrid_torrent_has_both_hashes_in_its_link() -> None:
    assert (f"magnet:?xt=urn:btih:{HASH.hex()}&xt=urn:btmh:1220{HASH_2.hex()}&dn=x") == magnet(
        [HASH, HASH_2], "x", []
    )


@pytest.mark.parametrize(
    "text",
    [
        HASH.hex(),
        HASH.hex().upper(),
        "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
        "aaaqeayeaudaocajbifqydiob4ibceqt",
        HASH_2.hex(),
        f"magnet:?xt=urn:btih:{HASH.hex()}&dn=x",
        "MAGNET:?dn=x&xt=urn:btih:AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
        f"magnet:?xt=urn:btmh:1220{HASH_2.hex()}",
        f"magnet:?xt=urn:btmh:1220{'ff' * 32}&xt=urn:btih:{HASH.hex()}",
    ],
)
def test_an_info_hash_is_read_in_every_usual_form(text: str) -> None:
    assert HASH == parse_info_hash(text)


@pytest.mark.parametrize(
    "text",
    ["", "xyz", HASH.hex()[1:], "1" * 32, "magnet:?dn=x", "magnet:?xt=urn:sha1:aa", "é" * 40],
)
def test_anything_else_is_not_an_info_hash(text: str) -> None:
    with pytest.raises(TorrentError):
        parse_info_hash(text)


@given(info_hashes, st.text(), st.lists(st.text(min_size=1)))
def test_any_magnet_link_names_its_torrent_and_its_trackers(
    info_hashes: tuple[bytes, ...], name: str, trackers: list[str]
) -> None:
    named = parse_magnet(magnet(info_hashes, name, trackers))
    assert tuple(dict.fromkeys(each[:20] for each in info_hashes)) == named.info_hashes
    assert tuple(trackers) == named.trackers
