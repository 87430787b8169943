"""Work on a cluster: what the local pool promises, with two workers, one of which is lost."""

import os
import re
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cluster_tasks import nap
from test_processes import alive

from gan_helpers import cluster
from gan_helpers.cluster import Cluster
from gan_helpers.evidence import __main__ as command, read_rows
from gan_helpers.evidence.collect import RUNS, timed
from gan_helpers.processes import Incomplete

distributed = pytest.importorskip(
    "distributed", reason="no dask, which is optional: uv sync --extra cluster"
)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has other signals")

PATIENCE = 300  # seconds, for a busy machine


@contextmanager
def workers(n):
    """The address of a scheduler with so many workers of one thread, a process each."""
    with distributed.LocalCluster(
        n_workers=n, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def address():
    with workers(2) as address:
        yield address


def run(address, folder, *names, keep=None):
    """(what was kept, the exception or None)."""
    kept = {}

    def keep_both(name, value):
        kept[name] = value
        if keep:
            keep(name)

    try:
        Cluster(address, nap, {name: (str(folder), name) for name in names}, keep_both).work()
    except Incomplete as why:
        return kept, why
    return kept, None


def begun(folder, name):
    """(process, its worker) for each time that a task was begun."""
    return [tuple(map(int, path.name.split()[1:])) for path in folder.glob(f"{name} *")]


def wait_until(true):
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_what_fails_is_listed_and_the_rest_is_kept(address, tmp_path):
    kept, why = run(address, tmp_path, "bad", "a", "b", "c")
    assert kept == {"a": "A", "b": "B", "c": "C"} and why.status == 1
    assert str(why).startswith("1 failed; everything else that is finished is kept:\n- bad: ")
    assert why.failures["bad"].startswith("ValueError: it is bad (cluster_tasks.py, line ")


def test_the_task_of_a_lost_worker_is_done_again(address, tmp_path):
    lost = []

    def lose(name):
        """With another row kept, the worker of the one that is under way is killed."""
        if not lost:
            lost.extend(wait_until(lambda: begun(tmp_path, "again")))
            os.kill(lost[0][1], signal.SIGKILL)

    kept, why = run(address, tmp_path, "again", "a", "b", keep=lose)
    assert kept == {"again": "AGAIN", "a": "A", "b": "B"} and why is None
    assert len(begun(tmp_path, "again")) == 2
    wait_until(lambda: not alive(lost[0][0]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_there_and_leaves_nothing(address, tmp_path, number):
    def interrupt(name):
        wait_until(lambda: begun(tmp_path, "long"))
        os.kill(os.getpid(), number)

    kept, why = run(address, tmp_path, "a", "long", "longer", "longest", keep=interrupt)
    assert kept == {"a": "A"} and why.status == 128 + number
    assert "3 not finished; what is finished is kept" in str(why)
    for process, worker in [pair for name in ("long", "longe*") for pair in begun(tmp_path, name)]:
        wait_until(lambda process=process: not alive(process))
        assert alive(worker)
    assert run(address, tmp_path, "b") == ({"b": "B"}, None)  # the workers are free again


def test_what_cannot_be_kept_is_raised_and_nothing_goes_on(address, tmp_path):
    def keep(name):
        wait_until(lambda: begun(tmp_path, "long"))
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        run(address, tmp_path, "a", "long", keep=keep)
    ((process, _),) = begun(tmp_path, "long")
    wait_until(lambda: not alive(process))


def test_a_worker_with_other_code_is_noticed(address, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "edition", lambda: "9.9 (00000000)")
    kept, why = run(address, tmp_path, "a")
    assert not kept and not begun(tmp_path, "a")
    says = rf"a worker has gan_helpers {re.escape(cluster.__version__)} \(\w{{8}}\) \(a worker "
    says += r"needs gan_helpers 9\.9 \(00000000\), .* to the same commit and start it again"
    assert re.search(says, why.failures["a"])


def test_a_worker_without_the_package_is_noticed(address, tmp_path, monkeypatch):
    """dask by itself closes it without a word, and its tasks wait for ever."""

    class Nowhere(cluster.Call):
        def __reduce__(self):
            return __import__, ("gan_helpers_of_nowhere",)

    monkeypatch.setattr(cluster, "Call", Nowhere)
    kept, why = run(address, tmp_path, "a")
    assert not kept and re.match(
        r"ModuleNotFoundError: .*_of_nowhere' \(a worker needs gan_helpers", why.failures["a"]
    )


def test_a_task_that_cannot_be_sent(address):
    with pytest.raises(Incomplete, match="- a: it could not be begun: "):
        Cluster(address, nap, {"a": lambda: 0}, print).work()


def test_a_scheduler_that_is_lost_is_named(tmp_path):
    with workers(1) as address:
        kept = {}
        pool = Cluster(address, nap, {"long": (str(tmp_path), "long")}, kept.__setitem__)
        pool.employ()
        ((process, _),) = wait_until(lambda: begun(tmp_path, "long"))
    with pytest.raises(Incomplete, match=rf"- the scheduler at {address}: it was lost, 1 not fini"):
        pool.work()
    assert not kept
    wait_until(lambda: not alive(process))


def test_the_rows_are_those_of_this_machine(address, tmp_path, monkeypatch, capsys):
    """By the command: the same file; a row that fails is listed, and the others are in it."""
    row = replace(RUNS["when/ring, balanced"], seeds=(0, 1), steps=20)
    broken = replace(row, variant="broken", world="nowhere")
    runs = {run.name: run for run in (broken, row)}
    monkeypatch.setattr(command, "RUNS", runs)
    monkeypatch.setattr(command, "EMBEDDED", (tmp_path, tmp_path))
    with pytest.raises(SystemExit) as ended:
        command.main(["--scheduler", address])
    assert ended.value.code == 1 and "1 failed" in (said := capsys.readouterr().err)
    assert "- when/broken: " in said and "The same command goes on from there." in said
    there = read_rows(tmp_path / command.FILE)
    assert list(tmp_path.iterdir()) == [tmp_path / command.FILE]
    assert list(there) == [row.name] and there[row.name]["run"] == row.settings()
    assert there[row.name]["found"] == timed(row)[0]


@pytest.mark.parametrize("address", ["nonsense", "foo://here:1", "tcp://127.0.0.1:1"])
def test_no_such_scheduler(address, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    monkeypatch.setattr(command, "EMBEDDED", (tmp_path, tmp_path))
    with pytest.raises(SystemExit) as ended:
        command.main(["--scheduler", address])
    assert ended.value.code == 1 and not list(Path(tmp_path).iterdir())
    said = capsys.readouterr().err
    assert f"No scheduler answers at '{address}' (" in said and "`dask scheduler` prints" in said


def test_without_dask_it_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr(command, "EMBEDDED", (tmp_path, tmp_path))
    with pytest.raises(SystemExit) as ended:
        command.main(["--scheduler", "tcp://127.0.0.1:1"])
    assert ended.value.code == 1 and "`uv sync --extra cluster` or" in capsys.readouterr().err


def test_nobody_works_yet(capsys):
    with workers(0) as address:
        cluster.connect(address).close()
    assert f"no worker yet; `dask worker {address}` starts one" in capsys.readouterr().err


def test_processes_here_or_a_cluster(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--jobs", "3", "--scheduler", "tcp://127.0.0.1:1"])
    assert ended.value.code == 2 and "not allowed with argument --jobs" in capsys.readouterr().err
