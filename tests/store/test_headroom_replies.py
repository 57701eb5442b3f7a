"""What a server says of its memory, if it is odd."""

import pytest

from tracker.errors import Corrupt
from tracker.store.headroom import parse_memory
from tracker.store.link import Reply


@pytest.mark.parametrize("reply", [7, None, b"", b"used_memory:much", b"\xff", [b"maxmemory:0"]])
def test_an_odd_reply_is_one_clear_error(reply: Reply) -> None:
    with pytest.raises(Corrupt, match="INFO memory: odd reply"):
        parse_memory(reply)
