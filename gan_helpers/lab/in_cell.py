"""Labs in a notebook: running a cell again ends the lab it made, an interrupt pauses all labs."""

from __future__ import annotations

import math
import sys
import time
import weakref
from typing import Any

from IPython.core.getipython import get_ipython

from gan_helpers.lab.worker import Worker

_live: weakref.WeakSet[InCell] = weakref.WeakSet()  # to end the lab of a cell that is run again
_hooked: weakref.WeakSet[Any] = weakref.WeakSet()  # shells whose interrupts pause the labs


class InCell:
    """A lab that trains on a thread of its own, and belongs to the cell that made it."""

    worker: Worker
    _heard_at: float  # when the browser last gave a sign of a reader (time.monotonic)

    def play(self) -> None:
        """Start training, or go on."""
        self._heard_at = time.monotonic()
        self.worker.play()

    def pause(self) -> None:
        """Stop after this step; the model stays as it is."""
        self.worker.pause()

    def close(self) -> None:
        """End the thread; the last picture stays."""
        self.worker.close()
        _live.discard(self)

    def _say_interrupted(self) -> None:
        """Tell the reader why it has paused."""
        raise NotImplementedError

    def _settle_in_cell(self) -> None:
        """End the labs that an earlier run of this cell has made."""
        enable_on_colab()
        shell = get_ipython()
        self._cell, self._execution = current_cell()
        for lab in list(_live):
            if lab._cell == self._cell is not None and lab._execution != self._execution:
                lab.close()
        _live.add(self)
        if shell is not None and shell not in _hooked:
            shell.events.register("pre_run_cell", expect_silence)
            shell.events.register("post_run_cell", pause_after_interrupt)
            _hooked.add(shell)


def enable_on_colab() -> None:
    """Colab shows other people's widgets only once it has been asked to."""
    if "google.colab" in sys.modules:
        sys.modules["google.colab"].output.enable_custom_widget_manager()


def current_cell() -> tuple[str | None, int]:
    """What identifies the cell being run, and how many times cells have been run."""
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if shell is None or kernel is None:
        return None, 0
    parent = kernel.get_parent() or {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code")
    return cell, shell.execution_count


def expect_silence(info: Any) -> None:
    """Before ipykernel 7 the browser's messages wait while a cell runs."""
    for lab in list(_live):
        lab._heard_at = math.inf


def pause_after_interrupt(result: Any) -> None:
    """An interrupt reaches only the main thread; the labs' threads shall pause as well."""
    for lab in list(_live):
        lab._heard_at = time.monotonic()
    if isinstance(result.error_in_exec, KeyboardInterrupt):
        for lab in list(_live):
            if lab.worker.playing:
                lab.pause()
                lab._say_interrupted()
