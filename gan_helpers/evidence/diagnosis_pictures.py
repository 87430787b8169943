"""The runs behind what the lab says of a GAN of pictures: see `diagnosis`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from statistics import mean
from typing import Any, ClassVar

import torch
from torch import Tensor

from gan_helpers.augmentation.judge import make, mirrored, traced
from gan_helpers.augmentation.training import AugmentedGAN, train_step
from gan_helpers.classifier import classify, in_batches, load_classifier
from gan_helpers.conditional.training import ConditionalGAN, draw_batch, one_of_K, step_G
from gan_helpers.datasets.images import Images, load_few, load_mnist
from gan_helpers.evidence.augmentation import BOTH, LEAKY, PLAIN
from gan_helpers.evidence.conditional import ACGAN, CGAN
from gan_helpers.evidence.diagnosis import Diagnosed, heard_of
from gan_helpers.evidence.difficulties import DIGITS_AHEAD
from gan_helpers.evidence.judging import SEEDS
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.augmenting import N_HELD
from gan_helpers.lab.engine.modes import MODES
from gan_helpers.lab.engine.session import Session
from gan_helpers.metrics import frechet_distance
from gan_helpers.training import looking_at

N_FRESH = 2000  # generated pictures by which it is judged, and unseen real ones
N_ON = 100  # steps for which ADA is looked at
#: As the lab has it.
CONVOLUTIONS = Experiment(
    network="conv", latent_dim=64, batch_size=32, beta1=0.5, beta2=0.999, ema=0.995
)
FIVE = SEEDS[:5]  # pictures take their time
NO_NINE = tuple(range(9))  # as by torch.randint(0, 9, (n,))

load_digits = cache(lambda split="train": load_mnist(split, size=16))


@dataclass(frozen=True)
class Pictured(Diagnosed):
    """GANs of digits of 16 x 16, one after the other. `outcome` depends on their kind."""

    world: str = "digits"
    marks: tuple[int, ...] = (400, 600, 800, 900, 1000, 1200, 1500)
    seeds: tuple[int, ...] = FIVE
    before: ClassVar[tuple[str, ...]] = ()

    def session(self, seed: int) -> Session:
        kind = next(mode for mode in MODES if mode.settings is type(self.experiment))
        return kind.session(self.experiment, self.data(seed), seed)

    def data(self, seed: int) -> Images:
        return load_digits()

    def listen(self, sessions: Sequence[Session]) -> Iterator[tuple[int, list[str]]]:
        for step in sorted({n for n in self.marks if n < self.steps} | {self.steps}):
            for session in sessions:
                session.run(step - session.at)
            yield step, [heard_of(session) for session in sessions]

    def outcome(self, session: Session) -> dict[str, float]:
        """`most`: share of the commonest digit, of `N_FRESH`. `held`: as that of points.

        `sure`: how many digits have a twentieth of them that the classifier is sure of. `tells`:
        share of the pairs in which D's logit at a real picture is above that at a generated one.
        """
        x_fake = make(session.gan, N_FRESH, seed=10**6)
        digit, confidence = classify(load_classifier(16), x_fake)
        shares = digit.bincount(minlength=10) / N_FRESH
        sure = digit[confidence >= 0.9].bincount(minlength=10) / N_FRESH
        with looking_at(session.gan.D):
            told = (in_batches(session.gan.D, x) for x in (load_digits("test").x, x_fake))
            tells = above(*told)
        return {
            "most": float(shares.max()),
            "held": float((shares >= 0.2 / 10).float().mean()),
            "sure": float((sure >= 0.05).sum()),
            "tells": tells,
        }


@dataclass(frozen=True)
class Told(Pictured):
    """The same of conditional GANs.

    Args:
        asked: of which digits G is asked for one, when it learns; D learns them all.
    """

    asked: tuple[int, ...] = tuple(range(10))

    def session(self, seed: int) -> Session:
        session = super().session(seed)
        if len(self.asked) < 10:
            session.train_step = partial(step_of_these, torch.tensor(self.asked))
        return session

    def outcome(self, session: Session) -> dict[str, float]:
        """`agreement` of `N_FRESH` pictures; `worst`, `second`: of the lowest digit, and the next.

        All of them by what the classifier reads.
        """
        y = torch.arange(10).repeat(N_FRESH // 10)
        z = session.gan.sample_z(len(y), torch.Generator().manual_seed(10**6))
        parts = zip(z.split(500), y.split(500), strict=True)
        x = torch.cat([session.gan.sample(*part) for part in parts])
        right = (classify(load_classifier(16), x)[0] == y).float()
        worst, second = right.view(-1, 10).mean(0).sort().values[:2].tolist()
        return {"agreement": float(right.mean()), "worst": worst, "second": second}


def step_of_these(asked: Tensor, gan: ConditionalGAN, data: Images) -> tuple[Tensor, Tensor]:
    """A round in which G is asked for some of the classes only."""
    loss_D = gan.update_D(data)
    _, y, z = draw_batch(gan, data)
    y = asked[torch.randint(len(asked), (len(y),), generator=gan.rng)]
    return loss_D, step_G(gan, one_of_K(y, gan.n_classes), z)


@dataclass(frozen=True)
class OfFew(Pictured):
    """The same on a few digits; which ones they are depends on the seed.

    Args:
        n: how many.
    """

    n: int = 100
    before: ClassVar[tuple[str, ...]] = ("frechet",)

    def data(self, seed: int) -> Images:
        return load_few("digits", self.n, seed=seed)

    def outcome(self, session: Session) -> dict[str, float]:
        """What D says of pictures, and what is to be seen in those of G.

        `knows`: share of the pairs in which D's logit at a training picture is above that at a real
        one that neither it nor the lab has seen; 0.5 without overfitting. `takes`: the same of
        unseen real ones and generated ones. `frechet`: distance from all test pictures. `trace`,
        `mirrored`: see `augmentation.judge`, the trace that is seen most. With ADA, see `goes_on`.
        """
        gan, real = session.gan, load_digits("test").x
        x_fake, unseen = make(gan, N_FRESH, seed=10**6), real[beyond_the_lab()]
        with torch.no_grad(), looking_at(gan.D):
            train, other, fake = (in_batches(gan.D, x) for x in (session.data.x, unseen, x_fake))
        features = [in_batches(load_classifier(16).features, x) for x in (x_fake, real)]
        ada = goes_on(gan.copy(), session.data) if session.experiment.ada else {}
        return ada | {
            "knows": above(train, other),
            "takes": above(other, fake),
            "frechet": float(frechet_distance(*features)),
            "trace": max(traced(x_fake, real, name) for name in LEAKY),
            "mirrored": mirrored(x_fake, real),
        }


def beyond_the_lab() -> Tensor:
    """Which test pictures the lab does not hold out, `[N_FRESH]`."""
    n = len(load_digits("test"))
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))  # as `augmenting` has it
    return order[N_HELD : N_HELD + N_FRESH]


def goes_on(gan: AugmentedGAN, data: Images) -> dict[str, float]:
    """How ADA does when a GAN is trained on: means over `N_ON` steps.

    `p`: its probability. `too_sure`: by how much its measure of overfitting is above what it is
    told to keep.
    """
    p, r_t = [], []
    for _ in range(N_ON):
        train_step(gan, data)
        p.append(gan.p)
        r_t.append(gan.r_t)
    return {"p": mean(p), "too_sure": mean(r_t) - gan.experiment.ada}


def above(a: Tensor, b: Tensor) -> float:
    """The share of the pairs in which a number of `a` is above one of `b`; 0.5 if all are alike."""
    return float((a[:, None] > b).float().mean())


def rows() -> Iterator[Pictured]:
    """All runs, the longest first."""

    def run(kind: type[Pictured], variant: str, expected: str, *args: Any, **more: Any) -> Pictured:
        return kind("diagnosis of pictures", variant, expected, *args, **more)

    few, told = partial(run, OfFew), partial(run, Told)
    projection = replace(CGAN, condition="projection")
    flips = replace(BOTH, transforms=("flip",))
    yield told("cGAN", "well_in_classes", CGAN, steps=2000)
    yield told("AC-GAN", "well_in_classes", ACGAN, steps=2000)
    yield few("50 digits", "by_heart", PLAIN, steps=1300, n=50)
    yield few("flips, p = 1", "mirrored", flips, steps=1200, n=5000)
    yield told("projection", "well_in_classes", projection, steps=1100)
    yield told("projection, no 9 asked for", "missing", projection, steps=1100, asked=NO_NINE)
    yield told("AC-GAN, no weight of L_c", "ignored", replace(ACGAN, class_weight=0.0), steps=900)
    yield few("real only", "leaking", replace(PLAIN, augment="real", transforms=LEAKY), steps=900)
    yield few("both", "well_with_few", replace(BOTH, transforms=LEAKY), steps=900)
    yield few("flips, p = 0.5", "well_with_few", replace(flips, p=0.5), steps=900, n=5000)
    yield few("ADA 0.6", "well_with_few", replace(BOTH, ada=0.6), steps=900, n=5000)
    yield few("ADA 0.05", "at_its_limit", replace(BOTH, ada=0.05), steps=900, n=50)
    yield run(Pictured, "convolutions", "well_in_pictures", CONVOLUTIONS, steps=1200)
    far = replace(CONVOLUTIONS, d_steps=20, lr_D=1e-2, lr_G=1e-5)
    yield run(Pictured, "convolutions, D far ahead", "overwhelmed", far, steps=175)
    yield run(Pictured, "perceptrons, D ahead", "narrow", DIGITS_AHEAD, steps=1700)
