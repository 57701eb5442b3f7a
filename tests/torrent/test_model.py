"""Versions and hashes of torrents."""

from tracker.torrent import Torrent, Version


def test_a_hybrid_torrent_has_both_versions() -> None:
    assert [(True, False), (False, True), (True, True)] == [
        (each.has_v1, each.has_v2) for each in (Version.V1, Version.V2, Version.HYBRID)
    ]


def test_trackers_see_twenty_bytes_of_the_first_info_hash() -> None:
    assert bytes(range(20)) == Torrent((bytes(range(32)),), "x", b"").info_hash
    assert b"1" * 20 == Torrent((b"1" * 20, b"2" * 32), "x", b"").info_hash
