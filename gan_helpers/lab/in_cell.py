"""What all labs share: training from a cell or on a thread, a message, and the cell they belong to.

Running a cell again ends the lab that it made; an interrupt pauses all labs.
"""

from __future__ import annotations

import html
import math
import sys
import threading
import time
import weakref
from typing import Any

import ipywidgets as W
from IPython.core.getipython import get_ipython

from gan_helpers.checks import check_int
from gan_helpers.lab.session import own_line
from gan_helpers.lab.worker import Worker

_live: weakref.WeakSet[InCell] = weakref.WeakSet()  # to end the lab of a cell that is run again
_hooked: weakref.WeakSet[Any] = weakref.WeakSet()  # shells whose interrupts pause the labs


class InCell:
    """A lab that trains on a thread of its own, and belongs to the cell that made it."""

    worker: Worker
    session: Any  # with a `seed` and a `device`
    text: dict[str, str]  # the words of the reader's language
    message: W.HTML
    _heard_at: float  # when the browser last gave a sign of a reader (time.monotonic)
    _syncing_thread = 0  # the thread that is bringing the controls in line

    def _publish(self) -> None:
        """Show everything as it is now."""
        raise NotImplementedError

    def _apply(self, settings: dict[str, Any]) -> None:
        """Change settings between two steps, and say so."""
        raise NotImplementedError

    # --- from a cell ---------------------------------------------------------------------------

    def run(self, n_steps: int) -> None:
        """Train `n_steps` here and now, without a thread; an interrupt keeps what was learned."""
        from tqdm.auto import tqdm

        check_int("n_steps", n_steps, 0, 10**9)
        with tqdm(total=n_steps, leave=False, unit="step") as bar:
            self.worker.run(n_steps, lambda done: bar.update(done - bar.n))
        self._publish()

    def change(self, **settings: Any) -> None:
        """Change settings while it trains: fields of the experiment, the data or `train_step`."""
        with self.worker.lock:
            self._apply(settings)
        self._publish()

    def reset(self, seed: int | None = None) -> None:
        """Start again, from the same seed unless another is given."""
        with self.worker.lock:
            self.worker.playing = False
            self.worker.session.reset(seed)
        self._publish()

    def play(self) -> None:
        """Start training, or go on."""
        self._heard_at = time.monotonic()
        self.worker.play()

    def pause(self) -> None:
        """Stop after this step; the model stays as it is."""
        self.worker.pause()

    def close(self) -> None:
        """End the thread and take the lab off the page; its session stays as it is."""
        self.worker.close()
        _live.discard(self)
        close_widgets(vars(self))

    # --- what controls and messages have in common -----------------------------------------------

    def _toggle(self) -> None:
        self.pause() if self.worker.playing else self.play()

    @property
    def _syncing(self) -> bool:
        """Whether a control moved because the session did, and not by the reader's hand."""
        return self._syncing_thread == threading.get_ident()

    def _report(self, error: Exception) -> None:
        """A setting was refused, or code raised an error: say so beside the lab."""
        self._say_text(f"{type(error).__name__}: {error}", own_line(error), alarm=True)

    def _say_interrupted(self) -> None:
        """Tell the reader why it has paused."""
        self._say("interrupted", step=self.worker.session.at)

    def _say(self, key: str, **values: Any) -> None:
        self._say_text(self.text[key].format(**values))

    def _say_text(self, words: str, code: str = "", alarm: bool = False) -> None:
        """Show a message, perhaps with a line of code, and quietly beside it seed and device."""
        code = f" <code>{html.escape(code)}</code>" if code else ""
        style = " style='color: var(--jp-error-color1, #c62828); font-weight: 600'" if alarm else ""
        e, s = self.text, self.session
        about = f"{e['seed']} {s.seed} · {e['device']} {s.device}"
        self.message.value = (
            f"<span role='status'{style}>{html.escape(words)}{code}</span> "
            f"<span style='opacity: .6'>({about})</span>"
        )

    # --- the cell ------------------------------------------------------------------------------

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


def close_widgets(parts: Any) -> None:
    """Close all widgets among the parts, with their own parts: every page loads what is open."""
    for part in parts.values() if isinstance(parts, dict) else parts:
        if isinstance(part, W.Widget) and part.comm is not None:
            inner = [getattr(part, name) for name in part.keys]
            part.close()
            close_widgets(inner)
        elif isinstance(part, (dict, list, tuple)):
            close_widgets(part)


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
