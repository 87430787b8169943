"""Work in several processes: what is finished is kept, whatever happens to the rest.

`concurrent.futures` and `multiprocessing.Pool` lose what is finished when a process dies, and
leave their processes when they are killed themselves.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import Any, TypeVar

Task = TypeVar("Task")
Value = TypeVar("Value")

POLL = 0.25  # seconds until an interrupt is noticed
GRACE = 1.0  # seconds after it in which what is just finished may still come in
PATIENCE = 1.0  # seconds for a process to end by itself; then it is killed
SPAWN = get_context("spawn")  # a forked process would share torch's threads
#: What asks a program to end. A terminal or a batch system sends it to all processes of a program.
ENDING = tuple(  # Windows has no SIGHUP
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Incomplete(Exception):
    """Not everything could be done; what could is kept.

    Args:
        failures: name of the task -> why it failed.
        n_left: how many were not finished because of an interrupt.
        signum: the signal that interrupted, or None.
    """

    def __init__(self, failures: Mapping[str, str], n_left: int, signum: int | None) -> None:
        self.failures, self.n_left, self.signum = dict(failures), n_left, signum
        lines = []
        if failures:
            lines += [f"{len(failures)} failed; everything else that is finished is kept:"]
            lines += [f"- {name}: {why}" for name, why in failures.items()]
        if signum is not None:
            by = signal.Signals(signum).name
            lines += [f"interrupted by {by}, {n_left} not finished; what is finished is kept"]
        super().__init__("\n".join(lines))

    @property
    def status(self) -> int:
        """What the program is to exit with, as shells count it."""
        return 1 if self.signum is None else 128 + self.signum


def work(
    function: Callable[[Task], Value],
    tasks: Mapping[str, Task],
    keep: Callable[[str, Value], None],
    jobs: int = 2,
) -> None:
    """Call `function` for each task in processes of their own, and keep each value at once.

    Args:
        function: of one task; a process finds it by its name, so it is one of a module.
        tasks: name -> what is given to `function`.
        keep: called here with name and value as soon as it is there. No interrupt comes between.
        jobs: how many processes work at the same time.

    Raises:
        Incomplete: at the end, if some failed, or after an interrupt (Ctrl-C, SIGTERM, SIGHUP).
            No process is left then; nor is one a little after this one has been killed.
    """
    Processes(function, tasks, keep, jobs).work()


class Pool(ABC):
    """Those who do the tasks, wherever they are.

    Args:
        function, tasks, keep: as for `work`.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        tasks: Mapping[str, Any],
        keep: Callable[[str, Any], None],
    ) -> None:
        self.function, self.keep = function, keep
        self.left = deque(tasks.items())  # not begun
        self.failures: dict[str, str] = {}
        self.n_tasks, self.n_done = len(tasks), 0

    def work(self) -> None:
        """Do the tasks; what `processes.work` promises."""
        with noted_signals() as noted:
            try:
                while (self.left or self.busy) and not noted:
                    self.employ()
                    self.listen(POLL)
                end = time.monotonic() + GRACE
                while self.busy and time.monotonic() < end:
                    self.listen(end - time.monotonic())
            finally:
                self.dismiss()
        if self.failures or noted:
            n_left = self.n_tasks - self.n_done - len(self.failures)
            raise Incomplete(self.failures, n_left, noted[0] if noted else None)

    def take(self, name: str, done: bool, value: Any) -> None:
        """Keep the value of a task, or note why there is none."""
        if done:
            self.keep(name, value)
            self.n_done += 1
        else:
            self.failures[name] = value

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether an answer is waited for."""

    @abstractmethod
    def employ(self) -> None:
        """Give everybody something to do, as long as there is something left."""

    @abstractmethod
    def listen(self, seconds: float) -> None:
        """Wait for answers, that long at the most, and take them."""

    @abstractmethod
    def dismiss(self) -> None:
        """Nobody works any more."""


# --- here --------------------------------------------------------------------------------------


class Worker:
    """A process that does one task after the other.

    Args:
        function: of one task.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.task: str | None = None  # the name of what it is at
        self.connection, its_end = SPAWN.Pipe()
        # Packed, so that it looks after its parent already while it loads what that needs.
        packed = pickle.dumps(function)
        self.process = SPAWN.Process(target=serve, args=(its_end, packed), daemon=True)
        try:
            with without_signals():
                self.process.start()
        finally:
            its_end.close()  # so that the end of the process is the end of the connection

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self.task is not None

    def give(self, name: str, task: object) -> None:
        """Ask for a task; if the process is dead, `answer` tells."""
        self.task = name
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(task)

    def answer(self) -> tuple[bool, Any]:
        """(True, the value) or (False, why there is none)."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join(PATIENCE)
            self.process.kill()  # nothing more comes of it
            return False, how_it_ended(self.process.exitcode)
        except Exception as error:
            return False, f"its answer cannot be read: {type(error).__name__}: {error}"


class Processes(Pool):
    """Processes on this machine.

    Args:
        function, tasks, keep, jobs: as for `work`.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        tasks: Mapping[str, Any],
        keep: Callable[[str, Any], None],
        jobs: int,
    ) -> None:
        super().__init__(function, tasks, keep)
        self.jobs, self.workers = jobs, list[Worker]()

    @property
    def busy(self) -> bool:
        return any(worker.busy for worker in self.workers)

    def employ(self) -> None:
        self.workers = [w for w in self.workers if w.busy or w.process.is_alive()]
        while self.left:
            worker = next((worker for worker in self.workers if not worker.busy), None)
            if worker is None and len(self.workers) >= self.jobs:
                return
            name, task = self.left.popleft()
            try:
                if worker is None:
                    worker = Worker(self.function)
                    self.workers.append(worker)
                worker.give(name, task)
            except Exception as error:  # too many processes; a task that cannot be sent
                self.take(name, False, not_begun(error))
                if worker is not None:
                    worker.task = None

    def listen(self, seconds: float) -> None:
        asked = {worker.connection: worker for worker in self.workers if worker.busy}
        for connection in wait(list(asked), max(seconds, 0)) if asked else ():
            worker = asked[connection]  # type: ignore[index]
            done, value = worker.answer()
            name, worker.task = worker.task, None
            assert name is not None
            self.take(name, done, value)

    def dismiss(self) -> None:
        dismiss(self.workers)


