"""libtorrents that are driven by their alerts: one with a torrent, and one with many."""

import os
import time
from pathlib import Path
from typing import TypeVar

import libtorrent as lt

PATIENCE = 20.0  # seconds for any one event
FAILURES = (
    lt.listen_failed_alert,
    lt.scrape_failed_alert,
    lt.torrent_error_alert,
    lt.tracker_error_alert,
)
UNREACHABLE = 180  # libtorrent's error for a tracker that a socket of another family cannot reach
AlertT = TypeVar("AlertT", bound=lt.alert)


class LibtorrentSession:
    """A session of its own at any free port; it leaves its swarms when it is collected.

    Every method waits for its event, and raises an AssertionError if something failed meanwhile
    or nothing came in time.
    """

    def __init__(self, *hosts: str, settings: "lt.settings_pack | None" = None) -> None:
        """`hosts`: the addresses to listen on; it announces from each to all its trackers."""
        kinds = lt.alert_category
        pack = lt.default_settings()
        pack.update(
            {
                "alert_mask": kinds.status | kinds.storage | kinds.tracker,
                "allow_multiple_connections_per_ip": True,
                "announce_to_all_tiers": True,
                "enable_dht": False,
                "enable_lsd": False,
                "enable_natpmp": False,
                "enable_upnp": False,
                "listen_interfaces": ",".join(f"{host}:0" for host in hosts),
                "ssrf_mitigation": False,  # else it scrapes nothing on loopback
                # Its cache of connection ids ignores ports: it would use ids of other trackers.
                "udp_tracker_token_expiry": 0,
                "webtorrent_stun_server": "",  # the addresses of this machine are enough
            }
        )
        pack.update(settings or {})
        self._session = lt.session(pack)
        self._alerts: list[lt.alert] = []

    def _next(self, kind: type[AlertT]) -> AlertT:
        seen: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            while self._alerts:
                alert = self._alerts.pop(0)
                seen.append(alert.message())
                assert not isinstance(alert, FAILURES) or _skips(alert), seen
                if isinstance(alert, kind):
                    return alert
            self._session.wait_for_alert(int(left * 1000))
            self._alerts = self._session.pop_alerts()
        raise AssertionError(f"no {kind.__name__}, but {seen}")


class LibtorrentPeer(LibtorrentSession):
    """A libtorrent with one torrent."""

    def __init__(self, torrent: Path, folder: Path, *hosts: str) -> None:
        super().__init__(*hosts)
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(str(torrent))
        params.save_path = str(folder)
        self._torrent = self._session.add_torrent(params)

    def announced(self) -> int:
        """How many peers the reply to its next announce brings."""
        return self._next(lt.tracker_reply_alert).num_peers

    def announce_again(self) -> int:
        """Announce now, and return how many peers the reply brings.

        It does nothing while it still waits for the reply to an earlier announce.
        """
        self._torrent.force_reannounce(0, -1, lt.torrent_handle.ignore_min_interval)
        return self.announced()

    def finished(self) -> None:
        """It has all pieces, and their hashes are right."""
        self._next(lt.torrent_finished_alert)

    def flushed(self) -> None:
        """All that it has got is in its file."""
        self._torrent.flush_cache()
        self._next(lt.cache_flushed_alert)

    def counts(self) -> tuple[int, int]:
        """Seeders and leechers, by a scrape."""
        self._torrent.scrape_tracker()
        reply = self._next(lt.scrape_reply_alert)
        return reply.complete, reply.incomplete

    def leechers(self) -> int:
        """The most leechers that a reply to one of its latest announces counted."""
        return self._torrent.status().num_incomplete


def _skips(alert: lt.alert) -> bool:
    """Return whether it does not even try a tracker, since its socket is of another family."""
    return isinstance(alert, lt.tracker_error_alert) and alert.error.value() == UNREACHABLE


class LibtorrentCrowd(LibtorrentSession):
    """A libtorrent with many torrents of one tracker, whose content it does not have.

    Each announce has one offer instead of ten: an offer costs a UDP socket, which stays open.
    """

    def __init__(self, count: int, announce: str, folder: Path, host: str) -> None:
        settings: lt.settings_pack = {
            "active_downloads": -1,  # no limit
            "active_limit": -1,
            "active_tracker_limit": -1,
            "alert_queue_size": 10 * count,
            "max_webtorrent_offers": 1,
        }
        super().__init__(host, settings=settings)
        self.info_hashes = [os.urandom(20) for _ in range(count)]
        self._torrents = [self._add(each, announce, folder) for each in self.info_hashes]

    def announced(self, count: int) -> set[bytes]:
        """Return the info_hashes of the next announces that the tracker replies to."""
        replies = (self._next(lt.tracker_reply_alert) for _ in range(count))
        return {reply.handle.info_hashes().v1.to_bytes() for reply in replies}

    def announce_again(self, count: int) -> set[bytes]:
        """Announce the first torrents now; returns as `announced`."""
        for torrent in self._torrents[:count]:
            torrent.force_reannounce(0, -1, lt.torrent_handle.ignore_min_interval)
        return self.announced(count)

    def _add(self, info_hash: bytes, announce: str, folder: Path) -> lt.torrent_handle:
        params = lt.add_torrent_params()
        params.info_hashes = lt.info_hash_t(lt.sha1_hash(info_hash))
        params.save_path = str(folder)
        params.trackers = [announce]
        return self._session.add_torrent(params)
