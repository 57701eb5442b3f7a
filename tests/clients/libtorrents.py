"""libtorrents for tests: where its wheel is not installed a test skips, and fails in CI."""

from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools import require_module

if TYPE_CHECKING:
    from tests.clients.libtorrent_peer import LibtorrentCrowd, LibtorrentPeer


def join(torrent: Path, folder: Path, host: str = "127.0.0.1") -> "LibtorrentPeer":
    """Start a libtorrent with one torrent, whose content is in the folder or will be."""
    require_module("libtorrent")
    from tests.clients.libtorrent_peer import (  # noqa: PLC0415 - wheels for some platforms only
        LibtorrentPeer,
    )

    return LibtorrentPeer(torrent, folder, f"[{host}]" if ":" in host else host)


def join_many(count: int, announce: str, folder: Path) -> "LibtorrentCrowd":
    """Start a libtorrent with that many torrents of one tracker."""
    require_module("libtorrent")
    from tests.clients.libtorrent_peer import (  # noqa: PLC0415 - wheels for some platforms only
        LibtorrentCrowd,
    )

    return LibtorrentCrowd(count, announce, folder, "127.0.0.1")
