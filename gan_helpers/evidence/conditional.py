"""The runs behind 12.4.4: do conditional GANs make what was asked for, and how varied is it?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gan_helpers import training
from gan_helpers.classifier import in_batches, load_classifier
from gan_helpers.conditional import pretrained
from gan_helpers.conditional.judge import ClassJudge
from gan_helpers.conditional.training import (
    Conditional,
    ConditionalGAN,
    LabelledData,
    draw_batch,
    train_step,
)
from gan_helpers.datasets.images import load_mnist
from gan_helpers.datasets.points import Mixture, ring
from gan_helpers.evidence.judging import SEEDS, Row
from gan_helpers.experiment import Experiment
from gan_helpers.losses import discriminator_cross_entropy
from gan_helpers.metrics import frechet_distance
from gan_helpers.training import GAN

TEN = SEEDS[:10]  # pictures take their time
LOOKED_AT = ("agreement", "spread")
PER_CLASS = 500  # generated pictures that are judged; all test pictures stand beside them
MARKS = (250, 500, 1000, 2000, 3000, 4000, 5000)  # steps at which it is looked at
SHORT = MARKS[:4]
#: What the lab uses for pictures in class mode.
CGAN = replace(pretrained.recipe("cgan"), ema=0.995, beta1=0.0)
ACGAN = replace(CGAN, condition="acgan")
PLAIN = Experiment()  # points, without a condition
AS_PRINTED = replace(ACGAN, loss="saturating")  # G, too, by the L_s of (12.31)


@dataclass(frozen=True)
class Marked(Row):
    """Conditional GANs that are judged on the way.

    Args:
        experiment: what is trained.
        marks: steps at which the GANs are judged; the last is the end.
        seeds: of weights, noise and data.
    """

    experiment: Conditional = CGAN
    marks: tuple[int, ...] = MARKS
    seeds: tuple[int, ...] = TEN

    @abstractmethod
    def set_up(self) -> tuple[LabelledData, Callable[[ConditionalGAN], dict[str, float]]]:
        """The data, and what is measured of a GAN."""

    def measure(self) -> dict[str, list[float]]:
        """Each quantity of `set_up` after n steps, as `quantity_n`, for each of the marks."""
        data, judged = self.set_up()
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            gan = ConditionalGAN.for_data(self.experiment, data, seed)
            for step in range(1, self.marks[-1] + 1):
                train_step(gan, data)
                if step in self.marks:
                    for name, value in judged(gan).items():
                        found.setdefault(f"{name}_{step}", []).append(value)
        return found


@dataclass(frozen=True)
class Digits(Marked):
    """Digits of 16 x 16: `agreement`, `variety` and `frechet` beside the test pictures."""

    def set_up(self) -> tuple[LabelledData, Callable[[ConditionalGAN], dict[str, float]]]:
        judge = ClassJudge(load_classifier(16), load_mnist("test", size=16), PER_CLASS)
        return load_mnist("train", size=16), lambda gan: judge(gan).numbers()


@dataclass(frozen=True)
class Points(Marked):
    """The ring of 8, whose classes are its modes.

    `agreement` is the share of the samples within 3 standard deviations of the mode asked for,
    `spread` their standard deviation, relative to that of the mode; means over all classes.
    """

    def set_up(self) -> tuple[LabelledData, Callable[[ConditionalGAN], dict[str, float]]]:
        return ring(), partial(at_the_mode, ring())


@dataclass(frozen=True)
class Alone(Row):
    """The control of `Points`: a GAN without condition, and one mode of the ring for its data.

    Args:
        experiment: what is trained.
        marks: steps at which it is looked at; the last is the end.
        seeds: of weights, noise and data; the mode is that of the seed's remainder.
    """

    experiment: Experiment = PLAIN
    marks: tuple[int, ...] = (1000, 3000)
    seeds: tuple[int, ...] = TEN

    def measure(self) -> dict[str, list[float]]:
        """`agreement_n` and `spread_n` after n steps, as those of `Points`."""
        data = ring()
        found: dict[str, list[float]] = {f"{q}_{n}": [] for n in self.marks for q in LOOKED_AT}
        for seed in self.seeds:
            one = data.of_class(seed % data.n_classes)
            gan = GAN(self.experiment, data.event_shape, seed)
            for step in range(1, self.marks[-1] + 1):
                training.train_step(gan, one)
                if step in self.marks:
                    z = gan.sample_z(PER_CLASS, torch.Generator().manual_seed(1))
                    for name, value in beside(one, gan.sample(z)[None]).items():
                        found[f"{name}_{step}"].append(value)
        return found


@dataclass(frozen=True)
class Shipped(Row):
    """What data/train_conditional.py makes, for other seeds as well.

    Args:
        condition: one of `pretrained.KINDS`.
        steps: of the training.
        seeds: the first one is that of the weights that are shipped.
        experiment: the recipe.
    """

    condition: str = "cgan"
    steps: int = pretrained.STEPS
    seeds: tuple[int, ...] = SEEDS[:3]
    experiment: Experiment = pretrained.RECIPE

    def measure(self) -> dict[str, list[float]]:
        """`agreement`, `variety` and `frechet` beside the test pictures."""
        data = load_mnist("train", size=pretrained.SIZE)
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            gan = pretrained.train(self.condition, data, seed, self.steps)
            for name, value in pretrained.judge(gan).numbers().items():
                found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True)
class Signs(Row):
    """How one small step of D, or of G, moves both terms of an AC-GAN on the same minibatch.

    Args:
        experiment: what is trained.
        steps: of the training before.
        rate: what the gradient is multiplied by.
        seeds: of weights, noise and data.
    """

    experiment: Conditional = AS_PRINTED
    steps: int = 300
    rate: float = 1e-3
    seeds: tuple[int, ...] = TEN

    def measure(self) -> dict[str, list[float]]:
        """`D_L_s`, `D_L_c`, `G_L_s`, `G_L_c`: by how much that player's step raised that term."""
        data = load_mnist("train", size=16)
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            gan = ConditionalGAN.for_data(self.experiment, data, seed)
            for _ in range(self.steps):
                train_step(gan, data)
            batch = draw_batch(gan, data)
            for player, sign in (("D", -1), ("G", +1)):  # D lowers L_c - L_s, G lowers L_c + L_s
                moved = gan.copy()
                before = terms(moved, *batch)
                weights = list(getattr(moved, player).parameters())
                gradients = torch.autograd.grad(before["L_c"] + sign * before["L_s"], weights)
                with torch.no_grad():
                    for w, g in zip(weights, gradients, strict=True):
                        w -= self.rate * g
                    after = terms(moved, *batch)
                for term, value in after.items():
                    found.setdefault(f"{player}_{term}", []).append(
                        float((value - before[term]).detach())
                    )
        return found


