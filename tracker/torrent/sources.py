"""The files that a torrent is made of: collected from disk, and checked before any is hashed."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from tracker.torrent.model import TorrentError

_KINDS: Final = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}
_MAX_DEPTH: Final = 90  # clients read at most 100 levels of bencoding, some of which are others


class State(NamedTuple):
    """What changes when a file is written or replaced."""

    device: int
    inode: int
    size: int  # bytes
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Return the state that `status` shows."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Item(NamedTuple):
    """A file on disk, and its place in the torrent."""

    source: Path
    path: tuple[str, ...]  # below the torrent's name; empty: the torrent is this file
    state: State

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.state.size


class Shared(NamedTuple):
    """All that goes into one torrent."""

    name: str  # of the file, or of the directory
    items: tuple[Item, ...]  # sorted by name, each directory for itself (BEP 52)
    empty_directories: int  # left out: a torrent holds files

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(item.size for item in self.items)


def name_of(sources: Sequence[Path], name: str | None = None) -> str:
    """Return the name of the torrent: `name`, or that of the only source.

    Raises:
        TorrentError: there are several sources and no name, or it cannot name a file.
    """
    if name is None:
        if len(sources) != 1:
            raise TorrentError("several files need a name for the directory that they go into")
        name = sources[0].resolve().name
    _check_name(name)
    return name


def collect(sources: Sequence[Path], name: str, leave_out: Path | None = None) -> Shared:
    """Collect the files of `sources`; several are put side by side into a directory.

    Symbolic links are followed.

    Args:
        sources: files and directories.
        name: from `name_of`.
        leave_out: a file that is skipped: the torrent itself, when it is written among them.

    Raises:
        TorrentError: something cannot be shared, two files have the same place, or all are empty.
        OSError: a source does not exist, or a directory cannot be read.
    """
    skipped = leave_out.resolve() if leave_out else None
    walk = _Walk(skipped)
    if len(sources) == 1:
        items = list(walk.of(sources[0], ()))
    else:
        named = sorted((source.resolve().name, source) for source in sources)
        items = [item for name, source in named for item in walk.of(source, (name,))]
    seen: set[tuple[str, ...]] = set()
    for item in items:
        if item.path in seen:
            raise TorrentError(
                f"two files have the same path in the torrent: {'/'.join(item.path)}"
            )
        seen.add(item.path)
    if not any(item.size for item in items):
        found = "all files are empty" if items else "there is no file"
        raise TorrentError(f"nothing to share: {found}")
    return Shared(name, tuple(items), walk.empty_directories)


class _Walk:
    def __init__(self, skipped: Path | None) -> None:
        self._skipped = skipped
        self._above: list[tuple[int, int]] = []  # directories that the walk is inside of
        self.empty_directories = 0

    def of(self, source: Path, path: tuple[str, ...]) -> Iterator[Item]:
        """Yield the files of a source, those of a directory sorted."""
        if source.is_symlink() and not source.exists():
            raise TorrentError(
                f"{source} is a symbolic link to {source.readlink()}, which is missing"
            )
        status = source.stat()
        if stat.S_ISDIR(status.st_mode):
            yield from self._directory(source, path, (status.st_dev, status.st_ino))
        elif not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "special")
            raise TorrentError(f"{source} is {kind}: only files and directories can be shared")
        elif not self._skips(source):
            if not os.access(source, os.R_OK):
                raise TorrentError(f"{source} cannot be read: permission denied")
            yield Item(source, path, State.of(status))

    def _skips(self, source: Path) -> bool:
        skipped = self._skipped  # names first: resolving takes system calls
        return bool(skipped and source.name == skipped.name and source.resolve() == skipped)

    def _directory(
        self, source: Path, path: tuple[str, ...], identity: tuple[int, int]
    ) -> Iterator[Item]:
        if identity in self._above:
            raise TorrentError(f"{source} is a symbolic link that leads back to a directory above")
        if len(self._above) == _MAX_DEPTH:
            raise TorrentError(f"{source}: directories are nested more than {_MAX_DEPTH} deep")
        self._above.append(identity)
        children = sorted(source.iterdir())
        self.empty_directories += not children
        for child in children:
            _check_name(child.name)
            yield from self.of(child, (*path, child.name))
        self._above.pop()


def _check_name(name: str) -> None:
    """Accept one path element of text, which all systems and clients can write."""
    if name in ("", ".", "..") or "/" in name:
        raise TorrentError(f"{name!r} cannot be the name of a file: pass another one with --name")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise TorrentError(f"the name {name!r} is not UTF-8: rename the file") from error
