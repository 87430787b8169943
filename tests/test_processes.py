"""Work in several processes: what fails or dies does no harm to the rest."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from gan_helpers import processes
from gan_helpers.processes import Incomplete, work

ENDURANCE = Path(__file__).parent


def square(x):
    """One of the tasks: squares, and what goes wrong for some numbers."""
    if x == 3:
        raise ValueError("3 is not liked")
    if x == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    if x == 5:
        sys.exit(7)
    if x == 6:
        return lambda: x  # cannot be sent
    return x * x


def run(tasks, function=square, jobs=2):
    """(what was kept, the exception or None)."""
    kept = {}
    try:
        work(function, tasks, kept.__setitem__, jobs)
    except Incomplete as why:
        return kept, why
    return kept, None


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_value_is_kept_by_its_name(jobs):
    kept, why = run({f"n{i}": i for i in (0, 1, 2, 7, 8)}, jobs=jobs)
    assert kept == {"n0": 0, "n1": 1, "n2": 4, "n7": 49, "n8": 64} and why is None


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_fails_is_listed_and_the_rest_is_kept(jobs):
    kept, why = run({f"n{i}": i for i in range(10)}, jobs=jobs)
    assert kept == {f"n{i}": i * i for i in (0, 1, 2, 7, 8, 9)}
    assert list(why.failures) == ["n3", "n4", "n5", "n6"] or jobs > 1
    assert why.failures["n3"].startswith("ValueError: 3 is not liked (test_processes.py, line ")
    assert "ended by SIGKILL; perhaps there was too little memory" in why.failures["n4"]
    assert "exit status 7" in why.failures["n5"] and "pickle" in why.failures["n6"].lower()
    assert why.status == 1 and str(why).startswith("4 failed; everything else")
    assert all(f"- {name}: " in str(why) for name in why.failures)


def test_a_task_or_a_function_that_cannot_be_sent():
    kept, why = run({"a": 1, "b": lambda: 0, "c": 2})
    assert kept == {"a": 1, "c": 4} and "could not be begun" in why.failures["b"]
    kept, why = run({"a": 1}, lambda x: x)
    assert not kept and "could not be begun" in why.failures["a"]


def test_nothing_to_do():
    assert run({}) == ({}, None)


def test_what_cannot_be_kept_is_raised_and_nothing_goes_on():
    def keep(name, value):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        work(square, {"a": 1, "b": 2}, keep)
    assert not processes.SPAWN.active_children()


def test_in_a_thread():
    found = []
    thread = Thread(target=lambda: found.append(run({"a": 1})))
    thread.start()
    thread.join()
    assert found == [({"a": 1}, None)]


def nap(folder, name):
    """A task that takes long; it says that it has begun."""
    Path(folder, f"begun {name} {os.getpid()}").touch()
    time.sleep(0 if name == "short" else 600)
    return name


@pytest.mark.parametrize("number", processes.ENDING)
def test_an_interrupt_keeps_what_is_there(tmp_path, number):
    """A signal comes as soon as the first value is kept."""
    kept = {}

    def keep(name, value):
        kept[name] = value
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        pytest.skip("it is ignored here")
    begin = time.monotonic()
    tasks = {name: name for name in ("short", "long", "longer")}
    with pytest.raises(Incomplete, match="2 not finished; what is finished is kept") as why:
        work(partial(nap, str(tmp_path)), tasks, keep)
    assert kept == {"short": "short"} and why.value.status == 128 + number
    assert time.monotonic() - begin < 60 and signal.getsignal(number) is before
    assert not processes.SPAWN.active_children()


def test_no_process_outlives_its_parent(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(ENDURANCE)!r})\n"
        "from functools import partial\n"
        "from gan_helpers.processes import work\n"
        "from test_processes import nap\n"
        f"work(partial(nap, {str(tmp_path)!r}), {{'a': 'a', 'b': 'b'}}, print)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as program:
        while len(begun := list(tmp_path.glob("begun *"))) < 2:
            assert program.poll() is None
            time.sleep(0.05)
        program.kill()
    end = time.monotonic() + 30
    while left := [pid for path in begun if alive(pid := int(path.name.split()[2]))]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def alive(pid):
    """Whether a process that is no child of this one is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody asks what became of it, it stays in the list of processes.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and ") Z" in stat.read_text(encoding="utf-8"))
