"""Labs that train: who drives them, what the reader does to them from a cell, and what they say."""

from __future__ import annotations

import html
import math
import threading
import time
from typing import Any

import ipywidgets as W

from gan_helpers.checks import check_choice, check_int
from gan_helpers.lab import hosts
from gan_helpers.lab.activity import Activity
from gan_helpers.lab.engine.record import own_line
from gan_helpers.lab.engine.worker import Trainee, Worker
from gan_helpers.lab.in_cell import InCell
from gan_helpers.lab.pulse import BEAT, Pulse

NO_STAGE_AFTER = 5.0  # seconds after a button was pressed; the stage says at once that it is there
BUSY_AFTER = 1.0  # seconds without a sign from the page, while a cell runs, until it is said why
#: Messages about a lab that stands still; while it plays, the last change is said in their place.
STANDING = ("ready", "rewound", "interrupted", "led")


class Driven(InCell):
    """A lab that trains while it is looked at; an interrupt pauses it."""

    worker: Worker
    session: Any  # with a `seed` and a `device`
    text: dict[str, str]  # the words of the reader's language
    message: W.HTML
    activity: Activity
    pulse: Pulse
    _heard_at: float  # when the browser last gave a sign of a reader (time.monotonic)
    _touched_at = math.inf  # when a button was first pressed on the page (time.monotonic)
    _cell_since = math.inf  # when the cell began that is running now (time.monotonic)
    _said_before = ""  # what the message was before it said that a cell is running
    _said = ""  # which message it is, where it has a key
    _change = ""  # what was changed last, and at which step
    _syncing_thread = 0  # the thread that is bringing the controls in line
    _answering: tuple[str, int] = ("", 0)  # the page's question that is being answered

    def _drive(self, session: Trainee, driver: str | None) -> None:
        """Make the worker, and the page's part in driving it. Raises for an unknown driver."""
        driver = hosts.default_driver() if driver is None else driver
        check_choice("driver", driver, hosts.DRIVERS)
        self._heard_at = time.monotonic()
        self.worker = Worker(session, self._publish_and_beat, self._ready, self._report, driver)
        self.worker.announce = self._announce
        self.pulse = self._new_pulse()

    def _ready(self) -> bool:
        """Whether another picture makes sense by now."""
        raise NotImplementedError

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
        self._publish_and_beat()

    def change(self, **settings: Any) -> None:
        """Change settings while it trains: fields of the experiment, the data or `train_step`."""
        with self.worker.lock:
            self._apply(settings)
        self._publish_and_beat()

    def reset(self, seed: int | None = None) -> None:
        """Start again, from the same seed unless another is given."""
        with self.worker.lock:
            self.worker.playing = False
            self.worker.session.reset(seed)
            self._say("ready")
        self._publish_and_beat()

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
        super().close()

    # --- who drives it -------------------------------------------------------------------------

    def _new_pulse(self, **traits: Any) -> Pulse:
        pulse = Pulse(words={"waits": self.text["waits"]}, **traits)
        pulse.on_msg(self._on_pulse_message)
        return pulse

    def _publish_and_beat(self) -> None:
        """Show everything, and tell the page how things stand; called between two steps."""
        self._say_whether_a_cell_runs()
        self._say_whether_there_is_no_stage()
        self._publish()
        self._say_what_it_does()
        steady = self.worker.playing and self.worker.amid_steps and self.worker.driver == "thread"
        if not steady or time.monotonic() - self.pulse.beaten_at > BEAT:
            self._beat()

    def _beat(self) -> None:
        worker, (view, asked) = self.worker, self._answering
        state = {"running": worker.moves, "driver": worker.driver, "wait": worker.wait}
        self.pulse.beat(**state, done=worker.done, view=view, asked=asked)

    def _announce(self, due: int) -> None:
        """Let the page know at once that something will be done."""
        if self.worker.driver == "thread" and self.pulse.comm is not None:
            self.pulse.due = due

    def _on_pulse_message(self, pulse: Pulse, content: dict[str, Any], _: Any) -> None:
        if pulse is not self.pulse:  # it has a successor
            return
        self._heard_at = time.monotonic()
        kind = content.get("type")
        if kind == "views":
            pulse.heard += 1  # the page waits for this
            self._note_views(str(content["page"]), int(content["count"]))
        elif kind == "deaf":
            self.pulse = self._new_pulse(patience=2 * pulse.patience)
            self._put_in_place(pulse, self.pulse)
            self._beat()
        elif kind == "next":
            self._answer(str(content["view"]), int(content["asked"]), bool(content["lost"]))

    def _answer(self, view: str, asked: int, lost: bool) -> None:
        """Bring the page the next picture, or a sign of life while the thread trains."""
        with self.worker.lock:
            if lost and self.worker.driver == "thread":
                self._hand_over()
            self._answering = view, asked
            try:
                if self.worker.driver == "page":
                    self.worker.answer()
                else:
                    self._beat()
            except KeyboardInterrupt:
                self._stop_for_interrupt()
            finally:
                self._answering = "", 0

    def _hand_over(self) -> None:
        """What the thread sends gets nowhere here, so the page drives from now on."""
        self.worker.driver = "page"
        for widget in hosts.parts_of([self.box]):
            widget.send_state()  # what it has sent is lost

    def _put_in_place(self, old: W.Widget, new: W.Widget) -> None:
        """Put another widget where one was that hears nothing any more."""
        self.box.children = [new if widget is old else widget for widget in self.box.children]
        old.close()

    # --- what controls and messages have in common -----------------------------------------------

    def _toggle(self) -> None:
        self._touched_at = min(self._touched_at, time.monotonic())
        self.pause() if self.worker.playing else self.play()

    @property
    def _syncing(self) -> bool:
        """Whether a control moved because the session did, and not by the reader's hand."""
        return self._syncing_thread == threading.get_ident()

    def _report(self, error: Exception) -> None:
        """A setting was refused, or code raised an error: say so beside the lab."""
        self._say_text(f"{type(error).__name__}: {error}", own_line(error), alarm=True)

    def _stop_for_interrupt(self) -> None:
        """Pause, and tell the reader why."""
        if self.worker.playing:
            self.pause()
            self._say("interrupted", step=self.worker.session.at)

    def _rest(self) -> None:
        self.worker.pause()

    def _cell_begins(self) -> None:
        """Before ipykernel 7 the browser's messages wait while a cell runs."""
        self._heard_at, self._cell_since = math.inf, time.monotonic()

    def _cell_ends(self, interrupted: bool) -> None:
        """An interrupt reaches only the main thread; the lab's thread shall pause as well."""
        self._heard_at, self._cell_since = time.monotonic(), math.inf
        self._say_that_it_has_ended()
        if interrupted:
            self._stop_for_interrupt()

    def _say_whether_a_cell_runs(self) -> None:
        """On old kernels nothing that is touched acts before the cell has ended."""
        silent = self._cell_since + BUSY_AFTER < time.monotonic() < self._heard_at
        if self.worker.amid_steps and silent and not self._said_before:
            self._said_before = self.message.value
            self._say("waits")

    def _say_whether_there_is_no_stage(self) -> None:
        """Its buttons work, but nothing that needs anywidget on the page has ever answered."""
        if self._touched_at + NO_STAGE_AFTER < time.monotonic() and not self._views:
            self._touched_at = math.inf  # it is said once
            self._say("no_stage")

    def _say_that_it_has_ended(self) -> None:
        if self._said_before and html.escape(self.text["waits"]) in self.message.value:
            self.message.value = self._said_before
        self._said_before = ""

    def _say_what_it_does(self) -> None:
        """How fast it trains or where it stands; what is no longer so is taken back."""
        playing, at = self.worker.playing, self.worker.session.at
        if self._said in STANDING and (playing or (at and self._said == "ready")):
            self._say_text(self._change)
        self.activity.note(playing, at, stopped=bool(self.worker.session.trouble))

    def _say(self, key: str, **values: Any) -> None:
        words = self.text[key].format(**values)
        self._say_text(words)
        self._said = key
        if key == "changed":
            self._change = words
        elif key in ("ready", "restarted", "rewound"):
            self._change = ""  # it is about steps that are gone

    def _say_text(self, words: str, code: str = "", alarm: bool = False) -> None:
        """Show a message, perhaps with a line of code, and quietly beside it seed and device."""
        self._said = ""
        code = f" <code>{html.escape(code)}</code>" if code else ""
        style = " style='color: var(--jp-error-color1, #c62828); font-weight: 600'" if alarm else ""
        e, s = self.text, self.session
        about = f"{e['seed']} {s.seed} · {e['device']} {s.device}"
        self.message.value = (
            f"<span role='status'{style}>{html.escape(words)}{code}</span> "
            f"<span style='opacity: .75'>({about})</span>"
        )
