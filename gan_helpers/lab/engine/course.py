"""How a session came to be where it is: its settings by step, and what no loop of steps repeats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Leg:
    """What it was trained on and how, from a step on until the next leg begins.

    Args:
        step: G's updates before it.
        experiment: the settings.
        world: what the data are called; "" for the reader's own.
        data: the data themselves; None where they are not there any more.
        train_step: the name of the reader's own step; "" for the usual one.
    """

    step: int
    experiment: Any
    world: str = ""
    data: Any = None
    train_step: str = ""

    def same_data(self, other: Leg) -> bool:
        """Whether the data stay from one to the other."""
        return self.world == other.world if self.world else self.data is other.data

    def like(self, other: Leg) -> bool:
        """Whether nothing changes from one to the other."""
        settings = (self.experiment, self.train_step) == (other.experiment, other.train_step)
        return settings and self.same_data(other)


@dataclass(frozen=True)
class Course:
    """The legs so far.

    Args:
        legs: the first one is where it began.
        given: whether it began from a GAN that had been trained elsewhere.
        apart: since which step there were updates of D or G that belong to no round; None if none.
    """

    legs: tuple[Leg, ...]
    given: bool = False
    apart: int | None = None

    @classmethod
    def from_here(cls, session: Any, given: bool = False) -> Course:
        """One that begins now."""
        return cls((leg_of(session),), given)

    def on(self, session: Any) -> Course:
        """It goes on as the session is now; what was set at this very step has done nothing."""
        now = leg_of(session)
        legs = tuple(leg for leg in self.legs if leg.step < now.step)
        course = replace(self, legs=legs if legs and legs[-1].like(now) else (*legs, now))
        return course.broken(session) if session.amid_round else course

    def back_to(self, session: Any) -> Course:
        """The session has gone back to where it is now."""
        still = self.apart is not None and self.apart < session.at
        return replace(self, apart=self.apart if still else None).on(session)

    def broken(self, session: Any) -> Course:
        """An update that belongs to no round, or a change amid one."""
        return self if self.apart is not None else replace(self, apart=session.at)


def leg_of(session: Any) -> Leg:
    """The session's present settings."""
    step = session.train_step
    own = "" if step is session.standard_step else getattr(step, "__name__", "own")
    return Leg(session.at, session.experiment, session.world, session.data, own)
