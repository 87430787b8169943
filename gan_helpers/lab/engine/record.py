"""What a session keeps of its training: curves, moments to go back to, why it stopped."""

from __future__ import annotations

import math
import signal
import threading
import traceback
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_helpers.training import GAN

TrainStep = Callable[[GAN, Any], tuple[Tensor, Tensor]]
CURVES = ("loss_D", "loss_G", "grad_D", "grad_G", "w1", "agreement", "variety")
NO_MODES = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Trouble:
    """Why training stopped by itself.

    Attributes:
        what: "error" (in code), or the quantity that is not finite any more: "loss_D", "loss_G",
            "grad_D", "grad_G" or "samples".
        step: G's updates before it happened.
        detail: the value with the settings it happened under, or the error's message.
        line: for an error in code, the line it happened in.
    """

    what: str
    step: int
    detail: str
    line: str = ""

    def __str__(self) -> str:
        where = f" ({self.line})" if self.line else ""
        return f"step {self.step}: {self.what}: {self.detail}{where}"


@dataclass(frozen=True)
class Moment:
    """All it takes to go on from a step as if nothing had happened since."""

    gan: GAN
    data: Any
    train_step: TrainStep
    world: str  # the data's name

    @property
    def step(self) -> int:
        return self.gan.step


def last_until(step: int, moments: Sequence[Moment]) -> int:
    """The place of the last moment at or before a step; of the first where all are later."""
    return max(bisect_right([moment.step for moment in moments], step) - 1, 0)


class Timeline:
    """Moments at equal distances; when there are too many, every other one is dropped.

    Attributes:
        lost: why no more moments are kept, "" while they are.
    """

    def __init__(self, interval: int = 50, capacity: int = 64, memory: int = 10**9) -> None:
        self.interval, self.capacity, self.memory = interval, capacity, memory
        self.moments: list[Moment] = []
        self.lost = ""

    def offer(self, session: Any) -> None:
        """Keep the session's present, if it is due and can be copied."""
        if self.lost or session.at % self.interval or self.moments[-1].step >= session.at:
            return
        if len(self.moments) >= self.capacity:
            self.interval *= 2
            first, *later = self.moments
            self.moments = [first, *(m for m in later if m.step % self.interval == 0)]
            if session.at % self.interval:
                return
        try:
            self.keep(session)
        except Exception as error:  # a step of the reader's own may have put anything on the GAN
            self.lost = first_line(error)

    def keep(self, session: Any) -> None:
        """Keep the session's present."""
        now = session.gan.copy(), session.data, session.train_step, session.world
        self.moments.append(Moment(*now))
        room = self.memory // max(n_bytes(session.gan), 1)
        self.capacity = max(min(self.capacity, room), 2)

    def back_to(self, step: int) -> Moment:
        """The last moment at or before `step`; what came after it is forgotten."""
        del self.moments[last_until(step, self.moments) + 1 :]
        self.lost = ""
        return self.moments[-1]


class History:
    """What is recorded over time, thinned so that it never outgrows a picture."""

    def __init__(self, capacity: int = 256, names: tuple[str, ...] = CURVES) -> None:
        self.capacity, self.names, self.stride = capacity, names, 5
        self.rows: list[tuple[float, ...]] = []  # (step, *names)
        self.shares: list[np.ndarray] = []  # of the samples on each mode, uint8 [M], for each row

    def add(self, step: int, values: Iterable[float], shares: np.ndarray = NO_MODES) -> None:
        self.rows.append((step, *values))
        self.shares.append(shares)
        if len(self.rows) > self.capacity:
            self.stride *= 2
            self._keep(lambda step: step % self.stride == 0)

    def forget_after(self, last: int) -> None:
        self._keep(lambda step: step <= last)

    def _keep(self, wanted: Callable[[float], bool]) -> None:
        kept = [i for i, row in enumerate(self.rows) if wanted(row[0])]
        self.rows, self.shares = [self.rows[i] for i in kept], [self.shares[i] for i in kept]

    def arrays(self, n_modes: int = 0) -> dict[str, np.ndarray]:
        """The curves `[T]`; `strip` `[n_modes, T]`, empty while the data had other modes."""
        table = np.array(self.rows, dtype=np.float32).reshape(-1, 1 + len(self.names))
        arrays: dict[str, np.ndarray] = {}
        arrays |= {name: table[:, i].copy() for i, name in enumerate(("steps", *self.names))}
        if n_modes:
            empty = np.zeros(n_modes, np.uint8)
            columns = [row if len(row) == n_modes else empty for row in self.shares]
            arrays["strip"] = np.array(columns, np.uint8).reshape(-1, n_modes).T.copy()
        return arrays


def kept(every: Callable[[Any], int]) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Keep what a method of a session measures, for so many updates of D or G.

    The session's dict `_kept` holds it; whoever clears that has all measured anew.
    """

    def wrap(measure: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @wraps(measure)
        def recent(session: Any) -> Any:
            now = session.at + session.d_updates
            since, value = session._kept.get(measure.__name__, (math.inf, None))
            if not since <= now < since + every(session):
                value = measure(session)
                session._kept[measure.__name__] = now, value
            return value

        return recent

    return wrap


@contextmanager
def whole_steps() -> Iterator[None]:
    """An interrupt (Ctrl-C) waits until the step under way has ended; a second one does not.

    In the middle of a step networks may be half updated, and wrapped by what looks at them.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield  # interrupts reach the main thread only
        return
    waiting: list[int] = []

    def interrupted(number: int, frame: Any) -> None:
        if waiting:
            usual(number, frame)
        waiting.append(number)

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if waiting:
        usual(waiting[0], None)


def first_line(error: BaseException) -> str:
    """An error in a line; torch says more than fits."""
    words = str(error).strip().partition("\n")[0][:200]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def n_bytes(gan: GAN) -> int:
    """What a copy of the GAN takes: its networks, and what the optimizers keep of them."""
    nets = [net for net in (gan.G, gan.D, gan.G_ema) if net is not None]
    tensors = [t for net in nets for t in (*net.parameters(), *net.buffers())]
    kept = [v for opt in (gan.opt_G, gan.opt_D) for s in opt.state.values() for v in s.values()]
    return sum(t.numel() * t.element_size() for t in (*tensors, *kept) if isinstance(t, Tensor))


def own_line(error: BaseException) -> str:
    """The innermost line of the traceback that is the reader's own, not a library's."""
    libraries = (str(Path(__file__).parents[2]), str(Path(torch.__file__).parent))
    own = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(libraries)
    ]
    return f"line {own[-1].lineno}: {own[-1].line}" if own else ""
