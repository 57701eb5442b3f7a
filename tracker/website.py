"""The pages of one process: composed, and fed with what the tracker knows."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

from tracker.errors import TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.model import Activity, Counts, InfoHash, Point
from tracker.policy.accounts import client_key
from tracker.policy.rates import activity
from tracker.service.browsers import Browsers
from tracker.service.peers import Peers
from tracker.settings import Settings
from tracker.store.census import Census
from tracker.store.frontends import registered
from tracker.store.history import History
from tracker.store.redis_time import redis_time
from tracker.store.topology import Redis
from tracker.web.assets import Assets
from tracker.web.events import Streams
from tracker.web.front import FrontPages
from tracker.web.ice import IcePages
from tracker.web.pages import Pages
from tracker.web.programs import ProgramPages, SwarmCounts
from tracker.web.render import Renderer
from tracker.web.sharing import SharingPages
from tracker.web.site import SiteFiles
from tracker.web.statistics import FRESH_S, NOTHING, FrontendRow, SharedStatistics, Statistics
from tracker.web.urls import AnnounceUrls

HISTORY_FRESH_S = 10.0  # less than a point lasts


class Look:
    """Reads the statistics: O(frontends), whatever the number of swarms."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._census = Census(redis)
        self._history = History(redis, settings.workers)
        self._points: tuple[list[Point], list[Point]] = [], []
        self._points_until = 0.0

    async def __call__(self) -> Statistics:
        """Return what Redis holds now; `NOTHING` if it is unreachable."""
        try:
            now, snapshot, frontends, (hour, day) = await asyncio.gather(
                redis_time(self._redis),
                self._census.published(),
                registered(self._redis),
                self._read_points(),
            )
        except Unavailable:
            return NOTHING
        known: Mapping[bytes, Activity] = {} if snapshot is None else snapshot.activity
        living = [
            FrontendRow(each.facts, activity(each.facts, known.get(each.id)).rates)
            for each in frontends
            if each.facts and each.expires_at > now
        ]
        living.sort(key=lambda each: each.facts.since)
        return Statistics(now, snapshot, living, hour, day)

    async def _read_points(self) -> tuple[list[Point], list[Point]]:
        """Return the points of the last hour and of the last day."""
        if time.monotonic() >= self._points_until:
            hour, day = await asyncio.gather(self._history.recent_points(), self._history.points())
            self._points = hour, day
            self._points_until = time.monotonic() + HISTORY_FRESH_S
        return self._points


class Website:
    """The pages of a process, and the streams that keep them up to date.

    Args:
        settings: all of them.
        redis: what the statistics are read from.
        peers: counts swarms.
        browsers: counts swarms of browsers.
        ports: protocol -> port of ours.
        metrics: count streams.
        ready: whether this process should get traffic.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        peers: Peers,
        browsers: Browsers,
        ports: Mapping[str, int],
        metrics: Metrics,
        ready: Callable[[], bool],
    ) -> None:
        self.assets = assets = Assets()
        renderer = Renderer(assets)
        self.look = Look(redis, settings)
        statistics = SharedStatistics(self.look)
        urls = AnnounceUrls(ports, settings.http.paths[0], settings.listen.public_url)
        front = FrontPages(renderer, statistics, urls)
        self.streams = Streams(
            front.events,
            FRESH_S,
            settings.web.streams,
            settings.web.streams_per_address,
            client_key(settings.limits.ipv6_prefix),
            metrics,
        )
        self.pages = Pages(
            assets,
            renderer,
            [
                front,
                self.streams,
                ProgramPages(statistics, partial(_count, peers, browsers), ready),
                IcePages(settings.ice, settings.limits, metrics, time.time, time.monotonic),
                SharingPages(renderer, assets, urls),
                SiteFiles(assets),
            ],
        )


async def _count(peers: Peers, browsers: Browsers, info_hash: InfoHash) -> SwarmCounts:
    """Count one swarm.

    Raises:
        TrackerError: it cannot be counted now.
    """
    return SwarmCounts(await _scraped(peers, info_hash), await _scraped(browsers, info_hash))


async def _scraped(service: Peers | Browsers, info_hash: InfoHash) -> Counts:
    future: asyncio.Future[Counts] = asyncio.get_running_loop().create_future()

    def done(result: list[Counts] | TrackerError) -> None:
        if future.done():  # the visitor left
            return
        if isinstance(result, TrackerError):
            future.set_exception(result)
        else:
            future.set_result(result[0])

    service.scrape([info_hash], done)
    return await future
