"""Programs that Redis runs in one step, each in a file ``NAME.lua`` beside this one.

They are for what is asked seldom and must not be torn apart; announces need none. Sent whole each
time: a kilobyte a few times a minute, and nothing to load again after Redis was restarted.

A Redis at its ``maxmemory`` refuses each command that may need more, but not within a script that
has written already: it cannot be stopped halfway. So scripts that must succeed then, for the few
keys of the cluster itself, begin with a command that needs none, such as DEL. (Only from Redis 7 on
could they say ``allow-oom`` instead.)
"""

from collections.abc import Sequence
from importlib.resources import files

from tracker.store.resp import command


class Script:
    """``NAME.lua``, whose head tells of its keys, arguments and reply."""

    def __init__(self, name: str) -> None:
        self._text = files(__name__).joinpath(f"{name}.lua").read_bytes()

    def call(self, *keys: bytes, args: Sequence[bytes | str | int] = ()) -> bytes:
        """The command that runs it; it has one reply. All `keys` must be of one slot."""
        return command("EVAL", self._text, len(keys), *keys, *args)
