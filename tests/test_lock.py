"""Who holds a lock is alive."""

import os
import subprocess
import sys
from pathlib import Path

from tracker.lock import try_lock


def test_a_lock_is_held_once_and_can_be_taken_again_after_it_is_closed(tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    lock = try_lock(file)
    assert lock is not None
    assert try_lock(file) is None
    os.close(lock)
    again = try_lock(file)
    assert again is not None
    os.close(again)


def test_the_lock_of_a_killed_process_can_be_taken(tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    code = f"""if 1:
        from pathlib import Path
        from tracker.lock import try_lock
        assert try_lock(Path({str(file)!r})) is not None
        print("locked", flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"locked\n" == process.stdout.readline()
        assert try_lock(file) is None
        process.kill()
    lock = try_lock(file)
    assert lock is not None
    os.close(lock)


def test_what_cannot_be_opened_is_not_locked(tmp_path: Path) -> None:
    assert try_lock(tmp_path / "missing") is None
    (link := tmp_path / "link").symlink_to(tmp_path)
    assert try_lock(link) is None
    (file := tmp_path / "file").touch()
    assert try_lock(file, os.O_DIRECTORY) is None
