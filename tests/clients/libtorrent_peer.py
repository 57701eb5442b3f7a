"""A libtorrent with one torrent, driven by its alerts."""

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


class LibtorrentPeer:
    """A session of its own at any free port; it leaves the swarm when it is collected.

    Every method waits for its event, and raises an AssertionError if something failed meanwhile
    or nothing came in time.
    """

    def __init__(self, torrent: Path, folder: Path, *hosts: str) -> None:
        """`hosts`: the addresses to listen on; it announces from each to all its trackers."""
        kinds = lt.alert_category
        settings = lt.default_settings()
        settings.update(
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
            }
        )
        self._session = lt.session(settings)
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(str(torrent))
        params.save_path = str(folder)
        self._torrent = self._session.add_torrent(params)
        self._alerts: list[lt.alert] = []

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


def _skips(alert: lt.alert) -> bool:
    """Return whether it does not even try a tracker, since its socket is of another family."""
    return isinstance(alert, lt.tracker_error_alert) and alert.error.value() == UNREACHABLE
