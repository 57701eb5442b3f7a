"""The specification of the WebTorrent tracker protocol, played against a real tracker."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self, TypeAlias

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.nodes import DEADLINE_S
from tests.shape.files import ROOT
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.config import ENTRIES

SPECIFICATION = (ROOT / "docs/webtorrent.md").read_text()

# A direction, an empty line, and the message in a block of code.
STEP = re.compile(
    r"^\*\*(\w+) → (\w+)\*\*\n\n```(?:json|text)\n(.*?)^```", re.MULTILINE | re.DOTALL
)
# Its first cell is the name of the message, up to a comma.
TABLE = re.compile(
    r"^\| ([a-z ]+?)(?:,[^|]*)? \| type \| required \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE
)
LIMIT = re.compile(r"^\| [^|]+ \| ([\d.]+) \| `--([\w-]+)` \|$", re.MULTILINE)
Message: TypeAlias = dict[str, Any]

STRANGER = "127.0.0.2"  # the address of the client S
NO_SWARM = "nobody-is-in-this-ex"


class Clients:
    """The clients of the conversation; each connects when it is first named."""

    def __init__(self, tracker: TrackerProcess) -> None:
        self._url = tracker.ws_url
        self._sockets: dict[str, ClientConnection] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._sockets)

    def send(self, name: str, message: str) -> None:
        """Send a message of one client."""
        self._socket(name).send(message)

    def receive(self, name: str) -> Message:
        """Return the next message to one client."""
        message: Message = json.loads(self._socket(name).recv(DEADLINE_S))
        return message

    def ask(self, name: str, message: Message) -> Message:
        """Send a message of one client, and return the next message to it."""
        self.send(name, json.dumps(message))
        return self.receive(name)

    def _socket(self, name: str) -> ClientConnection:
        if name not in self._sockets:
            source = (STRANGER, 0) if name == "S" else None
            socket = connect(self._url, proxy=None, source_address=source)
            self._sockets[name] = self._stack.enter_context(socket)
        return self._sockets[name]


@pytest.fixture
def tracker() -> Iterator[TrackerProcess]:
    """A tracker with default settings, and empty."""
    with running_tracker() as tracker:
        yield tracker


@pytest.fixture
def clients(tracker: TrackerProcess) -> Iterator[Clients]:
    with Clients(tracker) as clients:
        yield clients


def steps() -> list[tuple[str, str, str]]:
    """Return the sender, the recipient and the text of each message, in their order."""
    return STEP.findall(SPECIFICATION)


def example(field: str) -> Message:
    """Return the first message to the tracker that has this field."""
    sent = (text for _, to, text in steps() if to == "tracker" and text.startswith("{"))
    return next(message for message in map(json.loads, sent) if field in message)


def rows(kind: str) -> dict[str, bool]:
    """Return the fields of a message, by its table, and whether they are required."""
    content = dict(TABLE.findall(SPECIFICATION))[kind]
    cells = [row.split("|") for row in content.splitlines()]
    return {field.strip(" `"): required == " yes " for _, field, _, required, *_ in cells}


def test_every_example_is_a_step_of_the_conversation() -> None:
    assert len(steps()) > 40
    assert SPECIFICATION.count("\n```json\n") + SPECIFICATION.count("\n```text\n") == len(steps())


def test_the_conversation_is_what_the_tracker_does(clients: Clients) -> None:
    for sender, recipient, text in steps():
        if recipient == "tracker":
            clients.send(sender, text.strip())
        else:
            assert json.loads(text) == clients.receive(recipient)
    for name in clients:  # nothing else was sent to any of them
        assert "files" in clients.ask(name, {"action": "scrape", "info_hash": NO_SWARM})


def test_required_fields_of_an_announce_are_required_and_the_others_are_not(
    clients: Clients,
) -> None:
    announce = example("offers")
    fields = rows("announce")
    assert announce.keys() == fields.keys()
    for field, required in fields.items():
        for changed in without(announce, field), announce | {field: None}:
            assert required == ("failure reason" in clients.ask("A", changed)), field


@pytest.mark.parametrize("kind", ["answer", "candidate"])
def test_each_field_of_an_answer_and_of_a_candidate_is_required(
    clients: Clients, kind: str
) -> None:
    message = example(kind)
    offer = {"offer_id": message["offer_id"], "offer": {"sdp": "v=0"}}
    announce = {"action": "announce", "info_hash": message["info_hash"], "left": 1}
    clients.ask("B", announce | {"peer_id": message["peer_id"]})
    clients.ask("A", announce | {"peer_id": message["to_peer_id"], "offers": [offer]})
    assert offer["offer_id"] == clients.receive("B")["offer_id"]
    assert message.keys() == rows(kind).keys()
    for field, required in rows(kind).items():
        assert required
        # Without the object and the recipient it would be an announce.
        assert "failure reason" in clients.ask("B", without(message, field)), field
    clients.send("B", json.dumps(message))
    assert without(message, "to_peer_id") == clients.receive("A")


def test_an_offer_without_a_required_field_is_left_out(clients: Clients) -> None:
    announce = example("offers") | {"event": None}
    clients.ask("B", announce | {"peer_id": "b" * 20, "offers": None})
    (good,) = announce["offers"]
    assert good.keys() == rows("offer").keys()
    bad = [without(good, field) for field in good] + [None]
    clients.ask("A", announce | {"offers": [*bad, good]})
    assert good["offer_id"] == clients.receive("B")["offer_id"]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("announce reply", "complete"),
        ("delivered offer", "offer"),
        ("failure", "failure reason"),
    ],
)
def test_messages_of_the_tracker_have_the_fields_of_their_table(kind: str, field: str) -> None:
    fields = rows(kind)
    received = [json.loads(text) for sender, _, text in steps() if sender == "tracker"]
    found = [message for message in received if field in message]
    assert found
    for message in found:
        assert message.keys() <= fields.keys()
        assert {name for name, required in fields.items() if required} <= message.keys()


def without(message: Message, field: str) -> Message:
    """Return a copy of a message that lacks one field."""
    return {name: value for name, value in message.items() if name != field}


def test_limits_are_the_defaults() -> None:
    defaults = {entry.flag.removeprefix("--"): entry.default for entry in ENTRIES}
    limits = LIMIT.findall(SPECIFICATION)
    assert len(limits) >= 10
    for value, flag in limits:
        assert float(value) == defaults[flag], flag


def test_a_connection_may_have_any_path_and_origin_and_binary_messages(
    tracker: TrackerProcess,
) -> None:
    url = tracker.ws_url.removesuffix("/announce") + "/any/path?key=value"
    with connect(url, proxy=None, origin=Origin("https://site.example")) as socket:
        assert [] == socket.protocol.extensions
        socket.send(json.dumps(example("offers")).encode())
        reply = socket.recv(DEADLINE_S)
        assert isinstance(reply, str)
        assert 120 == json.loads(reply)["interval"]
