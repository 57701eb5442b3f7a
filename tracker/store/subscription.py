"""One channel, heard on a connection of its own that is made anew whenever it breaks.

Sharded pub/sub wherever the server has it: in a cluster a message of the plain kind goes to all
nodes. Who publishes and who listens decide by the same server, the primary that owns the
channel's slot, so that they agree while versions differ.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias, cast

import hiredis

from tracker.errors import Away, Unavailable
from tracker.settings import RedisSettings
from tracker.store.address import Address, Server
from tracker.store.link import Reply
from tracker.store.pipeline import FIRST_PAUSE_S, Pipeline
from tracker.store.reasons import CLOSED, NOT_REDIS, Reason, Unusable, explain, reply_reason
from tracker.store.resp import command
from tracker.store.topology import Redis
from tracker.store.trouble import RELAY, Troubles
from tracker.tasks import kept

SHARDED_SINCE = (7,)  # the version of Redis
UNSUBSCRIBED = Reason("Redis ended the subscription")  # the slot goes to another node

Report: TypeAlias = Callable[[], None]


def publish(owner: Pipeline, channel: bytes, message: bytes) -> bytes:
    """The command that publishes at who owns the channel; its reply is how many heard it.

    Raises:
        Unavailable: it was never met, so nobody knows how it wants that.
    """
    if owner.server is None:
        raise Away
    return command("SPUBLISH" if _sharded(owner.server) else "PUBLISH", channel, message)


def _sharded(server: Server) -> bool:
    return server.version >= SHARDED_SINCE


class Inbox(asyncio.Protocol):
    """One connection's life: greeted, subscribed, then nothing but messages."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        """`received` gets what the messages carry."""
        self._received = received
        self._reader = hiredis.Reader(replyError=lambda text: Unusable(reply_reason(text)))
        self._transport: asyncio.Transport | None = None
        # No more than we asked for, and the one that ends it.
        self._replies: asyncio.Queue[Reply | Exception] = asyncio.Queue()

    def write(self, commands: bytes) -> None:
        """Send `commands`, if there is still a connection."""
        if self._transport is not None:
            self._transport.write(commands)

    async def reply(self) -> Reply:
        """The next reply that is no message.

        Raises:
            Unusable: the connection is lost, or Redis refused.
        """
        reply = await self._replies.get()
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def ended(self) -> Reason:
        """Wait for the end of a subscription; return why it is over."""
        try:
            await self.reply()
        except Unusable as error:
            return error.why
        return UNSUBSCRIBED

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's fits by shape only

    def data_received(self, data: bytes) -> None:
        """Take in what the other end sent."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                match reply:
                    case [b"smessage" | b"message", _, bytes(message)]:
                        self._hand_over(message)
                    case _:
                        self._replies.put_nowait(reply)
        except Exception:  # noqa: BLE001 - hiredis raises errors of many kinds
            self._replies.put_nowait(Unusable(NOT_REDIS))
            self.abort()

    def _hand_over(self, message: bytes) -> None:
        """A defect that one message meets must not cost the connection."""
        try:
            self._received(message)
        except Exception as error:  # noqa: BLE001 - it goes to the loop, as if that had called
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a relay callback failed", "exception": error}
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._transport = None
        self._replies.put_nowait(Unusable(explain(exc, tls=False) if exc else CLOSED))


class Subscription:
    """An `Inbox` at whoever owns the channel now.

    Args:
        redis: whose primaries the channel belongs to.
        channel: what to listen to.
        settings: times.
        received: called with each message, at once; must not raise.
    """

    def __init__(
        self,
        redis: Redis,
        channel: bytes,
        settings: RedisSettings,
        received: Callable[[bytes], None],
    ) -> None:
        self._redis = redis
        self._channel = channel
        self._settings = settings
        self._received = received
        self._inbox: Inbox | None = None  # once it is subscribed
        self._at = ""  # the address of its other end
        self._trouble = Troubles(RELAY).of("relay")  # while the owner itself works
        self._owner_lost = False  # since it was subscribed
        self._changed = asyncio.Event()
        self._up = asyncio.Event()
        self._pause_s = FIRST_PAUSE_S  # before the next attempt
        self._keeper: asyncio.Task[None] | None = None
        redis.on_change(self._follow)

    @property
    def up(self) -> bool:
        """Whether messages are heard, as far as is known."""
        return self._inbox is not None

    def start(self) -> None:
        """Begin to subscribe, and go on doing so until `close`."""
        self._keeper = asyncio.create_task(
            kept("relay subscription", self._keep), name="relay subscription"
        )

    async def wait_up(self) -> None:
        """Return once it is subscribed."""
        await self._up.wait()

    def renew(self) -> None:
        """Drop the connection, if it is subscribed, and subscribe anew."""
        if self._inbox is not None:
            self._inbox.abort()
            self._inbox = None
            self._up.clear()

    async def close(self) -> None:
        """Close; nothing is heard any more."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._trouble.leave()

    async def _keep(self) -> None:
        report: Report | None = None  # why the last attempt failed, or the subscription ended
        while True:
            last, report = report, None
            with suppress(Unavailable):  # the owner's connection reports that
                address = await self._owner(last)
                report = await self._listen(address)
            await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))
            self._pause_s = min(self._pause_s * 2, self._settings.reconnect_max)

    async def _owner(self, report: Report | None) -> Address:
        """Return the address of the channel's owner, once the owner answers.

        Call `report` if the owner has been up since it was subscribed. Otherwise the subscription
        failed because of the owner, whose own connection reports that.
        """
        if await self._owner_up() or self._owner_lost:
            report = None
        # Asked about a key of that name, a cluster finds out whether the slot has moved.
        await self._redis.ask(self._channel, command("EXISTS", self._channel), 1)
        if report is not None:
            report()
        address = self._redis.primary(self._channel).address
        assert address is not None  # it has just answered
        return address

    async def _listen(self, address: Address) -> Report | None:
        """Subscribe at `address`, and wait for the end; return what to report of that.

        None: it was ended by `renew`.
        """
        inbox = Inbox(self._received)
        self._at = str(address)
        try:
            await self._open(inbox, address)
            self._trouble.end(address)
            reason = await inbox.ended()
            return partial(self._trouble.lose, address, reason) if self.up else None
        except (OSError, TimeoutError, Unusable) as error:
            return partial(self._trouble.add, address, explain(error, tls=address.tls))
        finally:
            self._inbox = None
            self._up.clear()
            inbox.abort()

    async def _open(self, inbox: Inbox, address: Address) -> None:
        async with asyncio.timeout(self._settings.timeout):
            await address.connect(inbox)
            greeting, count = address.greeting()
            inbox.write(greeting)
            hello, *_ = [await inbox.reply() for _ in range(count)]
            server = Server.of(hello)
            server.require_primary()  # else its messages would come from elsewhere, if at all
            verb = "SSUBSCRIBE" if _sharded(server) else "SUBSCRIBE"
            inbox.write(command(verb, self._channel))
            await inbox.reply()
        self._inbox = inbox
        self._owner_lost = False
        self._pause_s = FIRST_PAUSE_S
        self._up.set()

    async def _owner_up(self) -> bool:
        """Return once the channel's owner is up, and whether it was down before.

        Its pipeline connects to it.
        """
        waited = False
        while True:
            self._changed.clear()
            with suppress(Unavailable):
                if self._redis.primary(self._channel).up:
                    return waited
            waited = True
            await self._changed.wait()

    def _follow(self) -> None:
        """Something about the primaries changed; perhaps who owns the channel."""
        self._changed.set()
        try:
            owner = self._redis.primary(self._channel)
        except Unavailable:
            self._owner_lost = True
            return
        if not owner.up:
            self._owner_lost = True
        elif str(owner.address) != self._at:
            self.renew()
