"""Files that are replaced as a whole, and locks."""

import errno
import os
import signal
import subprocess
import sys
from threading import Thread

import pytest

from gan_helpers import files
from gan_helpers.files import HELD, locked, replace_file, tidy


def only(folder):
    """The names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a.json"
    assert replace_file(path, b"old") == path and path.read_bytes() == b"old"
    replace_file(path, b"new and longer")
    assert path.read_bytes() == b"new and longer" and only(tmp_path) == ["a.json"]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    replace_file(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there" / "file").read_bytes() == b"x"


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_what_goes_wrong_leaves_the_old_file(tmp_path, monkeypatch, where, error):
    def fail(*args):
        raise error

    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.os, where, fail)
    expected = OSError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised:
        replace_file(path, b"new")
    assert path.read_bytes() == b"old" and only(tmp_path) == ["a.json"]
    if expected is OSError:
        said = f"{path} could not be written: No space left. It is as it was."
        assert str(raised.value) == said


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "none" / "a.json"
    with pytest.raises(FileNotFoundError, match=f"{path} could not be written: No such file"):
        replace_file(path, b"x")


def test_what_a_killed_program_left_is_taken_over(tmp_path):
    for name in (".a.json.lock", ".a.json.part"):
        (tmp_path / name).write_bytes(b"left")
    replace_file(tmp_path / "a.json", b"x")
    assert only(tmp_path) == ["a.json"]


def test_it_is_removed_even_if_nothing_is_to_be_written(tmp_path):
    for name in ("a.json", ".a.json.lock", ".a.json.part"):
        (tmp_path / name).write_bytes(b"left")
    tidy(tmp_path / "a.json")
    assert only(tmp_path) == ["a.json"]


HOLDER = """
import sys, time
from pathlib import Path
from gan_helpers.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another program that holds a lock."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout.readline().strip() == b"held"
        yield program
        program.kill()


def test_a_lock_ends_with_who_holds_it(tmp_path, holder):
    told = []

    def busy():
        told.append(only(tmp_path))
        os.kill(holder.pid, signal.SIGKILL)

    with locked(tmp_path / "lock", busy) as held:
        assert held
    assert told == [["lock"]] and only(tmp_path) == []


def test_waiting_can_be_refused(tmp_path, holder):
    def refuse():
        raise OSError("somebody has it")

    with pytest.raises(OSError, match="somebody has it"), locked(tmp_path / "lock", refuse):
        pass
    assert only(tmp_path) == ["lock"] and holder.poll() is None  # it is still its own
    with pytest.raises(OSError, match="somebody has it"), locked(tmp_path / "lock", refuse):
        pass


def test_one_after_the_other(tmp_path, monkeypatch):
    """Twenty threads, each of which finds nobody else inside."""
    monkeypatch.setattr(files, "PAUSE", 0.001)
    inside, most = [], []

    def enter():
        for _ in range(10):
            with locked(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [Thread(target=enter) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 200 and only(tmp_path) == [] and not HELD


def test_nobody_waits_for_himself(tmp_path):
    """After an interrupt at the very moment at which the lock was to be let go."""
    left = locked(tmp_path / "lock")
    left.__enter__()
    with locked(tmp_path / "lock", lambda: pytest.fail("waits")) as held:
        assert held


def test_without_locks_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "try_lock", lambda file: None)
    with locked(tmp_path / "lock") as held:
        assert not held
    replace_file(tmp_path / "a.json", b"x")
    assert only(tmp_path) == ["a.json"]
