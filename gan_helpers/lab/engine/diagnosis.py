"""Which illness a GAN in training has, going by what its session has measured anyway.

`SIGNS` has a row for each: what tells it, the section that treats it, what may help. The words are
in `labels`, under "ill_…". What cannot be told is not said: a comparison with NaN is false, so each
test asks for what has to be there. The thresholds were set on seeds from 500 on; the studies
"diagnosis" and "diagnosis of pictures" of the evidence say how often the verdict is right on
others.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from statistics import median
from typing import Any

import torch

from gan_helpers.lab.engine.seen import RARE
from gan_helpers.losses import Loss, get_loss, reversed_losses
from gan_helpers.remedies import REMEDIES

Numbers = dict[str, Any]  # what a verdict was reached by, as the words ask for it

LEAST = 8  # points of the curves that a verdict needs
SPAN, SPAN_OF_PICTURES = 100, 200  # G's updates that it looks back on
EVERY = 25  # G's updates between two looks
HELD = 3  # looks that have to agree

GONE = 1e-5  # norm of G's gradient; where G learns it was never below 5e-3
SURE = 0.01  # D's loss; D knows all samples
NO_BETTER = 0.9  # D's loss, over that of a D that tosses a coin
FAR = 0.4  # what G's steps add up to, at a time when those that settle have done so
FEW_GOOD, SOME_GOOD, MOST_GOOD = 0.1, 0.15, 0.5  # shares of the samples
ONE_CLASS = 0.6  # share of the pictures
EXPLODED = 100.0  # what a critic says of the distance, over the exact one


@dataclass(frozen=True)
class Seen:
    """What a session has measured since its settings last changed.

    Args:
        settings: its `Experiment`.
        steps: G's updates since then.
        curves: name -> the last points of a curve, the oldest first.
        shares: of the samples on each mode, or of the pictures in each class, for each point.
        pictures: whether these are classes of pictures, of which none is called good.
        first_w1: the distance at the very beginning.
        by_class: the agreement of each class, where classes are asked for.
        p: the probability of the transforms, where there are some.
    """

    settings: Any
    steps: int
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    shares: Sequence[Sequence[float]] = ()
    pictures: bool = False
    first_w1: float = math.nan
    by_class: Sequence[float] = ()
    p: float = math.nan

    @cached_property
    def loss(self) -> Loss:
        return get_loss(self.settings.loss)

    @property
    def way(self) -> float:
        """How far each weight of G can have gone: Adam's steps are as long as its rate."""
        return float(self.steps * self.settings.lr_G)

    def mid(self, name: str) -> float:
        """The median of the last points of a curve, nan unless all of them are numbers."""
        return middle(self.curves.get(name, ()))

    @property
    def n_modes(self) -> int:
        """How many there are to be found; 0 where one cannot tell."""
        return len(self.shares[-1]) if self.shares else 0

    @cached_property
    def modes(self) -> float:
        """How many of them have samples, in the middle."""
        rare = RARE / self.n_modes if self.pictures and self.n_modes else 0.0
        return middle([sum(s > rare for s in row) for row in self.shares])

    @cached_property
    def modes_in_turn(self) -> int:
        """How many of them have had samples at one point or another."""
        return sum(map(any, zip(*self.shares, strict=True)))

    @cached_property
    def commonest(self) -> float:
        """Share of the mode or class that has most, in the middle."""
        return middle(list(map(max, self.shares)))

    @cached_property
    def good(self) -> float:
        """Share of the samples on a mode, in the middle."""
        return math.nan if self.pictures else middle(list(map(sum, self.shares)))


@dataclass(frozen=True)
class Finding:
    """What is the matter.

    Args:
        name: of a row of `SIGNS`.
        numbers: by what it was told.
        place: the notebook and the section that treat it.
        remedies: name -> settings that may help, the best first.
        ill: whether it is an illness, and not the lack of all.
    """

    name: str
    numbers: Numbers
    place: tuple[str, str] = ("", "")
    remedies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ill: bool = True


