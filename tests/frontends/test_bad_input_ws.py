"""Malformed WebSocket messages: the reply, the counter, and that serving goes on."""

from typing import Any

import pytest

from tests.frontends.clients import (
    HASH,
    browser,
    offers,
    text,
)
from tests.nodes import RunningNode

# All of these get an error, and the socket stays. What cuts it is in test_websocket.py.

ID_CHARACTERS = "must be 20 characters from 0 to 255"
OFFER = offers(1)[0]
ANSWER_RULE = "answer must be an object with a string sdp"


@pytest.mark.parametrize(
    ("changed", "reason", "action"),
    [
        ({"info_hash": None}, "info_hash must be a string", "announce"),
        ({"info_hash": text(HASH)[1:]}, f"info_hash {ID_CHARACTERS}", "announce"),
        ({"info_hash": "\u0100" * 20}, f"info_hash {ID_CHARACTERS}", "announce"),
        ({"info_hash": [text(HASH)]}, "info_hash must be a string", "announce"),
        ({"peer_id": ""}, f"peer_id {ID_CHARACTERS}", "announce"),
        ({"peer_id": "x" * 21}, f"peer_id {ID_CHARACTERS}", "announce"),
        ({"action": "relay"}, "action must be announce or scrape", "announce"),
        ({"action": ""}, "action must be announce or scrape", "announce"),
        ({"answer": {}}, f"to_peer_id {ID_CHARACTERS}", "announce"),
        ({"answer": "x", "to_peer_id": "x" * 20}, ANSWER_RULE, "announce"),
        ({"answer": {}, "to_peer_id": "x" * 20}, ANSWER_RULE, "announce"),
        (
            {"answer": {"sdp": ""}, "to_peer_id": "x" * 20, "offer_id": "x"},
            f"offer_id {ID_CHARACTERS}",
            "announce",
        ),
        (
            {"candidate": {}, "to_peer_id": "x" * 20},
            "candidate must be an RTCIceCandidateInit object",
            "announce",
        ),
        (
            {"action": "scrape", "info_hash": None},
            "full scrape is off, name an info_hash",
            "scrape",
        ),
        ({"action": "scrape", "info_hash": []}, "full scrape is off, name an info_hash", "scrape"),
        ({"action": "scrape", "info_hash": "x"}, f"info_hash {ID_CHARACTERS}", "scrape"),
    ],
)
async def test_a_malformed_message_gets_an_error_and_the_socket_stays(
    tracker: RunningNode, changed: dict[str, Any], reason: str, action: str
) -> None:
    async with browser(tracker) as one:
        request = one.request(**changed)
        await one.say(**request)
        expected = {"action": action, "failure reason": reason, "interval": 120}
        if request["info_hash"] == text(HASH):
            expected["info_hash"] = text(HASH)
        assert expected == await one.hear()
        assert 1 == tracker.requests["ws", action, "malformed"]
        await one.announce()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"x",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"announce"',
        b"{}",
        b'{"action":5}',
        b'{"action":"announce","info_hash":{}}',
        b'{"action":"announce","offers":{}}',
        b'{"action":"announce","offers":[null]}',
        b'{"action":"announce","offers":[{"offer":{}}]}',
        b'{"action":"announce","info_hash":"\xff\xfe"}',
        b'{"action":"announce","info_hash":"\\ud800"}',
        b'{"action":"announce","x":"\xff"}',
        b'{"action":"announce","x":' + b"[" * 5000,
        b'{"action":"announce","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
async def test_what_is_no_message_gets_an_error_and_the_socket_stays(
    tracker: RunningNode, message: bytes
) -> None:
    async with browser(tracker) as one:
        await one.socket.send(message, text=True)
        error = await one.hear()
        assert {"action", "failure reason", "interval"} == error.keys()
        assert "announce" == error["action"]
        assert 1 == tracker.requests["ws", "announce", "malformed"]
        await one.announce()


async def test_a_scrape_of_too_many_swarms_is_denied(tracker: RunningNode) -> None:
    async with browser(tracker) as one:
        await one.say(action="scrape", info_hash=[f"{number:020}" for number in range(101)])
        assert {
            "action": "scrape",
            "failure reason": "too many info_hashes, at most 100",
            "interval": 120,
        } == await one.hear()
        assert 1 == tracker.requests["ws", "scrape", "denied"]
        await one.announce()


async def test_offers_that_are_none_cost_the_others_nothing(tracker: RunningNode) -> None:
    async with browser(tracker, 1) as one, browser(tracker, 2) as two:
        await one.announce()
        unusable = [None, {"offer_id": "x"}, OFFER | {"offer": "sdp"}, OFFER | {"offer_id": 5}]
        await two.say(**two.request(offers=[*unusable, OFFER]))
        assert OFFER["offer_id"] == (await one.hear())["offer_id"]
        assert 4 == tracker.node.metrics.relayed["offer", "malformed"]
