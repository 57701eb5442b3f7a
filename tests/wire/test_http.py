"""What clients of every kind send over HTTP."""

from contextlib import suppress
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import Event
from tracker.wire import http

HASH = bytes(range(100, 120))
PEER = b"-TR4000-abcdefghijkl"
ALL_BYTES = bytes(range(256))

hashes = st.binary(min_size=20, max_size=20)


def query(**changed: str | bytes | None) -> bytes:
    """An announce's query; None leaves a field out, bytes are sent as they are."""
    fields: dict[str, str | bytes | None] = {
        "info_hash": quote_from_bytes(HASH, safe=""),
        "peer_id": quote_from_bytes(PEER, safe=""),
        "port": "6881",
        "left": "0",
    }
    return b"&".join(
        key.encode() + b"=" + (value if isinstance(value, bytes) else value.encode())
        for key, value in (fields | changed).items()
        if value is not None
    )


# Targets


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/announce?a=1", ("announce", None, b"a=1")),
        (b"/announce", ("announce", None, b"")),
        (b"/scrape?a=1", ("scrape", None, b"a=1")),
        (b"//announce?a=1", ("announce", None, b"a=1")),
        (b"/s3-cr.e_t~/announce?a=1", ("announce", "s3-cr.e_t~", b"a=1")),
        (b"/secret/scrape", ("scrape", "secret", b"")),
        (b"/" + b"k" * 64 + b"/announce", ("announce", "k" * 64, b"")),
        (b"/announce/announce", ("announce", "announce", b"")),
        (b"http://tracker.example:8000/announce?a=1", ("announce", None, b"a=1")),
        (b"HTTPS://tracker.example/secret/announce", ("announce", "secret", b"")),
        (b"/%61nnounce?a=1", ("announce", None, b"a=1")),
        (b"/%73%63rape?%61=1", ("scrape", None, b"%61=1")),
        (b"/%7e%2D/announce%2ephp?", ("announce", "~-", b"")),
        (b"http://tracker.example/%61nnounce", ("announce", None, b"")),
        (b"/announce?a=1?b=2", ("announce", None, b"a=1?b=2")),
        (b"/announce?next=/scrape", ("announce", None, b"next=/scrape")),
    ],
)
def test_a_target_leads_to_its_action(
    target: bytes, expected: tuple[http.Action, str | None, bytes]
) -> None:
    assert http.Route(*expected) == http.route(target)


@pytest.mark.parametrize(
    ("target", "action", "passkey"),
    [
        (b"/announce/", "announce", None),
        (b"/announce/word", "announce", "word"),
        (b"/announce.php", "announce", None),
        (b"/scrape.php", "scrape", None),
        (b"/announce.php/word", "announce", "word"),
        (b"/tracker.php/word/announce", "announce", "word"),
        (b"/tracker.php/word/scrape", "scrape", "word"),
        (b"//word//scrape.php", "scrape", "word"),
    ],
)
def test_the_paths_of_well_known_trackers_are_ours(
    target: bytes, action: http.Action, passkey: str | None
) -> None:
    assert http.Route(action, passkey, b"x") == http.route(target + b"?x")


def test_other_paths_can_be_served_instead() -> None:
    route = http.Routes(["/bt/announce", "/KEY/a"])
    assert http.Route("announce", None, b"x") == route(b"/bt/announce?x")
    assert http.Route("scrape", None, b"x") == route(b"http://host/bt/scrape?x")
    assert http.Route("announce", "word", b"") == route(b"/word/a")
    assert route(b"/announce").action is None


def test_a_long_path_is_not_compared() -> None:
    assert "announce" == http.route(b"/" * 500 + b"announce").action
    assert http.route(b"/" * 8000 + b"announce").action is None
    assert http.route(b"/%61nnounce" + b"%61" * 3000).action is None