@dataclass(frozen=True)
class Sign:
    """How an illness is told.

    Args:
        test: gives the numbers that it was told by, or None.
        place: the notebook, without its ending, and the section.
        remedies: name of a variant -> settings, the best first.
        after: G's updates before which it is too early to tell; at 0 the settings alone tell.
        ill: whether it is an illness, and not the lack of all.
    """

    test: Callable[[Seen], Numbers | None]
    place: tuple[str, str] = ("", "")
    remedies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    after: int = SPAN
    ill: bool = True


def diagnose(seen: Seen) -> Finding | None:
    """The first of `SIGNS` that is there; None where none is, or nobody can tell."""
    enough = min(map(len, seen.curves.values()), default=0) >= LEAST
    for name, sign in SIGNS.items():
        ripe = seen.steps >= sign.after and (enough or not sign.after)
        if ripe and (numbers := sign.test(seen)) is not None:
            return Finding(name, numbers, sign.place, sign.remedies, sign.ill)
    return None


# --- what tells them -----------------------------------------------------------------------------


def reversed_sign(seen: Seen) -> Numbers | None:
    """A loss of the reader's own drives its player the wrong way."""
    wrong = signs_reversed(seen.loss)
    return {"which": wrong} if wrong else None


def starved(seen: Seen) -> Numbers | None:
    """A critic between narrow limits is flat: it says and passes on next to nothing."""
    push = seen.mid("grad_G")
    clip = getattr(seen.settings, "clip", None)
    if seen.loss.estimates_distance and clip and push < GONE:
        return {"loss": abs(seen.mid("loss_D")), "push": push, "clip": clip}
    return None


def exploded(seen: Seen) -> Numbers | None:
    """A critic without limits: what it says of the distance has lost all measure."""
    estimate, w1 = middle([abs(x) for x in seen.curves.get("loss_D", ())]), seen.mid("w1")
    if seen.loss.estimates_distance and estimate > EXPLODED * w1 > 0:
        return {"estimate": estimate, "w1": w1}
    return None


def gone(seen: Seen) -> Numbers | None:
    """D is far ahead, and no gradient reaches G."""
    loss, push = seen.mid("loss_D"), seen.mid("grad_G")
    far = not seen.loss.estimates_distance and loss < SURE
    return {"push": push, "loss": loss} if far and push < GONE else None


def collapsed(seen: Seen) -> Numbers | None:
    """Good samples, all of them on few modes."""
    n, modes, good = seen.n_modes, seen.modes, seen.good
    if n > 1 and modes <= n / 2 and good >= MOST_GOOD:
        return {"modes": round(modes), "of": n, "good": good}
    return None


def overwhelmed(seen: Seen) -> Numbers | None:
    """D is far ahead; G is pushed, and does not get on: noise is read as one class."""
    loss, push, good = seen.mid("loss_D"), seen.mid("grad_G"), seen.good
    far = not seen.loss.estimates_distance and 0 <= loss < SURE
    nowhere = seen.commonest >= ONE_CLASS if seen.pictures else good < FEW_GOOD
    return {"loss": loss, "push": push} if far and nowhere and push >= GONE else None


def unsettled(seen: Seen) -> Numbers | None:
    """D tells nothing apart, and yet hardly a sample is good: it does not keep up with G."""
    n, modes, good, loss = seen.n_modes, seen.modes, seen.good, seen.mid("loss_D")
    astray = n > 1 and good < FEW_GOOD and modes <= n / 4 and seen.way >= FAR
    if astray and loss >= NO_BETTER * by_a_coin(seen.loss):
        return {"good": good, "loss": loss}
    return None


def narrow(seen: Seen) -> Numbers | None:
    """Most pictures are of one class, though nobody asks for it."""
    n, top = seen.n_modes, seen.commonest
    return {"most": top} if seen.pictures and n > 3 and top >= ONE_CLASS else None


def ignored(seen: Seen) -> Numbers | None:
    """G makes no difference between classes."""
    agreement, K = seen.mid("agreement"), len(seen.by_class)
    return {"agreement": agreement, "chance": 1 / K} if K > 1 and agreement < 2 / K else None


def missing(seen: Seen) -> Numbers | None:
    """G does what it is told, but for one class, which it makes by chance alone."""
    rates = sorted(seen.by_class)
    if len(rates) > 2 and rates[0] < 0.25 and rates[1] > 0.6:
        return {"missing": list(seen.by_class).index(rates[0]), "rate": rates[0]}
    return None


