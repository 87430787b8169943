"""The runs behind 12.4.3: critics between fixed distributions, and losses that mean something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gan_helpers.classifier import DigitClassifier, in_batches, load_classifier
from gan_helpers.critic import slopes, train_critic
from gan_helpers.datasets.images import Images, load_mnist
from gan_helpers.datasets.points import WORLDS, WORLDS_1D, Mixture, gaussians_1d
from gan_helpers.ensemble import Ensemble, stack_networks
from gan_helpers.evidence.judging import SEEDS, Row, correlation, judge
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES
from gan_helpers.metrics import frechet_distance
from gan_helpers.models import Discriminator
from gan_helpers.training import GAN
from gan_helpers.transport import wasserstein_distance

N_MOVED = 256  # samples between which the exact distance is taken
N_PICTURES = 1000

#: A critic that keeps ahead of G: five updates for each of G's, and five times its rate.
WGAN = Experiment(loss="wasserstein", d_steps=5, lr_D=1e-3, lr_G=2e-4, beta1=0.0)
WGAN_GP = replace(WGAN, gradient_penalty=1.0)
#: The same for digits of 16 x 16.
DIGITS = Experiment(network="conv", latent_dim=64, width=32, batch_size=32, beta1=0.0, beta2=0.9)
DIGITS_GP = replace(
    DIGITS, loss="wasserstein", gradient_penalty=10.0, d_steps=5, lr_D=1e-3, lr_G=3e-4
)


def rows() -> Iterator[BetweenGaussians | Followed]:
    """All runs, the longest first."""
    ten = SEEDS[:10]  # pictures take their time
    for variant, e in (
        ("WGAN-GP", DIGITS_GP),
        ("non-saturating", replace(DIGITS, beta1=0.5)),
        ("same rates, R1", replace(DIGITS_GP, loss="non_saturating", gradient_penalty=0.0, r1=0.1)),
    ):
        yield Followed("digits", variant, e, 500, 25, "digits", ten)
    yield Followed("critic's lead", "n_critic 10", replace(WGAN_GP, d_steps=10))
    yield Followed("meaning", "WGAN-GP", WGAN_GP)
    for c in (0.01, 0.03, 0.1, 0.3):
        yield Followed("meaning", f"WGAN, c = {c:g}", replace(WGAN, clip=c))
    yield Followed("meaning", "WGAN, spectral norm", replace(WGAN, spectral_norm=True))
    yield Followed("meaning", "non-saturating", Experiment())
    standard = replace(WGAN, loss="non_saturating")
    yield Followed("meaning", "non-saturating, same rates", standard)
    yield Followed("meaning", "non-saturating, same rates, R1", replace(standard, r1=0.1))
    for n in (1, 2):
        yield Followed("critic's lead", f"n_critic {n}", replace(WGAN_GP, d_steps=n))
    for n in (5, 1):
        e = replace(WGAN_GP, d_steps=n, lr_G=1e-3)
        yield Followed("critic's lead", f"n_critic {n}, equal rates", e)
    for beta1 in (0.5, 0.9):
        clipped, penalised = (replace(e, beta1=beta1) for e in (replace(WGAN, clip=0.03), WGAN_GP))
        yield Followed("momentum", f"c = 0.03, beta1 = {beta1:g}", clipped)
        yield Followed("momentum", f"GP, beta1 = {beta1:g}", penalised)
    line = replace(WGAN_GP, gradient_penalty=10.0, latent_dim=1)
    for variant, one_sided in (("two-sided", False), ("one-sided", True)):
        e = replace(line, one_sided=one_sided)
        yield Followed("on a line", variant, e, 300, 20, "two_gaussians_1d")
    yield Treated("on a line", "two-sided, then one-sided", line, 350, 10, "two_gaussians_1d")
    for shift in (1.0, 2.0, 4.0):
        for weight in (10.0, 100.0):
            yield BetweenGaussians("between", f"penalty {weight:g}", shift, penalty=weight)
        yield BetweenGaussians(
            "between", "two-sided, penalty 10", shift, penalty=10.0, one_sided=False
        )
        yield BetweenGaussians("between", "standard D", shift, "non_saturating")


@dataclass(frozen=True)
class BetweenGaussians(Row):
    """Critics trained between N(-shift/2, std^2) and N(shift/2, std^2): W1 is the shift.

    Args:
        shift: how far apart the two are.
        loss: what D minimises, a name in `LOSSES`.
        penalty: weight of the gradient penalty.
        one_sided: whether it is for slopes above 1 only.
        clip: where D's weights are cut; None is off.
        std: of both.
        steps: D's updates.
        seeds: of weights and batches.
    """

    shift: float
    loss: str = "wasserstein"
    penalty: float = 0.0
    one_sided: bool = True
    clip: float | None = None
    std: float = 0.1
    steps: int = 1500
    seeds: tuple[int, ...] = SEEDS

    @property
    def name(self) -> str:
        return f"{super().name}, shift {self.shift:g}"

    def measure(self) -> dict[str, list[float]]:
        """Train a critic for each seed in lock-step, and judge every one of them."""
        nets = [
            Discriminator((1,), width=32, rng=torch.Generator().manual_seed(seed))
            for seed in self.seeds
        ]
        real, fake = (gaussians_1d([m * self.shift], self.std) for m in (0.5, -0.5))
        rng = [torch.Generator().manual_seed(seed) for seed in self.seeds]
        train_critic(
            stack_networks(nets), real, fake, self.steps, rng, self.clip, self.penalty,
            self.one_sided, loss=LOSSES[self.loss].discriminator,
        )  # fmt: skip
        rows = [self.judge(D, real, fake) for D in nets]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def judge(self, D: Discriminator, real: Mixture, fake: Mixture) -> dict[str, float]:
        """The `estimate` of W1, and slopes of the score, or of D where D is a probability.

        `between` is the mean slope on the way from the fakes to the real ones with its sign,
        `at_fake` that where the fakes are, and `steepest` the largest one.
        """

        def shown(x: Tensor) -> Tensor:
            return D(x).sigmoid() if LOSSES[self.loss].is_probability else D(x)

        rng = torch.Generator().manual_seed(1)
        x_real, x_fake = real.sample(10_000, rng), fake.sample(10_000, rng)
        everywhere = torch.linspace(-self.shift, self.shift, 801)[:, None]
        with torch.no_grad():
            low, high = shown(torch.tensor([[-self.shift / 2], [self.shift / 2]]))
            estimate = D(x_real).mean() - D(x_fake).mean()
        return {
            "estimate": float(estimate),
            "between": float((high - low) / self.shift),
            "steepest": float(slopes(shown, everywhere).max()),
            "at_fake": float(slopes(shown, x_fake).mean()),
        }


@dataclass(frozen=True)
class Followed(Row):
    """GANs whose distance from the data is measured while they train.

    Args:
        experiment: what is trained.
        steps: G's updates.
        every: how many of them lie between two measurements.
        world: a name in `WORLDS` or `WORLDS_1D`, or "digits" of 16 x 16.
        seeds: of weights, noise and data.
    """

    experiment: Experiment = field(default_factory=Experiment)
    steps: int = 600
    every: int = 20
    world: str = "ring"
    seeds: tuple[int, ...] = SEEDS

    def measure(self) -> dict[str, list[float]]:
        """`correlation` of minus D's loss with the distance over time; how it is at the end.

        The distance is W1, or Frechet's between features of digits; for a ring or a grid `modes`
        and `good` are found as well.
        """
        data = (
            load_mnist("train", size=16)
            if self.world == "digits"
            else (WORLDS | WORLDS_1D)[self.world]()
        )
        gans = [GAN(self.experiment, data.event_shape, seed) for seed in self.seeds]
        ensemble, distance = Ensemble(gans), yardstick(data)
        x_real = data.sample(N_MOVED, torch.Generator().manual_seed(1))
        z = gans[0].sample_z(N_MOVED, torch.Generator().manual_seed(2))
        said, exact = [], []
        for step in range(1, self.steps + 1):
            self.treat(step, ensemble)
            ensemble.step(data)
            if step % self.every == 0:
                said.append([minus_loss(gan, x_real, z) for gan in gans])
                exact.append([distance(gan) for gan in gans])
        pairs = zip(torch.tensor(said).T, torch.tensor(exact).T, strict=True)  # (T,) each, per seed
        found = {"correlation": [correlation(a, b) for a, b in pairs], "distance": exact[-1]}
        if isinstance(data, Mixture):
            found["modes"], found["good"] = judge(gans, data)
        return found

    def treat(self, step: int, ensemble: Ensemble) -> None:
        """Change something before this step; nothing here."""


@dataclass(frozen=True)
class Treated(Followed):
    """GANs whose settings change while they are followed.

    Args:
        fork: step before which they change.
        then: what changes.
    """

    fork: int = 150
    then: dict[str, Any] = field(default_factory=lambda: {"one_sided": True})

    def treat(self, step: int, ensemble: Ensemble) -> None:
        if step == self.fork:
            ensemble.configure([replace(self.experiment, **self.then)] * len(ensemble.members))


def yardstick(data: Mixture | Images) -> Callable[[GAN], float]:
    """How far a GAN is from the data, without asking its D; nan once it has blown up."""
    rng = torch.Generator().manual_seed(3)
    if isinstance(data, Mixture):
        return partial(far_points, data.sample(N_MOVED, rng))
    classifier = load_classifier(data.event_shape[-1])
    features = in_batches(classifier.features, data.sample(N_PICTURES, rng))
    return partial(far_digits, classifier, features)


def far_points(x_real: Tensor, gan: GAN) -> float:
    """W1 between as many samples of G as there are real ones, `[N, d]`."""
    x_fake = gan.sample(gan.sample_z(len(x_real), torch.Generator().manual_seed(4)))
    return float(wasserstein_distance(x_fake, x_real)) if x_fake.isfinite().all() else math.nan


def far_digits(classifier: DigitClassifier, features: Tensor, gan: GAN) -> float:
    """The Frechet distance between features of as many generated digits as there are real ones."""
    x_fake = gan.sample(gan.sample_z(len(features), torch.Generator().manual_seed(4)))
    return float(frechet_distance(in_batches(classifier.features, x_fake), features))


@torch.no_grad()
def minus_loss(gan: GAN, x_real: Tensor, z: Tensor) -> float:
    """Minus D's loss on these samples: a critic's estimate of W1; for (12.28) the game's value."""
    return -float(gan.loss.discriminator(gan.D(x_real), gan.D(gan.G(z))))
