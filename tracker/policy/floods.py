"""Which datagrams to serve, and which addresses to hold back, when more arrive than can be served.

A UDP socket whose receive buffer overflows loses the datagrams of all clients in the same
proportion. Before that happens, the socket is *pressed*: it reads many datagrams at once and
serves some of each address before it serves more of any. Addresses that send far more than their
share are *restrained*: the kernel passes on only a sample of their datagrams. The sample shows when
an address has calmed down.

Only addresses that have proven themselves are restrained. A forged source address restrains no one.
A balancer cannot verify connection ids, but it sees the answers that only valid ids get. It
restrains only addresses that got several of them since the last review, as few clients do.
"""

from collections.abc import Sequence

from tracker.policy.accounts import NEVER
from tracker.policy.fairness import fair, fair_limit

HOLD_S = 10.0  # stay pressed this long after the last sign of pressure
FIRST_WINDOW_S, WINDOW_S = 0.05, 1.0  # between reviews
EXCESS = 2  # times the fair rate above which an address is restrained
MOST_RESTRAINED = 400  # addresses; each lengthens the kernel's filter
FIRST_SAMPLE, MOST_SAMPLE = 16, 1024  # one of this many datagrams is passed on


class Floods:
    """The pressure on one socket.

    Args:
        per_round: requests to serve of one reading.
        restrains: the kernel can hold addresses back. Behind a proxy it does not see them.
        least_answers: answers between two reviews that an address needs to be restrained; 0 if
            all requests given to `choose` are proven.
    """

    def __init__(self, per_round: int, *, restrains: bool = True, least_answers: int = 0) -> None:
        self._per_round = per_round
        self._restrains = restrains
        self._least_answers = least_answers
        self._until = NEVER
        self._review_at = NEVER
        self._reviewed_at = NEVER
        self._counts: dict[bytes, int] = {}  # requests read since the last review, by address
        self._answers: dict[bytes, int] = {}  # likewise, answers to proven requests
        self._served = 0
        self._refused = 0
        self._fair_rate = 0.0  # requests per second that an address may send
        self.restrained: frozenset[bytes] = frozenset()
        self.sample = FIRST_SAMPLE

    def pressed(self, now: float) -> bool:
        """Return whether to read and serve fairly."""
        return now < self._until or bool(self.restrained)

    def press(self, now: float) -> None:
        """Note that the receive buffer is filling up."""
        if not self.pressed(now):
            self._begin_window(now, FIRST_WINDOW_S)
        self._until = now + HOLD_S

    def choose(self, keys: Sequence[bytes], *, more_wait: bool, room: int) -> list[bool]:
        """Return for each request of a reading whether to serve it.

        Args:
            keys: the addresses of requests; proven, unless `least_answers` is set.
            more_wait: more datagrams wait in the buffer. Otherwise there is time to serve all.
            room: the most requests to serve: Redis has more to do already.
        """
        counts = self._counts
        for key in keys:
            counts[key] = counts.get(key, 0) + 1
        most = min(self._per_round, room) if more_wait else room
        chosen = fair(keys, most)
        if room < sum(chosen):
            self._leave_out(keys, chosen, sum(chosen) - room)
        served = sum(chosen)
        self._served += served
        self._refused += len(keys) - served
        return chosen

    def _leave_out(self, keys: Sequence[bytes], chosen: list[bool], number: int) -> None:
        """Take back that many choices, from the addresses that sent most since the last review."""
        served = [index for index, serve in enumerate(chosen) if serve]
        served.sort(key=lambda index: self._counts[keys[index]], reverse=True)
        for index in served[:number]:
            chosen[index] = False

    def choose_connects(self, keys: Sequence[bytes], *, more_wait: bool) -> list[bool]:
        """As `choose`, for requests whose source may be forged. They restrain no address.

        At most `per_round` are served, even if that is less than one of each address.
        """
        if not more_wait:
            return [True] * len(keys)
        left = self._per_round
        chosen = fair(keys, left)
        for index, serve in enumerate(chosen):
            if serve:
                chosen[index] = left > 0
                left -= 1
        return chosen

    def answered(self, key: bytes) -> None:
        """Note an answer to a request of this address that was proven."""
        self._answers[key] = self._answers.get(key, 0) + 1

    def due(self, now: float) -> bool:
        """Return whether it is time for a review."""
        return now >= self._review_at

    def review(self, now: float) -> bool:
        """Decide which addresses to restrain; return whether `restrained` or `sample` changed."""
        before = self.restrained, self.sample
        passed_s = now - self._reviewed_at
        sent = {
            key: count * (self.sample if key in self.restrained else 1)
            for key, count in self._counts.items()
        }
        if self._refused and self._restrains:
            self._restrain(sent, passed_s)
        else:
            calm = self._fair_rate * passed_s
            self.restrained = frozenset(k for k in self.restrained if sent.get(k, 0) > calm)
        if not self.restrained:
            self.sample = FIRST_SAMPLE
        self._begin_window(now, WINDOW_S)
        return before != (self.restrained, self.sample)

    def _restrain(self, sent: dict[bytes, int], passed_s: float) -> None:
        """Restrain the addresses that sent most; sample less of them if that was not enough."""
        limit = fair_limit(list(sent.values()), self._served)
        self._fair_rate = limit / passed_s
        proven = self.restrained | {
            key for key in sent if self._answers.get(key, 0) >= self._least_answers
        }
        heavy = sorted((k for k in proven if sent.get(k, 0) > EXCESS * limit), key=sent.__getitem__)
        before, self.restrained = self.restrained, frozenset(heavy[-MOST_RESTRAINED:])
        if before and self.restrained <= before:
            self.sample = min(MOST_SAMPLE, self.sample * 4)

    def _begin_window(self, now: float, length_s: float) -> None:
        self._counts.clear()
        self._answers.clear()
        self._served = self._refused = 0
        self._reviewed_at, self._review_at = now, now + length_s
