"""The commands of the hot path are those that one would write out."""

import pytest

from tests.store.asking import HASH, NOW, ipv4
from tracker.model import Family
from tracker.store import phrases
from tracker.store.keys import LEAST_TIME, swarm_key
from tracker.store.phrases import CRLF, WHOLE, Tails, rank_rev_tail, rank_tail, size_head, ttl_tail
from tracker.store.resp import command

TTL_S = 100
TAILS = Tails(NOW, TTL_S)
KEY = swarm_key(Family.IPV4, HASH)
MEMBER = ipv4(1)
LAST = size_head(len(MEMBER)) + MEMBER + CRLF
LIMIT = ("BYSCORE", "LIMIT", 0, WHOLE + 1)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        (phrases.ZADD + KEY + TAILS.leecher + LAST, ("ZADD", KEY, NOW + TTL_S, MEMBER)),
        (phrases.ZADD + KEY + TAILS.seeder + LAST, ("ZADD", KEY, -NOW - TTL_S, MEMBER)),
        (phrases.ZREM + KEY + CRLF + LAST, ("ZREM", KEY, MEMBER)),
        (phrases.EXPIRE + KEY + ttl_tail(TTL_S), ("EXPIRE", KEY, TTL_S)),
        (phrases.ZCOUNT + KEY + TAILS.count_seeders, ("ZCOUNT", KEY, "-inf", f"(-{NOW}")),
        (phrases.ZCOUNT + KEY + TAILS.count_leechers, ("ZCOUNT", KEY, f"({NOW}", "+inf")),
        (
            phrases.ZRANGE_BY_SCORE + KEY + TAILS.seeders,
            ("ZRANGE", KEY, "-inf", f"(-{NOW}", *LIMIT),
        ),
        (
            phrases.ZRANGE_BY_SCORE + KEY + TAILS.leechers,
            ("ZRANGE", KEY, f"({NOW}", "+inf", *LIMIT),
        ),
        (phrases.ZRANGE_BY_RANK + KEY + rank_tail(0, 50), ("ZRANGE", KEY, 0, 50)),
        (phrases.ZRANGE_BY_RANK + KEY + rank_tail(4095, 4096), ("ZRANGE", KEY, 4095, 4096)),
        (
            phrases.ZRANGE_BY_RANK_REV + KEY + rank_rev_tail(10**6, 10**7),
            ("ZRANGE", KEY, 10**6, 10**7, "REV"),
        ),
        (
            phrases.PURGE + KEY + TAILS.dead_seeders,
            ("ZREMRANGEBYSCORE", KEY, -NOW, -LEAST_TIME),
        ),
        (
            phrases.PURGE + KEY + TAILS.dead_leechers,
            ("ZREMRANGEBYSCORE", KEY, LEAST_TIME, NOW),
        ),
        (
            phrases.ZADD_EXISTING + KEY + TAILS.existing_leecher + LAST,
            ("ZADD", KEY, "XX", NOW + TTL_S, MEMBER),
        ),
        (
            phrases.ZADD_EXISTING + KEY + TAILS.existing_seeder + LAST,
            ("ZADD", KEY, "XX", -NOW - TTL_S, MEMBER),
        ),
        (phrases.ZINCRBY + KEY + phrases.ONE_MORE_TAIL, ("ZINCRBY", KEY, 1, "")),
        (phrases.ZSCORE + KEY + phrases.COUNT_TAIL, ("ZSCORE", KEY, "")),
        (phrases.ZSCORE + KEY + CRLF + LAST, ("ZSCORE", KEY, MEMBER)),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_heads_keys_and_tails_make_a_command(
    phrase: bytes, words: tuple[bytes | str | int, ...]
) -> None:
    assert command(*words) == phrase