def leaking(seen: Seen) -> Numbers | None:
    """Only real pictures are transformed, so that transformed ones are what G learns."""
    e = seen.settings
    transformed = getattr(e, "augment", "") == "real" and e.transforms and e.strength > 0
    return {"p": seen.p} if transformed and seen.p > 0 else None


def mirrored(seen: Seen) -> Numbers | None:
    """All pictures are flipped by lot: left and right can no longer be told."""
    e = seen.settings
    flipped = getattr(e, "augment", "") == "both" and "flip" in e.transforms
    return {"p": seen.p} if flipped and seen.p > 0.9 else None


def at_its_limit(seen: Seen) -> Numbers | None:
    """ADA cannot transform any more, and D is still too sure."""
    e = seen.settings
    return {"p": seen.p} if getattr(e, "ada", 0) and e.augment == "both" and seen.p >= 1 else None


def by_heart(seen: Seen) -> Numbers | None:
    """D takes real pictures that it has not seen for no better than generated ones."""
    train, held, fake = (seen.mid(f"d_{name}") for name in ("train", "held", "fake"))
    if train - held > 2 and held <= fake:
        return {"train": train, "held": held, "fake": fake}
    return None


def well(seen: Seen) -> Numbers | None:
    """All modes have samples, most of them at a time, and some of these are good."""
    n, good = seen.n_modes, seen.good
    if n and seen.modes_in_turn >= 0.9 * n and seen.modes > n / 2 and good >= SOME_GOOD:
        return {"modes": seen.modes_in_turn, "of": n, "good": good}
    return None


def well_by_distance(seen: Seen) -> Numbers | None:
    """A critic has brought G half of the way."""
    w1 = seen.mid("w1")
    falls = seen.loss.estimates_distance and w1 <= 0.5 * seen.first_w1
    return {"w1": w1, "first": seen.first_w1} if falls else None


def well_in_classes(seen: Seen) -> Numbers | None:
    """G does what it is told, whatever the class."""
    agreement, worst = seen.mid("agreement"), min(seen.by_class, default=math.nan)
    return {"agreement": agreement} if agreement >= 0.9 and worst >= 0.5 else None


def well_in_pictures(seen: Seen) -> Numbers | None:
    """All classes appear, though nobody asks for them; of quality it says nothing."""
    n, modes, top = seen.n_modes, seen.modes, seen.commonest
    enough = seen.pictures and n > 1 and modes >= 0.9 * n and top <= 3 / n
    return {"classes": round(modes), "of": n} if enough else None


def well_with_few(seen: Seen) -> Numbers | None:
    """D says of real pictures the same, whether it has seen them or not."""
    gap = seen.mid("d_train") - seen.mid("d_held")
    return {"gap": gap} if gap < 0.5 else None


Remedies = Mapping[str, Mapping[str, Any]]
SMOOTH: Remedies = {name: REMEDIES[name] for name in ("r1", "spectral_norm")}
CATCH_UP: Remedies = {name: REMEDIES[name] for name in ("ttur", "r1")}
PENALTY: Remedies = {"gradient_penalty": {"gradient_penalty": 1.0}}
LIMITS: Remedies = {
    "gradient_penalty": {"clip": None, "gradient_penalty": 1.0},
    "clip = 0.03": {"clip": 0.03},
}
WEIGHTED: Remedies = {"class_weight = 1": {"class_weight": 1.0}}
BOTH: Remedies = {"both_transformed": {"augment": "both"}}
#: Name of a row -> how it is told. The first that is there is said.
SIGNS: dict[str, Sign] = {
    "reversed": Sign(reversed_sign, ("12.4.1_basic_gan", "4"), after=0),
    "starved": Sign(starved, ("12.4.3_wgan", "4.2"), LIMITS),
    "exploded": Sign(exploded, ("12.4.3_wgan", "3.1"), PENALTY),
    "gone": Sign(gone, ("12.4.2_difficulties", "2"), SMOOTH),
    "collapsed": Sign(collapsed, ("12.4.2_difficulties", "3"), SMOOTH),
    "overwhelmed": Sign(overwhelmed, ("12.4.2_difficulties", "1"), SMOOTH),
    "unsettled": Sign(unsettled, ("12.4.2_difficulties", "3.5"), CATCH_UP),
    "narrow": Sign(narrow, ("12.4.2_difficulties", "3.4"), {"r1": {"r1": 1.0}}, after=1500),
    "ignored": Sign(ignored, ("12.4.4_conditional_gan", "6.1"), WEIGHTED, after=800),
    "missing": Sign(missing, ("12.4.4_conditional_gan", "3.1"), after=800),
    "leaking": Sign(leaking, ("12.4.6_augmentation", "3.4"), BOTH),
    "mirrored": Sign(mirrored, ("12.4.6_augmentation", "4"), {"p = 0.5": {"p": 0.5}}),
    "at_its_limit": Sign(at_its_limit, ("12.4.6_augmentation", "5")),
    "by_heart": Sign(by_heart, ("12.4.6_augmentation", "3.4"), BOTH),
    "well": Sign(well, ill=False),
    "well_by_distance": Sign(well_by_distance, ill=False),
    "well_in_classes": Sign(well_in_classes, ill=False, after=800),
    "well_in_pictures": Sign(well_in_pictures, ill=False, after=400),
    "well_with_few": Sign(well_with_few, ill=False, after=800),
}


