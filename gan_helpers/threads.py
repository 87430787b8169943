"""How many cores a step gets, and several GANs trained at once.

Networks for points are so small that a second thread costs more than it brings. Convolutions share
their work well, but the threads that share it wait for each other all the time: where anything else
wants a core, a browser that draws for example, all of them stand still with it. So one core is left
alone. Two GANs on two threads, each with a step of its own, hardly wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial, wraps
from typing import Any, Literal, Protocol, TypeVar

import psutil
import torch
from torch import nn

FOR_POINTS = 1
MOST = 4  # beyond that a step of small pictures hardly gets faster


Work = Literal["points", "stack", "pictures"]


class Trained(Protocol):
    """What `GAN` and `Translator` have in common."""

    @property
    def G(self) -> nn.Module: ...

    @property
    def work(self) -> Work:
        """What a step consists of."""


Step = TypeVar("Step", bound=Callable[..., Any])
Result = TypeVar("Result")


@cache
def cores() -> int:
    """Physical cores that this process may use; counted once, as each step asks."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed or 1))


def for_pictures() -> int:
    """Threads for a step of convolutions: all cores but one, and no more than pay, 1 to 4."""
    return max(1, min(cores() - 1, MOST))


def threads_for(gan: Trained) -> int:
    """Threads for a step of this GAN; a stack may have all, which share it out between GANs."""
    return {"points": FOR_POINTS, "stack": cores(), "pictures": for_pictures()}[gan.work]


@contextmanager
def threads_of(gan: Trained) -> Iterator[None]:
    """As many threads as suit this GAN, for a while; fewer where the process is to have fewer.

    Whoever calls, the sums have the same order then, and so the same result.
    """
    n, before = threads_for(gan), torch.get_num_threads()
    if n >= before:  # whoever has set so few knows what else is running
        yield
        return
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def suited(step: Step) -> Step:
    """A step `(gan, ...)` that takes as many threads as suit the networks of its GAN."""

    @wraps(step)
    def on_its_threads(gan: Any, *args: Any, **kwargs: Any) -> Any:
        with threads_of(gan):
            return step(gan, *args, **kwargs)

    return on_its_threads  # type: ignore[return-value]


def abreast(step: Callable[..., Any], gans: Sequence[Any], *args: Any) -> list[Any]:
    """`step(gan, *args)` for each GAN, as many at once as the cores allow; what each returns.

    The numbers are those of one after the other. An interrupt waits until all steps under way have
    ended; a second one does not.

    Args:
        step: e.g. `train_step`.
        gans: no two of them the same.
        args: e.g. the data; the steps share them, and leave them as they are.
    """
    return at_once([partial(step, gan, *args) for gan in gans], gans)


def at_once(tasks: Sequence[Callable[[], Result]], gans: Sequence[Trained]) -> list[Result]:
    """What each of the tasks of these GANs returns; see `abreast`."""
    each = max(map(threads_for, gans), default=1)
    n = min(len(tasks), cores() // each)
    if n < 2 or in_pool() or not all(gan.work == "pictures" and is_on_cpu(gan) for gan in gans):
        return [task() for task in tasks]
    each = min(each, torch.get_num_threads())

    def on_its_threads(task: Callable[[], Result]) -> Result:
        torch.set_num_threads(each)  # of this thread of Python, whatever it had before
        return task()

    running = [pool(n).submit(on_its_threads, task) for task in tasks]
    try:
        wait(running)
    finally:
        wait(running)
    return [one.result() for one in running]


def is_on_cpu(gan: Trained) -> bool:
    return next(gan.G.parameters()).is_cpu


POOL = "abreast"  # what its threads are called


def in_pool() -> bool:
    """Whether this thread is one of the pool, which must not wait for itself."""
    return threading.current_thread().name.startswith(POOL)


@cache
def pool(n: int) -> ThreadPoolExecutor:
    """`n` threads of Python, kept; PyTorch lets the others run while it computes."""
    return ThreadPoolExecutor(n, POOL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a fork has none of these threads
