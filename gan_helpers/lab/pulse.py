"""The page's part in driving a lab: it notices what does not arrive, and asks for pictures."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import traitlets

from gan_helpers.lab.listening import Listening

BEAT = 0.5  # seconds between two beats while the kernel's own thread trains


class Pulse(Listening):
    """A line under the lab, empty unless the page has to wait, and what asks where nobody sends.

    `state` is the last beat: n (beats are counted, so that a missing one is noticed), running,
    driver ("thread" or "page"), wait (seconds between two questions), done (how many commands have
    been obeyed), view and asked (the question that it answers). While the page drives, each beat
    makes it ask for the next picture.

    Messages to Python (`on_msg`), each a dict with a "type":
    "next" (view, asked: its name and the number of the question; lost: whether beats are missing)
    asks for the next picture while the page drives, and for a sign of life while the kernel's
    thread does; "views" (page, count: by whom it is looked at; 0 when no more), "deaf" (see
    `Listening`).
    """

    _esm = (Path(__file__).parent / "pulse.js").read_text(encoding="utf-8")

    state = traitlets.Dict().tag(sync=True)
    due = traitlets.Int(0).tag(sync=True)  # commands left so far: known at once, as an answer
    words = traitlets.Dict().tag(sync=True)  # "waits": why nothing moves

    beaten_at = -math.inf  # when the last beat was sent (time.monotonic)

    def beat(self, **state: Any) -> None:
        """Tell the page how things stand."""
        self.beaten_at = time.monotonic()
        self.state = {"n": self.state.get("n", 0) + 1, **state}