def dismiss(workers: list[Worker]) -> None:
    """End all processes: the idle ones by themselves, the others at once."""
    for worker in workers:
        if worker.busy:
            worker.process.kill()
        worker.connection.close()
    end = time.monotonic() + PATIENCE
    for worker in workers:
        worker.process.join(max(end - time.monotonic(), 0))
    for worker in workers:
        worker.process.kill()
        worker.process.join(PATIENCE)


def not_begun(error: Exception) -> str:
    """Why a task was given to nobody."""
    return f"it could not be begun: {type(error).__name__}: {error}"


def how_it_ended(status: int | None) -> str:
    """What became of a process that gave no answer."""
    if status is None or status >= 0:
        return f"its process ended before it was finished, with exit status {status}"
    name = signal.Signals(-status).name
    memory = "; perhaps there was too little memory" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{memory}"


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """What asks this program to end is noted, and nothing is interrupted.

    In another thread than the main one, where no signal comes, nothing is noted.
    """
    noted: list[int] = []
    before: dict[int, Any] = {}
    try:
        if current_thread() is main_thread():
            for number in ENDING:
                # What is ignored stays so, e.g. under nohup.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, lambda n, _: noted.append(n))
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def without_signals() -> Iterator[None]:
    """What is started meanwhile is deaf to `ENDING`, from its first moment; its parent is not.

    Windows has no such thing; there a process is deaf once it serves.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # else it is started within, which lets the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- in the other process ----------------------------------------------------------------------


def serve(connection: Connection, packed: bytes) -> None:
    """Answer each task, until no more can come."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # the parent says when to end
    Thread(target=end_with_parent, daemon=True).start()
    function = pickle.loads(packed)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(attempt(function, task))


def attempt(function: Callable[[Any], Any], task: object) -> tuple[bool, Any]:
    """(True, the value) or (False, why there is none), either of which can be sent."""
    try:
        value = function(task)
        pickle.dumps(value)
    except Exception as error:
        traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}, line {last.lineno}"
        return False, f"{type(error).__name__}: {error} ({where})"
    return True, value


def end_with_parent() -> None:
    """Wait until the parent is gone, in whatever way, and go as well."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
