"""The commands of the hot path, as bytes to be joined.

Formatting a command costs more than sending it, so all that an announce does not change is made
once: heads for good, tails (which hold the time) once a second. A command is then
``head + key + tail``, or ``head + key + tail + member + CRLF`` where a member is its last word.
"""

from tracker.store.keys import COUNT, KEY_SIZE, LEAST_TIME

WHOLE = 80  # live members of one role that are read all at once; more are read by a window
CRLF = b"\r\n"


def _bulk(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)


def _head(words: int, name: bytes) -> bytes:
    """Up to the key: ``name key …``, an array of `words` in all."""
    return b"*%d\r\n%b$%d\r\n" % (words, _bulk(name), KEY_SIZE)


ZADD = _head(4, b"ZADD")
ZREM = _head(3, b"ZREM")
EXPIRE = _head(3, b"EXPIRE")
ZCOUNT = _head(4, b"ZCOUNT")
ZRANGE_BY_SCORE = _head(8, b"ZRANGE")
ZRANGE_BY_RANK = _head(4, b"ZRANGE")
ZRANGE_BY_RANK_REV = _head(5, b"ZRANGE")
PURGE = _head(4, b"ZREMRANGEBYSCORE")
ZSCORE = _head(3, b"ZSCORE")
ZADD_EXISTING = _head(5, b"ZADD")
ZINCRBY = _head(4, b"ZINCRBY")

COUNT_TAIL = CRLF + _bulk(COUNT)
ONE_MORE_TAIL = CRLF + _bulk(b"1") + _bulk(COUNT)

_BY_SCORE = b"$7\r\nBYSCORE\r\n$5\r\nLIMIT\r\n$1\r\n0\r\n" + _bulk(b"%d" % (WHOLE + 1))


def size_head(size: int) -> bytes:
    """What stands before a last word of `size` bytes."""
    return b"$%d\r\n" % size


def ttl_tail(ttl_s: int) -> bytes:
    """EXPIRE's seconds."""
    return CRLF + _bulk(b"%d" % ttl_s)


_RANKS = tuple(_bulk(b"%d" % rank) for rank in range(4096))  # those of most windows, made once


def _rank(rank: int) -> bytes:
    return _RANKS[rank] if rank < len(_RANKS) else _bulk(b"%d" % rank)


def rank_tail(start: int, stop: int) -> bytes:
    """ZRANGE's ranks, the last one included."""
    return CRLF + _rank(start) + _rank(stop)


def rank_rev_tail(start: int, stop: int) -> bytes:
    """The same, counted from the highest score."""
    return rank_tail(start, stop) + b"$3\r\nREV\r\n"


class Tails:
    """The tails that hold the time; made anew each second."""

    def __init__(self, now_s: int, ttl_s: int) -> None:
        live_seeders = _bulk(b"-inf") + _bulk(b"(-%d" % now_s)
        live_leechers = _bulk(b"(%d" % now_s) + _bulk(b"+inf")
        self.now_s = now_s
        self.leecher = CRLF + _bulk(b"%d" % (now_s + ttl_s))  # ZADD's score
        self.seeder = CRLF + _bulk(b"-%d" % (now_s + ttl_s))
        self.existing_leecher = CRLF + _bulk(b"XX") + self.leecher[2:]  # the same, with XX
        self.existing_seeder = CRLF + _bulk(b"XX") + self.seeder[2:]
        self.seeders = CRLF + live_seeders + _BY_SCORE  # ZRANGE's bounds
        self.leechers = CRLF + live_leechers + _BY_SCORE
        self.count_seeders = CRLF + live_seeders  # ZCOUNT's bounds
        self.count_leechers = CRLF + live_leechers
        # Two ranges: the completed count lies between them.
        self.dead_seeders = CRLF + _bulk(b"-%d" % now_s) + _bulk(b"-%d" % LEAST_TIME)
        self.dead_leechers = CRLF + _bulk(b"%d" % LEAST_TIME) + _bulk(b"%d" % now_s)
