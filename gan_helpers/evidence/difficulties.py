"""The runs behind 12.4.2: the illnesses, their remedies, and the published protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from gan_helpers.classifier import classify, load_classifier
from gan_helpers.datasets.images import load_mnist
from gan_helpers.datasets.points import WORLDS, Mixture, grid, ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.evidence.judging import SEEDS, Row, judge
from gan_helpers.experiment import Experiment, faded, share_left
from gan_helpers.remedies import ILLNESSES, REMEDIES
from gan_helpers.training import GAN, push_on_G, step_D

#: Ring and grid of VEEGAN and PacGAN, scaled so that the outermost mode lies at 1.5.
PUBLISHED_WORLDS: dict[str, Callable[[], Mixture]] = {
    "published_ring": lambda: ring(std=0.01 * 1.5),
    "published_grid": lambda: grid(std=0.05 * 1.5 / 4),
}
#: Perceptrons on digits: D far ahead, and as by default.
DIGITS_AHEAD = Experiment(width=128, latent_dim=64, batch_size=32, d_steps=5, lr_D=5e-3, lr_G=3e-4)
DIGITS_USUAL = replace(DIGITS_AHEAD, d_steps=1, lr_D=1e-3)
#: The recipe that was found for them: the rates fall to 0 in the second half.
STEADY = Experiment(lr_D=2e-3, lr_G=2e-3, batch_size=64, beta1=0.5, beta2=0.9, ema=0.999)


@dataclass(frozen=True)
class Run(Row):
    """GANs that are trained, and perhaps treated on the way.

    Args:
        steps: G's updates.
        world: a name in `WORLDS` or `PUBLISHED_WORLDS`.
        experiment: what is trained at first.
        fork: step from which on `then` holds.
        then: settings of the experiment that change at the fork.
        decay: whether the learning rates fall linearly to 0 in the second half.
        lead: updates of D against a frozen G, in place of any training of G.
        seeds: of weights, noise and data.
    """

    steps: int = 0
    world: str = "ring"
    experiment: Experiment = field(default_factory=Experiment)
    fork: int = 0
    then: dict[str, Any] = field(default_factory=dict)
    decay: bool = False
    lead: int = 0
    seeds: tuple[int, ...] = SEEDS

    def measure(self) -> dict[str, list[float]]:
        """Train an ensemble of one GAN for each seed, and judge every one of them.

        Returns:
            name of the quantity -> its value for each seed: `modes` and `good` at the end,
            `modes_before` at the fork, `push_0`, `push_10` … where D runs ahead (see `leads`).
        """
        data = (WORLDS | PUBLISHED_WORLDS)[self.world]()
        gans = [GAN(self.experiment, data.event_shape, seed) for seed in self.seeds]
        ensemble = Ensemble(gans)
        found: dict[str, list[float]] = {}
        if self.lead:
            found |= run_ahead(ensemble, data, self.lead)
        e = self.experiment
        for step in range(self.steps):
            if step == self.fork and self.then:
                found["modes_before"] = judge(gans, data)[0]
                e = replace(e, **self.then)
                ensemble.configure([e] * len(gans))
            if self.decay and step % 50 == 0:
                ensemble.configure([self.decayed(e, step)] * len(gans))
            ensemble.step(data)
        if self.steps:
            found["modes"], found["good"] = judge(gans, data)
        return found

    def decayed(self, e: Experiment, step: int) -> Experiment:
        """The settings at `step`, see `decay`."""
        return faded(e, step, self.steps)


BEGIN = 0.25  # the share of the steps after which the rates of the following fall


@dataclass(frozen=True)
class Sharpened(Run):
    """A run whose rates fall to 0 from a quarter on, and R1's weight with their square.

    R1 keeps samples between the modes; less of it lets them go, and at times a mode with them.

    Args:
        floor: the share of R1's weight that stays to the end.
    """

    decay: bool = True
    floor: float = 0.3

    def decayed(self, e: Experiment, step: int) -> Experiment:
        now, left = faded(e, step, self.steps, BEGIN), share_left(step, self.steps, BEGIN)
        return replace(now, r1=e.r1 * max(left**2, self.floor))


@dataclass(frozen=True)
class Digits(Row):
    """Perceptrons on the digits of MNIST, 16 x 16, in lock-step: which digits do they draw?

    Args:
        experiment: what is trained at first.
        steps: G's updates.
        fork: step from which on `then` holds.
        then: settings of the experiment that change at the fork.
        seeds: of weights, noise and data.
    """

    experiment: Experiment = DIGITS_AHEAD
    steps: int = 1500
    fork: int = 0
    then: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = SEEDS

    def measure(self) -> dict[str, list[float]]:
        """Of 1,000 pictures for each seed, at the end.

        `most`: how many are read as the digit that is commonest. `kinds`: how many digits have 50
        or more that the classifier is sure of (0.9). `spread`: the standard deviation of a pixel
        from picture to picture, the mean over pixels; 0 where all are alike.
        """
        digits, classifier = load_mnist(size=16), load_classifier(16)
        gans = [GAN(self.experiment, digits.event_shape, seed) for seed in self.seeds]
        ensemble = Ensemble(gans)
        for step in range(self.steps):
            if step == self.fork and self.then:
                ensemble.configure([replace(self.experiment, **self.then)] * len(gans))
            ensemble.step(digits)
        found: dict[str, list[float]] = {"most": [], "kinds": [], "spread": []}
        for gan in gans:
            x_fake = gan.sample(gan.sample_z(1000, torch.Generator().manual_seed(1)))
            digit, confidence = classify(classifier, x_fake)
            sure = torch.bincount(digit[confidence >= 0.9], minlength=10)
            found["most"].append(float(torch.bincount(digit).max()))
            found["kinds"].append(float((sure >= 50).sum()))
            found["spread"].append(float(x_fake.std(0).mean()))
        return found


def rows() -> Iterator[Row]:
    """All runs, the longest first, so that two processes end at about the same time."""
    large = replace(STEADY, width=128, batch_size=256, r1=0.005)
    yield Sharpened("published_grid", "R1, falling", 28_000, "published_grid", large)
    for world, r1, steps in (("published_grid", 0.005, 28_000), ("published_ring", 0.1, 10_000)):
        for variant, weight in (("R1", r1), ("no remedy", 0.0)):
            e = replace(STEADY, r1=weight)
            yield Run(world, variant, steps, world, e, decay=True)
    for variant, e in (("D ahead", DIGITS_AHEAD), ("usual rates", DIGITS_USUAL)):
        yield Digits("digits collapse", variant, e)
        treated = f"{variant}, then R1"
        yield Digits("digits collapse", treated, e, steps=1700, fork=1500, then={"r1": 1.0})
    slow = replace(Experiment(), **ILLNESSES["non_convergence"])
    ahead = replace(Experiment(), **ILLNESSES["mode_collapse"])
    for name in ("unroll", *(n for n in REMEDIES if n not in ("unroll", "pac", "non_saturating"))):
        yield Run("slow D", name, 3500, experiment=slow, fork=1500, then=REMEDIES[name])
        yield Run("collapsed", name, 1500, experiment=ahead, fork=500, then=REMEDIES[name])
    for study, e, steps, fork in (("slow D", slow, 3500, 1500), ("collapsed", ahead, 1500, 500)):
        yield Run(study, "untreated", steps, experiment=e)
        yield Run(study, "pac", steps, experiment=replace(e, **REMEDIES["pac"]))
        for name, then in TAKEN_BACK[study].items():
            yield Run(study, name, steps, experiment=e, fork=fork, then=then)
    for world in ("ring", "grid"):
        for variant, e in (("balanced", Experiment()), ("slow D", slow), ("D ahead", ahead)):
            yield Run("when", f"{world}, {variant}", 3000, world, e)
    blind = replace(Experiment(), **ILLNESSES["vanishing_gradient"])
    for name, then in LEADING.items():
        yield Run("lead", name, experiment=replace(blind, **then), lead=1000)
        yield Run("after a lead", name, 1000, experiment=replace(blind, **then), lead=500)


#: Controls: no remedy, but what made it ill is taken back.
TAKEN_BACK: dict[str, dict[str, dict[str, Any]]] = {
    "slow D": {"equal rates": {"lr_D": 1e-3}},
    "collapsed": {"equal rates": {"lr_D": 1e-3}, "balanced": {"lr_D": 1e-3, "d_steps": 1}},
}
#: What G learns by while D is far ahead.
LEADING: dict[str, dict[str, Any]] = {
    "saturating": {},
    "non_saturating": {"loss": "non_saturating"},
    "maximum_likelihood": {"loss": "maximum_likelihood"},
    "least_squares": {"loss": "least_squares"},
    "hinge": {"loss": "hinge"},
    "wasserstein": {"loss": "wasserstein", "gradient_penalty": 1.0},
    "saturating, SN": {"spectral_norm": True},
    "saturating, R1": {"r1": 0.1},
    "saturating, GP": {"gradient_penalty": 1.0},
}


def leads(most: int) -> list[int]:
    """At which leads the push on G is measured: 0, 10, 30, 100, … `most`."""
    return [n for n in (0, 10, 30, 100, 300, 1000) if n <= most]


def run_ahead(ensemble: Ensemble, data: Mixture, most: int) -> dict[str, list[float]]:
    """Train D alone, and measure the gradient that G would get."""
    found = {}
    for n in range(most + 1):
        if n in leads(most):
            found[f"push_{n}"] = [
                push_on_G(gan, gan.sample_z(512, torch.Generator().manual_seed(1)))
                for gan in ensemble.members
            ]
        update_D(ensemble, data)
    return found


def update_D(ensemble: Ensemble, data: Mixture) -> None:
    """One update of D only, of each GAN."""
    for _, gan in ensemble.stacks:
        size = gan.experiment.batch_size
        step_D(gan, data.sample(size, gan.rng), gan.sample_z(size))