def terms(gan: ConditionalGAN, x_real: Tensor, y: Tensor, z: Tensor) -> dict[str, Tensor]:
    """L_s of (12.31) and L_c, over real and generated samples."""
    (d_real, c_real), (d_fake, c_fake) = gan.D(x_real), gan.D(gan.G(z, y))
    L_c = cross_entropy(c_real, y) + cross_entropy(c_fake, y)
    return {"L_s": -discriminator_cross_entropy(d_real, d_fake), "L_c": L_c}


@dataclass(frozen=True)
class RealDigits(Row):
    """How far real digits are from real ones: training pictures from all test pictures.

    Args:
        size: of a picture.
        n: training pictures.
        seeds: by which they are drawn.
    """

    size: int = pretrained.SIZE
    n: int = 5000
    seeds: tuple[int, ...] = TEN

    def measure(self) -> dict[str, list[float]]:
        """`frechet`: the distance between their features."""
        features = load_classifier(self.size).features
        real = in_batches(features, load_mnist("test", self.size).x)
        data = load_mnist("train", self.size)
        drawn = [data.sample(self.n, torch.Generator().manual_seed(seed)) for seed in self.seeds]
        return {"frechet": [float(frechet_distance(in_batches(features, x), real)) for x in drawn]}


def at_the_mode(data: Mixture, gan: ConditionalGAN) -> dict[str, float]:
    """See `Points`."""
    y = torch.arange(data.n_classes).repeat_interleave(PER_CLASS)  # (N,)
    z = gan.sample_z(len(y), torch.Generator().manual_seed(1))
    return beside(data, gan.sample(z, y).view(data.n_classes, PER_CLASS, data.dim))


def beside(data: Mixture, x: Tensor) -> dict[str, float]:
    """`agreement` and `spread` of samples `[K, N, d]` that are meant to be of these K modes."""
    near = (x - data.means[:, None]).norm(dim=-1) <= 3 * data.stds[:, None]
    spread = x.std(1) / data.stds[:, None]  # (K, 2)
    return {"agreement": float(near.float().mean()), "spread": float(spread.mean())}


def rows() -> Iterator[Row]:
    """All runs, the longest first."""
    for kind in pretrained.KINDS:
        yield Shipped("shipped", kind, kind)
    yield Digits("classes", "cGAN", CGAN)
    yield Digits("classes", "AC-GAN", ACGAN)
    yield Digits("classes", "projection", replace(CGAN, condition="projection"), SHORT)
    yield Digits("classes", "AC-GAN, L_c on real", replace(ACGAN, class_on_fake=False), SHORT)
    for weight in (0.1, 0.3, 1.0, 3.0, 10.0):
        weighted = replace(ACGAN, class_weight=weight, beta1=0.5)
        yield Digits("class weight", f"{weight:g}", weighted, SHORT)
    yield Signs("signs", "AC-GAN")
    yield RealDigits("real digits", "28 x 28")
    yield Points("class ring", "cGAN", Conditional(condition="cgan"), (1000, 3000))
    yield Alone("class ring", "one mode, no condition")
