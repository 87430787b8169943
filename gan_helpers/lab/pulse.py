"""The page's part in driving a lab: it notices what does not arrive, and asks for pictures."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

import traitlets

from gan_helpers.lab.listening import Listening

LOST = 1.0  # seconds after which a beat that has not arrived never will
BEAT = 0.5  # seconds between two beats while the kernel's own thread trains


class Pulse(Listening):
    """A line under the lab, empty unless the page has to wait, and what asks where nobody sends.

    `state` is the last beat: n (its number), running, driver ("thread" or "page"), wait (seconds
    between two questions), done (how many commands have been obeyed), view and asked (the question
    that it answers). While the page drives, each beat makes it ask for the next picture.

    Messages to Python (`on_msg`), each a dict with a "type":
    "next" (view, asked: its name and the number of the question; seen: n of the last beat that
    arrived) asks for the next picture while the page drives, and complains that none has arrived
    while the kernel's thread does; "here" (a new view), "deaf" (see `Listening`).
    """

    _esm = (Path(__file__).parent / "pulse.js").read_text(encoding="utf-8")

    state = traitlets.Dict().tag(sync=True)
    due = traitlets.Int(0).tag(sync=True)  # commands left so far: known at once, as an answer
    words = traitlets.Dict().tag(sync=True)  # "waits": why nothing moves

    def __init__(self, **traits: Any) -> None:
        self._sent: deque[tuple[int, float]] = deque(maxlen=16)  # beats: number, time
        super().__init__(**traits)

    def beat(self, **state: Any) -> None:
        """Tell the page how things stand."""
        n = self.state.get("n", 0) + 1
        self._sent.append((n, time.monotonic()))
        self.state = {"n": n, **state}

    @property
    def beaten_at(self) -> float:
        """When the last beat was sent (time.monotonic)."""
        return self._sent[-1][1] if self._sent else 0.0

    def has_lost(self, seen: int) -> bool:
        """Whether a beat after the one that was seen should have arrived by now."""
        now = time.monotonic()
        return any(n > seen and now - sent > LOST for n, sent in self._sent)
