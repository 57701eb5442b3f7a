"""Lists of info_hashes as text, read as it comes in, and refused whole for one bad line.

One info_hash a line, in any form that `tracker.wire.info_hash` knows; ``#`` begins a comment,
empty lines are skipped, repetitions are harmless::

    # asked for by mail
    aabbccddeeff00112233445566778899aabbccdd
    VK54ZXPO74ABCIRTIRKWM54ITGVLXTG5  # in base32

The reader does little at a time, since who feeds it may have other work to do: a million lines
are a second's work.
"""

from collections.abc import Iterator

from tracker.errors import Malformed
from tracker.model import InfoHash
from tracker.wire.info_hash import read_info_hash

LINE_MOST = 200  # bytes of a line, and of one for each entry on average; comments are short
TEXT_SPARE = 65_536  # bytes that a list of few entries may have beyond that


class ListReader:
    """Reads one list; after an error it is of no more use.

    Args:
        max_entries: how many lines may hold an info_hash; bounds the size of the text as well.
    """

    def __init__(self, max_entries: int) -> None:
        self._most = max_entries
        self._room = max_entries * LINE_MOST + TEXT_SPARE
        self._line = 0
        self._entries = 0
        self._rest = b""  # of a line that has not ended yet
        # By first byte: a set of all would stop everything for a while whenever it grows.
        self._found: list[set[InfoHash]] = [set() for _ in range(256)]

    def feed(self, data: bytes) -> None:
        """Take in the next piece of the text.

        Raises:
            Malformed: a bad line, with its number, or too much of them.
        """
        self._room -= len(data)
        if self._room < 0:
            raise Malformed(f"too large for a list of at most {self._most} entries")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > LINE_MOST:
            self._take(self._rest)

    def finish(self) -> Iterator[bytes]:
        """The list in parts: info_hashes joined, all of them sorted and distinct.

        Raises:
            Malformed: the last line is bad.
        """
        self._take(self._rest)
        return self._parts()

    def _parts(self) -> Iterator[bytes]:
        while self._found:  # each is let go as soon as it is used: all at once takes its time
            if found := self._found.pop(0):
                yield b"".join(sorted(found))

    def _take(self, line: bytes) -> None:
        self._line += 1
        if len(line) > LINE_MOST:
            raise Malformed(f"line {self._line}: longer than {LINE_MOST} bytes")
        word = line.partition(b"#")[0].strip()
        if not word:
            return
        self._entries += 1
        if self._entries > self._most:
            raise Malformed(f"line {self._line}: more than {self._most} entries")
        try:
            info_hash = read_info_hash(word)
        except Malformed as error:
            raise Malformed(f"line {self._line}: {error.reason}") from error
        self._found[info_hash[0]].add(info_hash)
