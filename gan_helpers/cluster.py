"""Work on more than one machine: the promises of `processes.work`, kept by a cluster of dask.

A worker of the cluster does each task in a process of its own, as this machine would. So nothing is
shared between the threads of a worker, and what nobody waits for any more can be ended: dask
itself lets it run on.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import cache
from hashlib import sha256
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_helpers import __version__
from gan_helpers.processes import POLL, Pool, Worker, dismiss, not_begun

if TYPE_CHECKING:
    from distributed import Client

CONNECT = 10.0  # seconds for the scheduler to answer


class Cluster(Pool):
    """The workers of a cluster.

    A task whose worker is lost is done again by another. `work` ends without waiting for what an
    interrupt leaves; the workers end it by themselves within moments, also after this program was
    killed.

    Args:
        address: of the scheduler, as `dask scheduler` prints it, e.g. tcp://192.168.0.1:8786.
        function, tasks, keep: as for `processes.work`.

    Raises:
        OSError: if dask is not installed, or no scheduler is at that address.
    """

    def __init__(
        self,
        address: str,
        function: Callable[[Any], Any],
        tasks: Mapping[str, Any],
        keep: Callable[[str, Any], None],
    ) -> None:
        super().__init__(function, tasks, keep)
        self.address, self.client = address, connect(address)
        self.executor = self.client.get_executor(pure=False)
        self.asked: dict[Future[tuple[bool, Any]], str] = {}

    @property
    def busy(self) -> bool:
        return bool(self.asked)

    def employ(self) -> None:
        while self.left:  # all of it; the scheduler deals it out
            name, task = self.left.popleft()
            try:
                call = Call(edition(), pickle.dumps((self.function, task)))
                self.asked[self.executor.submit(pickle.loads, pickle.dumps(call))] = name
            except Exception as error:
                self.take(name, False, not_begun(error))

    def listen(self, seconds: float) -> None:
        for future in wait(self.asked, max(seconds, 0), FIRST_COMPLETED).done:
            if future.cancelled():
                why = f"it was lost, {len(self.asked)} not finished; start it and its workers again"
                self.take(f"the scheduler at {self.address}", False, why)
                self.asked.clear()
                return
            self.take(self.asked.pop(future), *answer(future))

    def dismiss(self) -> None:
        self.executor.shutdown(wait=False)  # cancels what is not finished
        self.client.close()


class Call:
    """Unpickled, it is what `attend` answers.

    So dask has to find nothing but `pickle.loads` on a worker. One that cannot import what it is to
    call closes without a word, and its tasks wait for ever.
    """

    def __init__(self, wanted: str, packed: bytes) -> None:
        self.sent = wanted, packed

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, bytes]]:
        return attend, self.sent


def connect(address: str) -> Client:
    """A client of the scheduler there; says so if nobody works for it yet."""
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise OSError(
            f"A cluster needs dask, which is not installed ({error}); "
            f"`uv sync --extra cluster` or `pip install distributed` installs it."
        ) from error
    # That the scheduler is lost is said by `listen`, without where dask noticed it.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        get_address_host_port(address)  # a client that cannot read it would not close any more
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise OSError(
            f"No scheduler answers at {address!r} ({error}); it has to be an address that "
            f"`dask scheduler` prints, such as tcp://192.168.0.1:8786. Is it running there?"
        ) from error
    if not client.nthreads():
        print(f"no worker yet; `dask worker {address}` starts one", file=sys.stderr)
    return client


def answer(future: Future[tuple[bool, Any]]) -> tuple[bool, Any]:
    """What `attend` has found, or (False, why the cluster could not call it)."""
    error = future.exception()
    if error is None:
        return future.result()
    if type(error).__name__ == "KilledWorker":
        return False, "each worker that tried it was lost; perhaps there was too little memory"
    why = str(error).strip().partition("\n")[0]
    return False, f"{type(error).__name__}: {why} {same_needed(edition())}"


def same_needed(wanted: str) -> str:
    """What to do about a worker that has other code."""
    return (
        f"(a worker needs gan_helpers {wanted}, as it is here: bring its checkout to the same "
        f"commit and start it again)"
    )


@cache
def edition() -> str:
    """Version and fingerprint of the package: two that differ may measure something else."""
    code = sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).parts):
        code.update(path.read_text(encoding="utf-8").encode())  # whatever ends its lines
    return f"{__version__} ({code.hexdigest()[:8]})"


# --- on a worker of the cluster ----------------------------------------------------------------


def attend(wanted: str, packed: bytes) -> tuple[bool, Any]:
    """(True, the value) or (False, why there is none) of a task, by a process of its own."""
    from distributed import Reschedule

    # dask marks its workers as daemons, and those are not allowed to have processes.
    current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    try:
        process = Worker(perform)
    except Exception as error:
        return False, not_begun(error)
    try:
        process.give("task", (wanted, packed))
        while is_waited_for():
            if process.connection.poll(POLL):
                return process.answer()
        raise Reschedule  # if the worker is closing; where the client has gone, nobody hears it
    finally:
        dismiss([process])


def is_waited_for() -> bool:
    """Whether the task of this thread is to go on; not if its client has gone, or its worker."""
    from distributed import get_worker

    worker = get_worker()
    if worker.status.name not in ("running", "paused", "closing_gracefully"):
        return False
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state == "executing"


def perform(sent: tuple[str, bytes]) -> Any:
    """The value of a task, if the code here is that of the one who asks."""
    wanted, packed = sent
    if edition() != wanted:
        raise RuntimeError(f"a worker has gan_helpers {edition()} {same_needed(wanted)}")
    function, task = pickle.loads(packed)
    return function(task)