@pytest.mark.parametrize("path", [b"/", b"/stats", b"/announce.aspx", b"*", b"/a/b/announce"])
def test_a_hash_at_another_path_is_noticed(path: bytes) -> None:
    assert "elsewhere" == http.route(path + b"?info_hash=x").action


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"*",
        b"/",
        b"announce",
        b"/Announce",
        b"/announce.aspx",
        b"/announcement",
        b"/a/b/announce",
        b"/" + b"k" * 65 + b"/announce",
        b"/k%20y/announce",
        b"/key%2Fannounce",
        b"/%2561nnounce",
        b"/%6",
        b"/announce\n",
        b"http://tracker.example",
        b"ftp://tracker.example/announce",
    ],
)
def test_other_targets_lead_nowhere(path: bytes) -> None:
    assert http.Route(None, None, b"a=1") == http.route(path + b"?a=1")


@given(st.binary(max_size=200))
def test_any_target_is_routed(target: bytes) -> None:
    assert target.partition(b"?")[2] == http.route(target).query


# Announces


def test_the_announce_of_libtorrent_is_read() -> None:
    assert http.AnnounceQuery(
        HASH, PEER, 6881, Event.STARTED, 16384, 200, True, ("10.0.0.1",), b"0AFFE001"
    ) == http.decode_announce(
        query(left="16384") + b"&uploaded=0&downloaded=0&corrupt=0&key=0AFFE001&event=started"
        b"&numwant=200&compact=1&no_peer_id=1&supportcrypto=1&redundant=0&ip=10.0.0.1"
    )


def test_the_least_announce_is_read() -> None:
    read = http.decode_announce(query(left=None))
    assert http.AnnounceQuery(HASH, PEER, 6881, Event.NONE, None, None, True, (), b"") == read


@pytest.mark.parametrize("start", range(0, 256, 20))
@pytest.mark.parametrize("upper", [True, False])
def test_every_byte_value_survives_percent_encoding(start: int, upper: bool) -> None:
    raw = (ALL_BYTES + ALL_BYTES)[start : start + 20]
    quoted = "".join(f"%{byte:02X}" if upper else f"%{byte:02x}" for byte in raw)
    assert raw == http.decode_announce(query(info_hash=quoted)).info_hash
    assert raw == http.decode_announce(query(peer_id=quoted)).peer_id


@given(hashes)
def test_any_hash_survives_the_usual_quoting(raw: bytes) -> None:
    assert raw == http.decode_announce(query(info_hash=quote_from_bytes(raw))).info_hash


@given(st.lists(st.sampled_from([b"%", b"\\", b"x", b"4", b"a", b"%41", b"+", b"\xff", b"%C3"])))
def test_unquoting_is_that_of_the_standard_library(parts: list[bytes]) -> None:
    """Shown by a field of any length."""
    quoted = b"".join(parts)
    expected = unquote_to_bytes(quoted).decode("latin-1")
    assert (expected,) == http.decode_announce(query(ip=quoted)).addresses


@pytest.mark.parametrize("byte", sorted(set(ALL_BYTES) - set(b"&%")))
def test_bytes_that_sloppy_clients_send_bare_stand_for_themselves(byte: int) -> None:
    """Also "+", which is no space, "=", "?", ";" and the backslash."""
    raw = bytes([byte]) * 20
    assert raw == http.decode_announce(query(info_hash=raw)).info_hash


def test_a_percent_sign_without_two_digits_stands_for_itself() -> None:
    assert http.decode_announce(query(info_hash=b"%zz" + b"a" * 17)).info_hash == b"%zz" + b"a" * 17


def test_a_hash_of_32_bytes_is_cut_to_20() -> None:
    long = quote_from_bytes(HASH + b"x" * 12)
    assert http.decode_announce(query(info_hash=long)).info_hash == HASH


def test_the_first_of_repeated_fields_counts() -> None:
    again = b"&port=1&info_hash=" + b"x" * 20
    assert http.decode_announce(query()) == http.decode_announce(query() + again)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("started", Event.STARTED),
        ("completed", Event.COMPLETED),
        ("stopped", Event.STOPPED),
        ("", Event.NONE),
        ("paused", Event.NONE),
        ("empty", Event.NONE),
        ("whatever", Event.NONE),
        (None, Event.NONE),
    ],
)
def test_events(text: str | None, event: Event) -> None:
    assert event is http.decode_announce(query(event=text)).event


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("50", 50),
        ("4294967295", 2**32 - 1),
        ("9223372036854775807", 2**63 - 1),
        ("18446744073709551615", 2**64 - 1),
        (None, None),
        ("", None),
        ("-1", None),
        ("+5", None),
        ("5.0", None),
        ("0x10", None),
        ("1_000", None),
        ("NaN", None),
        (" 5", None),
        ("\u0665", None),
        ("9" * 21, None),
        pytest.param("9" * 8000, None, id="8000 digits"),
    ],
)
def test_left_and_numwant_are_numbers_or_unknown(text: str | None, number: int | None) -> None:
    read = http.decode_announce(query(left=text, numwant=text))
    assert (number, number) == (read.left, read.numwant)


