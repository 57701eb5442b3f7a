"""Which torrents are served: lists of info_hashes to allow and to deny.

A list to deny is always in force. If there is a list to allow, even an empty one, all others are
refused. Each may come from two sources, whose entries count together.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args

from tracker.errors import Denied
from tracker.model import HASH_SIZE, InfoHash

Kind: TypeAlias = Literal["allow", "deny"]
Source: TypeAlias = Literal["file", "manual"]  # settings name the file; `tracker access` edits
KINDS: tuple[Kind, ...] = get_args(Kind)
SOURCES: tuple[Source, ...] = get_args(Source)

PAGE_SIZE = 128 * HASH_SIZE  # bytes; searched as text in less than a microsecond


class ListName(NamedTuple):
    """One source of one kind of list."""

    kind: Kind
    source: Source

    def __str__(self) -> str:
        return f"{self.kind}:{self.source}"


LIST_NAMES = [ListName(kind, source) for kind in KINDS for source in SOURCES]


class Hashes:
    """A set of info_hashes, 20.5 bytes each.

    A frozenset of a million takes five times as much, and nothing else runs for the 150 ms in
    which it is made and freed; but it is asked in 0.3 µs, this in one.
    """

    __slots__ = ("_firsts", "_pages")

    def __init__(self, *parts: bytes) -> None:
        """`parts` as for `append`."""
        self._pages: list[bytes] = []
        self._firsts: list[InfoHash] = []  # of each page
        for part in parts:
            self.append(part)

    def append(self, part: bytes) -> None:
        """Add info_hashes: joined, sorted, distinct, and above all that are here."""
        pages = [part[at : at + PAGE_SIZE] for at in range(0, len(part), PAGE_SIZE)]
        self._pages += pages
        self._firsts += [page[:HASH_SIZE] for page in pages]

    def parts(self, size: int) -> Iterator[bytes]:
        """All of them, joined and sorted, in parts of about `size` bytes."""
        step = max(1, size // PAGE_SIZE)
        for at in range(0, len(self._pages), step):
            yield b"".join(self._pages[at : at + step])

    def __contains__(self, info_hash: InfoHash) -> bool:
        index = bisect_right(self._firsts, info_hash) - 1
        if index < 0:
            return False
        page = self._pages[index]
        at = page.find(info_hash)
        while at > 0 and at % HASH_SIZE:  # found across the border of two others
            at = page.find(info_hash, at + 1)
        return at >= 0

    def __len__(self) -> int:
        return sum(map(len, self._pages)) // HASH_SIZE

    def __iter__(self) -> Iterator[InfoHash]:
        for page in self._pages:
            for at in range(0, len(page), HASH_SIZE):
                yield page[at : at + HASH_SIZE]


class Access(NamedTuple):
    """All lists at one time."""

    allow: tuple[Hashes, ...] | None  # by source; None: there is no such list
    deny: tuple[Hashes, ...]

    def allows(self, info_hash: InfoHash) -> bool:
        """Whether that torrent is served."""
        if any(info_hash in hashes for hashes in self.deny):
            return False
        return self.allow is None or any(info_hash in hashes for hashes in self.allow)


OPEN = Access(None, ())  # no list at all


class AccessLists:
    """The lists in force, replaced whole by setting `current`."""

    __slots__ = ("current",)

    def __init__(self, current: Access = OPEN) -> None:
        self.current = current

    def check(self, info_hash: InfoHash) -> None:
        """Refuse a torrent that is not served, whatever its peer announces.

        Raises:
            Denied: it is not.
        """
        access = self.current
        if access is not OPEN and not access.allows(info_hash):
            raise Denied("this torrent is not allowed")
