"""The runs behind 12.4.2: the illnesses, their remedies, and the published protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from gan_helpers.datasets.points import WORLDS, Mixture, grid, ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.evidence.judging import SEEDS, Row, judge
from gan_helpers.experiment import Experiment, faded
from gan_helpers.remedies import ILLNESSES, REMEDIES
from gan_helpers.training import GAN, push_on_G, step_D

#: Ring and grid of VEEGAN and PacGAN, scaled so that the outermost mode lies at 1.5.
PUBLISHED_WORLDS: dict[str, Callable[[], Mixture]] = {
    "published_ring": lambda: ring(std=0.01 * 1.5),
    "published_grid": lambda: grid(std=0.05 * 1.5 / 4),
}
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


@dataclass(frozen=True)
class Sharpened(Run):
    """A run whose rates fall to 0 from a quarter on, and R1's weight with their square.

    R1 keeps samples between the modes for G to find the way by; once all are found, less of it
    lets them go. Without any, modes are lost in the last steps.

    Args:
        floor: the share of R1's weight that stays to the end.
    """

    decay: bool = True
    floor: float = 0.3

    def decayed(self, e: Experiment, step: int) -> Experiment:
        left = min(1.0, (1 - step / self.steps) / 0.75)
        r1 = e.r1 * max(left**2, self.floor)
        return replace(e, lr_D=left * e.lr_D, lr_G=left * e.lr_G, r1=r1)


def rows() -> Iterator[Run]:
    """All runs, the longest first, so that two processes end at about the same time."""
    large = replace(STEADY, width=128, batch_size=256, r1=0.005)
    yield Sharpened("published_grid", "R1, falling", 28_000, "published_grid", large)
    for world, r1, steps in (("published_grid", 0.005, 28_000), ("published_ring", 0.1, 10_000)):
        for variant, weight in (("R1", r1), ("no remedy", 0.0)):
            e = replace(STEADY, r1=weight)
            yield Run(world, variant, steps, world, e, decay=True)
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
        for _, gan in ensemble.stacks:
            size = gan.experiment.batch_size
            step_D(gan, data.sample(size, gan.rng), gan.sample_z(size))
    return found
