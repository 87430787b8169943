"""What trains: a thread of the kernel's, or the page by its questions.

Widget callbacks run on whatever thread the kernel likes (a subshell's in ipykernel 7, the main one
before), so they never touch a model: they leave a command, and the worker takes it between two
steps. The thread lives while there is something to do and ends by itself when there is not.

Where what a thread sends never reaches the page, the page drives: commands are obeyed as soon as
they are left, and each question for a picture is answered by some steps and the picture.

What takes long and is no training, a film, is done aside, on another thread. What that has to tell
the page waits, where the page drives, for the page's next question.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

Command = Callable[[], None]

FRAME_SECONDS = 1 / 30
VIEW_SHARE = 0.08  # of the time, at most, goes into the picture of one GAN
LINGER_SECONDS = 0.5  # a paused thread waits this long for the next command before it ends
MAX_PER_SECOND = 1000.0  # a rate at or above this means: as fast as the machine can
LONGEST_PAUSE = 0.5  # seconds between two pictures, at most
LONGEST_ANSWER = 0.2  # seconds of training for one question: controls wait meanwhile
LONGEST_IDLE = 0.05  # seconds for which an answer makes up, where the page asks seldom
SLOW_PICTURES = 20.0  # per second, at most, in slow motion driven by the page
NEWS_SECONDS = 0.3  # between two questions of the page while it stands still and waits for news


class Trainee(Protocol):
    """What can be trained in steps, like a `Session`."""

    @property
    def n_shown(self) -> int:
        """How many GANs a picture of it shows."""

    @property
    def at(self) -> int:
        """Steps so far."""

    @property
    def trouble(self) -> object:
        """Why it stopped by itself, or None."""

    def reset(self, seed: int | None = None) -> None:
        """Start again, from the same seed unless another is given."""

    def step(self) -> object:
        """One round of the game."""

    def half_step(self) -> object:
        """The smallest part of a round."""

    def fail(self, error: Exception) -> None:
        """Stop because of an error."""


class Worker:
    """Drives a session from a thread of its own, or from the caller's through `run` and `answer`.

    Args:
        session: what is trained.
        publish: called after each burst of steps and after each command, to show the state.
        ready: whether the last picture has arrived, so that another one makes sense.
        report: told about an exception of a command or a picture. Whatever is raised, the thread
            goes on.
        driver: "thread", or "page" where the page asks for each picture. May change at any time.
    """

    def __init__(
        self,
        session: Trainee,
        publish: Callable[[], None] = lambda: None,
        ready: Callable[[], bool] = lambda: True,
        report: Callable[[Exception], None] = lambda error: print(f"lab: {error!r}"),
        driver: str = "thread",
    ) -> None:
        self.session, self.publish, self.ready = session, publish, ready
        self.report, self.driver = report, driver
        self.announce: Callable[[int], None] = lambda due: None  # told how many commands were left
        self.due = self.done = 0  # commands left and obeyed so far
        self.lock = threading.RLock()  # held by whoever touches the session
        self.inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.playing = self.closed = False
        self.amid_steps = False  # whether `publish` is called for steps, and not for a command
        self.rate = MAX_PER_SECOND  # steps per second
        self._thread: threading.Thread | None = None
        self._gate = threading.Lock()  # guards the thread's birth and death
        self._frame_cost = 0.0
        self._obeying = False  # whether somebody takes all commands there are
        self._answered_at = 0.0  # when the page last got an answer (time.perf_counter)
        self._aside: threading.Thread | None = None  # does what takes long
        self._news: queue.SimpleQueue[Command] = queue.SimpleQueue()  # what it has to tell

    # --- called from any thread ----------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether controls may be brought in line: what the reader asked for is done.

        Not amid steps, which change no setting, nor while a command waits: a control that was just
        touched would be put back under the reader's hand.
        """
        return not self.amid_steps and self.inbox.empty()

    def post(self, command: Command) -> None:
        """Leave a command for the next step boundary."""
        with self._gate:
            if self.closed:
                return
            self.inbox.put(command)
            self.due += 1
            if self.driver == "thread" and self._thread is None:
                self._start_thread()
        if self.driver == "page":
            self._obey_here()
        else:
            self.announce(self.due)

    def play(self) -> None:
        self.post(lambda: self._set_playing(True))

    def pause(self) -> None:
        """Takes effect at once, even while a long burst is under way."""
        self.playing = False
        self.post(lambda: self._set_playing(False))

    def close(self, timeout: float = 5.0) -> None:
        """End the thread, if there is one, and take no more commands."""
        with self._gate:
            self.closed, self.playing = True, False
            thread = self._thread
            self.inbox.put(lambda: None)  # wakes it
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def run(self, n_steps: int, progress: Callable[[int], object] = lambda n: None) -> None:
        """Train here and now, in the caller's thread; an interrupt leaves the model as it is."""
        self.playing = False
        last = time.perf_counter()
        for done in range(n_steps):
            with self.lock:
                if self.session.trouble:
                    break
                self.session.step()
            if not self.inbox.empty():
                time.sleep(0.001)  # let the thread have the lock: a control was touched
            if time.perf_counter() - last > 0.1:
                progress(done + 1)
                last = time.perf_counter()
        progress(n_steps)

    # --- aside from the steps ------------------------------------------------------------------

    @property
    def moves(self) -> bool:
        """Whether the page has to ask, as it plays, or as there is, or will be, news."""
        news = self._aside is not None or not self._news.empty()
        return self.playing or (news and self.driver == "page")

    def do_aside(self, work: Command) -> None:
        """Do what takes long on a thread of its own; where there are none, here and now."""

        def live() -> None:
            try:
                work()
            except Exception as error:
                self.pass_on(partial(self._tell, error))
            finally:
                if self._aside is thread:  # and no other was begun in this instant
                    self._aside = None

        self._aside = thread = threading.Thread(target=live, name="gan-lab-aside", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there are none here
            live()

    def pass_on(self, news: Command) -> None:
        """Tell the page something from that thread: at once, or with the page's next answer."""
        if self.driver == "page":
            self._news.put(news)
        elif not self.closed:
            with self.lock:
                news()

    # --- driven by the page --------------------------------------------------------------------

    @property
    def wait(self) -> float:
        """Seconds from one question of the page to the next: 0 at full speed."""
        if not self.playing:
            return NEWS_SECONDS if self.moves else 0.0
        return 0.0 if self.rate >= MAX_PER_SECOND else max(1 / self.rate, 1 / SLOW_PICTURES)

    def answer(self) -> None:
        """Some steps, if it plays, and the picture; bounded, as controls wait meanwhile."""
        with self.lock:
            if self.closed:
                return
            if self.playing and self.wait:
                for _ in range(round(self.rate * self.wait)):
                    self._slow_step()
            elif self.playing:
                idle = min(time.perf_counter() - self._answered_at, LONGEST_IDLE)
                self._train(min(max(self._between_pictures, idle), LONGEST_ANSWER))
            self._show(amid_steps=True)
            self._answered_at = time.perf_counter()

    def _obey_here(self) -> None:
        """Take all commands there are, in the caller's thread."""
        with self.lock:
            if self._obeying or self.closed:
                return  # a command has left another: it is taken after this one
            self._obeying = True
            try:
                self._obey(0.0)
            finally:
                self._obeying = False

    # --- the thread ----------------------------------------------------------------------------

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._live, name="gan-lab", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # there are none here
            self._thread, self.driver = None, "page"

    def _set_playing(self, playing: bool) -> None:
        self.playing = playing and not self.session.trouble

    def _live(self) -> None:
        while True:
            wait = 0.0 if self.playing else LINGER_SECONDS
            if not self._obey(wait) and (not self.playing or self.driver == "page"):
                with self._gate:  # nobody can post between the look and the end
                    if self.inbox.empty() or self.closed or self.driver == "page":
                        self._thread = None
                        return
            if self.playing and self.driver == "thread":
                self._burst()

    def _tell(self, error: Exception) -> None:
        with suppress(Exception):  # where even that fails, there is nobody to be told
            self.report(error)

    def _obey(self, wait: float) -> bool:
        """Take all commands there are; wait for the first one. Whether there was one."""
        command = self._next_command(wait)
        if command is None:
            return False
        while command is not None:
            try:
                with self.lock:
                    command()
            except Exception as error:
                self._tell(error)
            self.done += 1
            command = self._next_command()
        if not self.closed:
            self._show()
        return True

    def _next_command(self, wait: float = 0.0) -> Command | None:
        try:
            command = self.inbox.get(timeout=wait) if wait else self.inbox.get_nowait()
        except queue.Empty:
            return None
        return None if self.closed else command

    def _burst(self) -> None:
        """Steps until the next picture is due; a waiting command ends it early."""
        if self.rate < MAX_PER_SECOND:
            start = time.perf_counter()
            with self.lock:
                self._slow_step()
            if self.ready() or not self.playing:
                self._show(amid_steps=True)
            while (left := start + 1 / self.rate - time.perf_counter()) > 0 and self.inbox.empty():
                time.sleep(min(left, 0.02))
            return
        with self.lock:
            self._train(self._between_pictures)
        if self.ready() or not self.playing:
            self._show(amid_steps=True)

    @property
    def _between_pictures(self) -> float:
        """Seconds of training, so that the pictures take but a small share of the time."""
        share = min(VIEW_SHARE * self.session.n_shown, 0.3)  # a step of many takes longer, too
        pause = max(FRAME_SECONDS, self._frame_cost / share) - self._frame_cost
        return min(pause, LONGEST_PAUSE)  # one picture that took long must not stop the next ones

    def _train(self, seconds: float) -> None:
        """Steps for a while, at least one."""
        end = time.perf_counter() + seconds
        while self.playing and self.inbox.empty() and not self.session.trouble:
            self._guarded(self.session.step)
            if time.perf_counter() >= end:
                break

    def _slow_step(self) -> None:
        """One step, or one half-step where the eye can follow."""
        self._guarded(self.session.step if self.rate > 2 else self.session.half_step)

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # sessions guard themselves; this is for what they overlook
            self.session.fail(error)
        if self.session.trouble:
            self.playing = False

    def _show(self, amid_steps: bool = False) -> None:
        start = time.perf_counter()
        with self.lock:
            self.amid_steps = amid_steps
            try:
                while not self._news.empty():
                    self._news.get()()
                self.publish()
            except Exception as error:
                self._tell(error)
                self.playing = False
            finally:
                self.amid_steps = False
        cost = time.perf_counter() - start
        self._frame_cost = 0.9 * self._frame_cost + 0.1 * cost if self._frame_cost else cost
