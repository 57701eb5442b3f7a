"""The pages of one process: composed, and fed with what Redis holds of the cluster."""

import asyncio
from collections.abc import Mapping

from tracker.errors import Unavailable
from tracker.model import Activity
from tracker.policy.rates import activity
from tracker.settings import Settings
from tracker.store.census import Census
from tracker.store.frontends import registered
from tracker.store.history import History
from tracker.store.redis_time import redis_time
from tracker.store.topology import Redis
from tracker.web.assets import Assets
from tracker.web.front import FrontPages
from tracker.web.pages import Pages
from tracker.web.render import Renderer
from tracker.web.site import SiteFiles
from tracker.web.statistics import NOTHING, SharedStatistics, Statistics
from tracker.web.urls import AnnounceUrls


class Look:
    """Reads the statistics: O(frontends), whatever the number of swarms."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._census = Census(redis)
        self._history = History(redis, settings.workers)

    async def __call__(self) -> Statistics:
        """Return what Redis holds now; `NOTHING` if it is unreachable."""
        try:
            now, snapshot, day, frontends = await asyncio.gather(
                redis_time(self._redis),
                self._census.published(),
                self._history.points(),
                registered(self._redis),
            )
        except Unavailable:
            return NOTHING
        known: Mapping[bytes, Activity] = {} if snapshot is None else snapshot.activity
        living = [
            (each.facts, activity(each.facts, known.get(each.id)).rates)
            for each in frontends
            if each.facts and each.expires_at > now
        ]
        living.sort(key=lambda each: each[0].since)
        return Statistics(now, snapshot, living, [], day)


def website(settings: Settings, redis: Redis, ports: Mapping[str, int]) -> Pages:
    """Compose the pages of a process.

    Args:
        settings: all of them.
        redis: what the statistics are read from.
        ports: protocol -> port of ours.
    """
    assets = Assets()
    renderer = Renderer(assets)
    statistics = SharedStatistics(Look(redis, settings))
    urls = AnnounceUrls(ports, settings.http.paths[0], settings.listen.public_url)
    return Pages(assets, renderer, [FrontPages(renderer, statistics, urls), SiteFiles(assets)])