# --- what is measured ----------------------------------------------------------------------------


def middle(values: Sequence[float]) -> float:
    """The median; nan unless there are values and all of them are numbers."""
    return median(values) if values and all(map(math.isfinite, values)) else math.nan


@lru_cache(maxsize=16)
def by_a_coin(loss: Loss) -> float:
    """D's loss where it says of all samples that they may be either."""
    d = torch.full((8,), float(loss.boundary))
    return float(loss.discriminator(d, d))


@lru_cache(maxsize=16)
def signs_reversed(loss: Loss) -> tuple[str, ...]:
    """`reversed_losses`, asked once."""
    return tuple(reversed_losses(loss))


def seen_of(session: Any, since: int) -> Seen:
    """What a session has measured since a step.

    Args:
        session: a `Session`.
        since: where its settings last changed.
    """
    history, judge = session.history, session.judge
    pictures = session.kind == "images"
    span = SPAN_OF_PICTURES if pictures else SPAN
    steps = [row[0] for row in history.rows]
    begin = min(bisect_right(steps, session.at - span), max(len(steps) - LEAST, 0))
    begin = max(begin, bisect_right(steps, since))
    table = zip(*history.rows[begin:], strict=True)
    curves = dict(zip(("step", *history.names), table, strict=False))
    shares = [(row / 255).tolist() for row in history.shares[begin:]] if session.n_modes else []
    first = dict(zip(history.names, history.rows[0][1:], strict=True)) if history.rows else {}
    by_class = getattr(session.report() if judge else None, "by_class", ())
    return Seen(
        session.experiment,
        session.at - since,
        curves,
        shares,
        pictures,
        first_w1=first.get("w1", math.nan),
        by_class=[float(share) for share in by_class],
        p=float(getattr(session.gan, "p", math.nan)),
    )


class Watch:
    """What is said of a GAN, and for how long: what is seen once is not said yet.

    Args:
        since: G's updates at which its settings last changed.
    """

    def __init__(self, since: int = 0) -> None:
        self.since, self.looked = since, since
        self.said: Finding | None = None
        self._other, self._times = "", 0  # what has been seen of late in its place, and how often

    def look(self, session: Any) -> None:
        """Look at a session that has just written down a point of its curves."""
        if session.at - self.looked < EVERY:
            return
        self.looked = session.at
        try:
            found = diagnose(seen_of(session, self.since))
        except Exception:  # a loss of the reader's own may not like what it is asked here
            found = None
        self.hear(found)

    def hear(self, found: Finding | None) -> None:
        """Another verdict; it is said once it has come `HELD` times in a row.

        What the settings alone tell is said at once: with a wrong sign a GAN may soon blow up.
        """
        name = found.name if found else ""
        if name == (self.said.name if self.said else ""):
            self.said, self._times = found, 0
            return
        self._times = self._times + 1 if name == self._other else 1
        self._other = name
        if self._times >= HELD or (found and not SIGNS[name].after):
            self.said, self._times = found, 0
