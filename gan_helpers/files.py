"""Files that are replaced as a whole, and locks that end with whoever holds them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from threading import get_ident
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PAUSE = 0.1  # seconds between two looks at a lock that somebody else holds
#: (path, thread) -> what this process holds.
HELD: dict[tuple[str, int], IO[bytes]] = {}


def replace_file(path: str | Path, content: bytes) -> Path:
    """Write a file as a whole: whoever reads it finds the old or the new one, never a part.

    Written beside, brought to the disk, renamed; an interrupt, a crash and a full disk leave the
    old one. What a killed program left beside, the next call takes over.

    Args:
        path: of the file; its folder has to exist.
        content: all of it.

    Raises:
        OSError: if it cannot be written; the message says why.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    try:
        with locked(path.with_name(f".{path.name}.lock")) as held:
            own = "" if held else f".{token_hex(4)}"  # without locks, no name is to be shared
            write_beside(path, path.with_name(f".{path.name}{own}.part"), content)
    except OSError as error:
        raise in_a_sentence(error, f"{path} could not be written", "It is as it was.") from error
    return path


def tidy(path: Path) -> None:
    """Remove what a killed program has left beside a file that it was writing."""
    with locked(path.with_name(f".{path.name}.lock")) as held:
        if held:
            path.with_name(f".{path.name}.part").unlink(missing_ok=True)


def write_beside(path: Path, part: Path, content: bytes) -> None:
    """Write `part`, and rename it to `path` once the disk has it."""
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a new name to the disk as well, where folders can be opened for that."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def in_a_sentence(error: OSError, what: str, advice: str) -> OSError:
    """The same kind of error, as a sentence: what could not be done, why, what to do."""
    return type(error)(f"{what}: {error.strerror or error}. {advice}")


@contextmanager
def locked(path: Path, busy: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold a lock, whose file is gone afterwards. It ends with the process, however that ends.

    Args:
        path: of the file of the lock; for the same one the others wait.
        busy: called once if somebody else holds it; what it raises ends the waiting.

    Yields:
        Whether it is held: some file systems know no locks.

    Raises:
        OSError: if the file cannot be written.
    """
    key = (os.path.abspath(path), get_ident())
    # There is one if an interrupt came between two lines below; nobody waits for himself.
    if left := HELD.pop(key, None):
        left.close()
    try:
        yield take(path, key, busy)
    finally:
        if file := HELD.get(key):
            let_go(file, path)
            HELD.pop(key)


def take(path: Path, key: tuple[str, int], busy: Callable[[], None] | None) -> bool:
    """Wait for the lock; False where there are none."""
    while True:
        file = HELD[key] = open(path, "ab")  # noqa: SIM115 - it stays open
        free = try_lock(file)
        if free is None:
            return False
        if free and is_at(file, path):
            return True
        file.close()  # somebody has it; or had it, and has removed this file since it was opened
        if not free:
            if busy:
                busy()
                busy = None
            time.sleep(PAUSE)


def let_go(file: IO[bytes], path: Path) -> None:
    """Remove the file of a lock, if it is held, and end the lock."""
    if file.closed:
        return
    if sys.platform != "win32" and try_lock(file) is not False and is_at(file, path):
        with suppress(OSError):
            os.unlink(path)  # first: once it is let go, it may be another's
    file.close()
    if sys.platform == "win32":  # which removes no file that somebody has open
        with suppress(OSError):
            os.unlink(path)


def try_lock(file: IO[bytes]) -> bool | None:
    """Whether the lock was got; None where there are no locks."""
    if sys.platform == "win32":
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
    else:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
    return True


def is_at(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except OSError:
        return False
