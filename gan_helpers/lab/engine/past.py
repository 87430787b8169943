"""A run as pictures: what was to be seen at each moment that is kept, and what is seen now."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from gan_helpers.lab.engine.comparison import Comparison
from gan_helpers.lab.engine.look import Frame
from gan_helpers.lab.engine.record import Moment, last_until
from gan_helpers.lab.engine.session import Session


def frames_of(shown: Any) -> list[Callable[[], Frame]]:
    """The frames of a session, or of several side by side, in their order; the last is of now.

    That one has been made; each of the others is made when it is called, of a copy.
    """
    sessions = shown.sessions if isinstance(shown, Comparison) else {"": shown}
    kept = {name: list(session.timeline.moments) for name, session in sessions.items()}
    steps = sorted({moment.step for moments in kept.values() for moment in moments} - {shown.at})
    now = shown.frame()
    return [*(partial(frame_at, shown, dict(sessions), kept, step) for step in steps), lambda: now]


def frame_at(
    shown: Any, sessions: dict[str, Session], kept: dict[str, list[Moment]], step: int
) -> Frame:
    """What was to be seen at a step, of each GAN at the last moment kept before it."""
    moments = {name: kept[name][last_until(step, kept[name])] for name in sessions}
    then = {name: own.as_of(moments[name]) for name, own in sessions.items()}
    if not isinstance(shown, Comparison):
        return then[""].frame()
    twin = copy.copy(shown)
    twin.sessions = then
    return twin.frame()
