"""The runs behind 12.4.5: what each loss of pix2pix and of CycleGAN does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from gan_helpers.classifier import in_batches
from gan_helpers.datasets.pairs import Pairs
from gan_helpers.datasets.scenes import draw_scenes
from gan_helpers.evidence.judging import SEEDS, Row, correlation
from gan_helpers.translation import cyclegan
from gan_helpers.translation.clouds import (
    POINTS,
    PointCycleGAN,
    matching,
    one_to_one,
    returned,
    ring_and_rows,
)
from gan_helpers.translation.judge import cycle_error, hidden_pair_error, judge_translation
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.pretrained import train_falling
from gan_helpers.translation.tasks import (
    PAIRED,
    UNPAIRED,
    Task,
    load_task,
    shoe_features,
    shoe_textures,
)
from gan_helpers.translation.training import Translation

TEN, THREE = SEEDS[:10], SEEDS[:3]  # pictures take their time
NOISE = 0.3  # standard deviation of what disturbs a translation on its way back

load_once = cache(load_task)


@dataclass(frozen=True)
class Shoes(Row):
    """pix2pix from line drawings to shoes: `error`, `sharpness`, `frechet` on the test set.

    `texture` is the Frechet distance of textures, see `tasks.shoe_textures`.

    Args:
        experiment: what is trained.
        steps: the rates fall to 0 in the second half of them.
        seeds: of weights and minibatches.
    """

    experiment: Translation = PAIRED
    steps: int = 2000
    seeds: tuple[int, ...] = THREE

    def measure(self) -> dict[str, list[float]]:
        task = load_once("shoes")
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            assert isinstance(task.test, Pairs)
            gan = Pix2Pix(self.experiment, task.channels, seed)
            train_falling(gan, task.train, self.steps)
            report = judge_translation(gan.translate, task.test, shoe_features)
            texture = judge_translation(gan.translate, task.test, shoe_textures).frechet
            for name, value in (report.numbers() | {"texture": texture}).items():
                found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True)
class Scenes(Row):
    """CycleGAN on animals or landscapes, whose hidden answers it is never shown. See `measured`."""

    world: str = "animals"
    experiment: Translation = UNPAIRED
    steps: int = 600
    seeds: tuple[int, ...] = THREE

    def measure(self) -> dict[str, list[float]]:
        task = load_once(self.world)
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            gan = cyclegan.CycleGAN(self.experiment, task.channels, seed)
            for _ in range(self.steps):
                cyclegan.cycle_step(gan, task.train)
            for name, value in measured(gan, task).items():
                found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True)
class Matching(Row):
    """CycleGAN from eight blobs on a ring to eight in two rows.

    `one_to_one`: see `clouds`; `returned`: the share of points that come back to their own blob.
    """

    experiment: Translation = POINTS
    steps: int = 1000
    seeds: tuple[int, ...] = TEN

    def measure(self) -> dict[str, list[float]]:
        data, gans = ring_and_rows(), []
        for seed in self.seeds:
            gans.append(PointCycleGAN(self.experiment, seed=seed))
            for _ in range(self.steps):
                cyclegan.cycle_step(gans[-1], data)
        return {
            "one_to_one": [one_to_one(matching(gan, data)) for gan in gans],
            "returned": [returned(gan, data) for gan in gans],
        }


def measured(gan: cyclegan.CycleGAN, task: Task) -> dict[str, float]:
    """How well pictures come back, how close they are to the hidden answers, how much they differ.

    `cycle`, `hidden`: see `cycle_error` and `hidden_pair_error`.
    `variety`: the spread of the pictures made of A, pixel by pixel, over that of real B.
    `pattern`: how well the inside of the subject in B, e.g. the stripes, is there again after
    B -> A -> B, as `likeness`; `pattern_noisy`: with noise on A; `pattern_honest`: from the hidden
    answer, a picture of A that has never seen B.
    """
    test = task.test
    assert isinstance(test, Pairs)
    made, back = in_batches(gan.to_b, test.a, 50), in_batches(gan.to_a, test.b, 50)
    noise = torch.empty(back.shape).normal_(0, NOISE, generator=torch.Generator().manual_seed(0))
    again, again_noisy = (in_batches(gan.to_b, x, 50) for x in (back, back + noise))
    return {
        "cycle": cycle_error(gan, test),
        "hidden": hidden_pair_error(gan, test),
        "variety": float(made.std(0).mean() / test.b.std(0).mean()),
        "pattern": likeness(again, task),
        "pattern_noisy": likeness(again_noisy, task),
        "pattern_honest": likeness(made, task),
    }


def likeness(x: Tensor, task: Task) -> float:
    """The correlation of grey levels with those of B, inside of the subject; mean over pictures."""
    b = task.test.b
    inside = draw_scenes(task.name, 0, len(b), b.shape[-1], seed=1)[2][:, 0] > 0.9  # (N, H, W)
    grey, grey_b = x.mean(1), b.mean(1)  # (N, H, W)
    each = [correlation(p[m], q[m]) for p, q, m in zip(grey, grey_b, inside, strict=True)]
    return sum(each) / len(each)


def rows() -> Iterator[Row]:
    """All runs, the longest first."""
    resnet = replace(UNPAIRED, generator="resnet", width=8, depth=2)
    for name, experiment in (
        ("L1 alone", replace(PAIRED, adversarial=0.0)),
        ("cGAN + 10 L1", PAIRED),
    ):
        yield Shoes("shoes longer", name, experiment, steps=4000)
    yield Scenes("cycle", "ResNet", experiment=resnet)
    yield Scenes("cycle", "ResNet, no cycle", experiment=replace(resnet, cycle=0.0))
    yield Scenes("cycle", "U-Net", experiment=UNPAIRED)
    yield Scenes("cycle", "no identity loss", experiment=replace(UNPAIRED, identity=0.0))
    yield Scenes("cycle", "no GAN", experiment=replace(UNPAIRED, adversarial=0.0))
    yield Scenes("cycle", "no cycle", experiment=replace(UNPAIRED, cycle=0.0))
    yield Scenes("landscapes", "U-Net", "landscapes")
    yield Scenes("landscapes", "no cycle", "landscapes", replace(UNPAIRED, cycle=0.0))
    yield Shoes("shoes", "L1 alone", replace(PAIRED, adversarial=0.0))
    yield Shoes("shoes", "cGAN alone", replace(PAIRED, l1=0.0))
    for weight in (1.0, 10.0, 100.0):
        yield Shoes("shoes", f"cGAN + {weight:g} L1", replace(PAIRED, l1=weight))
    # What takes part by default is taken out.
    blind = replace(PAIRED, conditional=False)
    yield Shoes("without", "D without a: GAN alone", replace(blind, l1=0.0))
    yield Shoes("without", "D without a: GAN + 10 L1", blind)
    straight = replace(PAIRED, skips=False)
    yield Shoes("without", "no skips: L1 alone", replace(straight, adversarial=0.0))
    yield Shoes("without", "no skips: cGAN + 10 L1", straight)
    yield Matching("matching", "cycle")
    yield Matching("matching", "no cycle", replace(POINTS, cycle=0.0))