@pytest.mark.parametrize(
    ("text", "compact"), [("1", True), ("0", False), (None, True), ("", True), ("x", True)]
)
def test_only_compact_0_asks_for_dictionaries(text: str | None, compact: bool) -> None:
    assert compact is http.decode_announce(query(compact=text)).compact


def test_addresses_are_handed_on_as_text() -> None:
    sent = query(ipv6="%5B2001%3adb8::1%5d:6881", ipv4="10.0.0.1:6882", ip="host.example")
    expected = ("host.example", "10.0.0.1:6882", "[2001:db8::1]:6881")
    assert expected == http.decode_announce(sent).addresses


@pytest.mark.parametrize("port", [0, 1, 65535])
def test_ports_of_16_bits_are_read(port: int) -> None:
    """Port 0 too: policy refuses it, whatever the protocol."""
    assert port == http.decode_announce(query(port=str(port))).port


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"info_hash": None}, "info_hash must be 20 bytes"),
        ({"info_hash": ""}, "info_hash must be 20 bytes"),
        ({"info_hash": "a" * 19}, "info_hash must be 20 bytes"),
        ({"info_hash": "a" * 21}, "info_hash must be 20 bytes"),
        ({"info_hash": "a" * 40}, "info_hash must be 20 bytes"),
        ({"peer_id": None}, "peer_id must be 20 bytes"),
        ({"peer_id": "a" * 32}, "peer_id must be 20 bytes"),
    ],
)
def test_an_announce_without_its_essentials_is_malformed(
    changed: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(Malformed) as caught:
        http.decode_announce(query(**changed))
    assert reason == caught.value.reason


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1.0", "+1"])
def test_a_port_that_is_no_number_is_none(port: str) -> None:
    assert http.decode_announce(query(port=port)).port is None


@given(st.one_of(st.binary(max_size=500), st.binary(max_size=60).map(lambda tail: query() + tail)))
def test_any_query_is_read_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert len(http.decode_announce(data).info_hash) == 20
    with suppress(Malformed):
        assert all(len(info_hash) == 20 for info_hash in http.decode_scrape(data, 9)[0])


# Scrapes


def test_hashes_of_a_wrong_length_are_left_out_of_a_scrape() -> None:
    sent = b"info_hash=short&info_hash=%b&info_hash=" % (b"b" * 20)
    assert ((b"b" * 20,), 2) == http.decode_scrape(sent, 4)


def test_a_scrape_keeps_the_order_and_drops_repeats() -> None:
    second = b"b" * 20
    sent = b"&".join(b"info_hash=" + one for one in (second, b"a" * 20, second, b"c" * 32))
    assert ((second, b"a" * 20, b"c" * 20), 0) == http.decode_scrape(sent + b"&x=1", 4)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "full scrape is off, name an info_hash"),
        (b"x=1&xinfo_hash=1", "full scrape is off, name an info_hash"),
        (b"info_hash=", "info_hash must be 20 bytes"),
        (b"&".join([b"info_hash=" + b"a" * 20] * 3), "too many info_hashes, at most 2"),
    ],
)
def test_a_scrape_that_cannot_be_served_is_malformed(sent: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        http.decode_scrape(sent, 2)
    assert reason == caught.value.reason


def test_names_of_fields_may_be_percent_encoded() -> None:
    plain = b"info_hash=%b&peer_id=%b&port=1&left=0" % (20 * b"a", 20 * b"b")
    encoded = plain.replace(b"info_hash", b"info%5Fhash").replace(b"left", b"%6Ceft")
    assert http.decode_announce(plain) == http.decode_announce(encoded)
    assert ((20 * b"a",), 0) == http.decode_scrape(b"info%5fhash=" + 20 * b"a", 1)
