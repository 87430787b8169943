"""What a lab does at this moment, in words beside its message."""

from __future__ import annotations

import time

import ipywidgets as W

EVERY = 1.0  # seconds between two numbers, at least
ENOUGH = 5  # steps that make a rate; where they take long, the number comes less often
LONGEST = 10.0  # seconds


class Activity:
    """Steps a second while a lab plays, and where it stands while it is paused.

    No message: a screen reader does not read it out whenever the number changes.

    Args:
        text: the words of the reader's language.
    """

    def __init__(self, text: dict[str, str]) -> None:
        self.text, self.line = text, W.HTML()
        self._playing = False
        self._since, self._at = 0.0, 0  # when and at which step the number was made

    def note(self, playing: bool, at: int, stopped: bool = False) -> None:
        """Say what holds now; called with each picture, it seldom has something new to say.

        at: steps so far. stopped: whether a message says already why it stands still.
        """
        now, began = time.monotonic(), playing and not self._playing
        steps, seconds = at - self._at, now - self._since
        enough = steps >= ENOUGH or seconds >= LONGEST
        if began or steps < 0 or not playing:
            words = self.text["playing"] if playing else self._standing(at, stopped)
        elif seconds >= EVERY and enough:
            words = self.text["tempo"].format(rate=two_digits(steps / seconds))
        else:
            return
        self._playing, self._since, self._at = playing, now, at
        self.line.value = f"<span class='gan-activity'>{words} ·</span>" if words else ""

    def _standing(self, at: int, stopped: bool) -> str:
        return self.text["paused"].format(step=at) if at and not stopped else ""


def two_digits(rate: float) -> str:
    """A rate to two digits, as more would only flicker."""
    rounded = float(f"{rate:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
