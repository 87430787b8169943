"""The runs behind 12.4.6: GANs on few pictures, with and without transforms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.judge import FewJudge, copied, make, mirrored, traced
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.classifier import in_batches, load_classifier
from gan_helpers.datasets.images import load_few, load_mnist
from gan_helpers.datasets.scenes import draw_few
from gan_helpers.evidence.judging import SEEDS, Row
from gan_helpers.metrics import precision_and_recall

FIVE, TEN = SEEDS[:5], SEEDS[:10]  # pictures take their time
MARKS = tuple(range(500, 4001, 500))  # steps at which it is looked at
N_JUDGED = 5000  # generated pictures, beside all 10,000 test pictures
N_TRACED = 2000  # of them, whose traces are counted
LEAKY = ("brightness", "translate")  # transforms whose traces can be counted
COLOURS = ("rotate", "saturation", "contrast")
COLOUR_TRACES = ("saturation", "rotate", "corner")
N_SCENES = 3000  # real ones, beside which traces are counted

load_test = cache(lambda: load_mnist("test", size=16))


#: What the lab uses for pictures.
PLAIN = Augmented(network="conv", latent_dim=64, batch_size=32, beta1=0.5, beta2=0.999, ema=0.995)
BOTH = replace(PLAIN, augment="both")


@dataclass(frozen=True)
class Few(Row):
    """GANs on a few digits of 16 x 16, judged on the way.

    Each quantity of `FewReport` after n steps is called `quantity_n`; `p_n` is ADA's probability.
    `trace_brightness`, `trace_translate`: see `augmentation.judge.traced`, at the end.

    Args:
        n: pictures to train on; which ones they are depends on the seed.
        experiment: what is trained.
        marks: steps at which the GANs are judged; the last is the end.
        seeds: of the pictures, weights and noise.
    """

    n: int = 100
    experiment: Augmented = PLAIN
    marks: tuple[int, ...] = MARKS
    seeds: tuple[int, ...] = FIVE

    def measure(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            data = load_few("digits", self.n, seed=seed)
            judge = FewJudge(load_classifier(16), data, load_test(), N_JUDGED)
            gan = AugmentedGAN(self.experiment, data.event_shape, seed)
            values: dict[str, float] = {}
            for step in range(1, self.marks[-1] + 1):
                augmented.train_step(gan, data)
                if step in self.marks:
                    now = judge(gan).numbers() | {"p": gan.p} | self.closer(judge, gan, seed)
                    values |= {f"{name}_{step}": value for name, value in now.items()}
            for name, value in (values | self.traces(make(gan, N_TRACED))).items():
                found.setdefault(name, []).append(value)
        return found

    def traces(self, x: Tensor) -> dict[str, float]:
        """What of the transforms is to be seen in generated pictures."""
        return {f"trace_{name}": traced(x, load_test().x, name) for name in LEAKY}

    def closer(self, judge: FewJudge, gan: AugmentedGAN, seed: int) -> dict[str, float]:
        """What else is asked of it now and then; nothing here."""
        return {}


@dataclass(frozen=True)
class Mirror(Few):
    """The same with flips; `mirrored`: see `augmentation.judge`, at the end."""

    def traces(self, x: Tensor) -> dict[str, float]:
        return {"mirrored": mirrored(x, load_test().x)}


@dataclass(frozen=True)
class Copies(Few):
    """The same, asked for copies: `precision_n`, `recall_n`, `copied_n` of `CopyReport`."""

    def closer(self, judge: FewJudge, gan: AugmentedGAN, seed: int) -> dict[str, float]:
        return judge.copies(gan, load_few("digits", self.n, seed=seed, split="test")).numbers()


@dataclass(frozen=True)
class RealCopies(Row):
    """The same of real digits in the place of generated ones: where nothing is copied.

    Args:
        n: as many training pictures, and as many others.
        seeds: of the pictures.
    """

    n: int = 100
    seeds: tuple[int, ...] = TEN

    def measure(self) -> dict[str, list[float]]:
        features = load_classifier(16).features
        found: dict[str, list[float]] = {"precision": [], "recall": [], "copied": []}
        for seed in self.seeds:
            train, other = (
                load_few("digits", self.n, seed=seed, split=s) for s in ("train", "test")
            )
            x = load_mnist("train", size=16).sample(N_JUDGED, torch.Generator().manual_seed(seed))
            order = torch.randperm(len(load_test()), generator=torch.Generator().manual_seed(0))
            real = in_batches(features, load_test().x[order[:N_JUDGED]])
            precision, recall = precision_and_recall(real, in_batches(features, x))
            values = (float(precision), float(recall), copied(x, train.x, other.x))
            for name, value in zip(found, values, strict=True):
                found[name].append(value)
        return found


@dataclass(frozen=True)
class Scenery(Row):
    """GANs on a few landscapes in summer, in colour; `trace_…` at the end, see `traced`.

    Args:
        experiment: what is trained.
        n: pictures to train on; which ones they are depends on the seed.
        steps: of training.
        seeds: of the pictures, weights and noise.
    """

    experiment: Augmented
    n: int = 100
    steps: int = 1000
    seeds: tuple[int, ...] = TEN

    def measure(self) -> dict[str, list[float]]:
        real = draw_few("landscapes", N_SCENES, seed=0).x
        found: dict[str, list[float]] = {f"trace_{name}": [] for name in COLOUR_TRACES}
        for seed in self.seeds:
            data = draw_few("landscapes", self.n, seed=seed)
            gan = AugmentedGAN(self.experiment, data.event_shape, seed)
            for _ in range(self.steps):
                augmented.train_step(gan, data)
            x = make(gan, N_TRACED)
            for name in COLOUR_TRACES:
                found[f"trace_{name}"].append(traced(x, real, name))
        return found


def rows() -> Iterator[Row]:
    """All runs, the longest first."""
    for target in (0.6, 0.3):
        yield Few("few ways", f"ADA {target}", experiment=replace(BOTH, ada=target))
    yield Few("few ways", "consistency", experiment=replace(PLAIN, consistency=10.0))
    yield Few("few ways", "both", experiment=BOTH)
    yield Few("few both", "5000", 5000, BOTH)
    yield Few("few ways", "real only", experiment=replace(PLAIN, augment="real"))
    for n in (50, 100, 500, 5000):
        yield Few("few none", f"{n}", n)
    for way, words in (("both", "both"), ("real", "real only")):
        yield Few("leak", words, experiment=replace(PLAIN, augment=way, transforms=LEAKY))
    yield Mirror("mirror", "nothing", marks=(1000, 2000))
    for p in (1.0, 0.5):
        flips = replace(BOTH, transforms=("flip",), p=p)
        yield Mirror("mirror", f"both, p = {p:g}", experiment=flips, marks=(1000, 2000))
    for name, experiment in (("none", PLAIN), ("both", BOTH)):
        yield Copies("copies", name, 100, experiment, (500, 1000, 2000, 4000), TEN)
    yield RealCopies("copies", "real digits")
    small = replace(PLAIN, width=32, transforms=COLOURS)
    for way, words in (("none", "none"), ("real", "real only"), ("both", "both")):
        yield Scenery("few landscapes", words, replace(small, augment=way))
