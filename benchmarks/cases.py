"""What is measured: the games of the notebooks, each by our step and as others write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from benchmarks.reference import (
    ConditionalReference,
    CycleGANReference,
    Pix2PixReference,
    Reference,
)
from gan_helpers import training
from gan_helpers.conditional import training as conditional
from gan_helpers.conditional.training import Conditional, ConditionalGAN
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.pairs import Pairs
from gan_helpers.datasets.points import ring
from gan_helpers.experiment import Experiment
from gan_helpers.training import GAN
from gan_helpers.translation import cyclegan, pix2pix
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.networks import PAPER_UNET
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.tasks import PAIRED, UNPAIRED

#: The networks of 12.4.1's digits; without the average of G's weights, which the others lack.
DIGITS: dict[str, Any] = {
    "network": "conv",
    "latent_dim": 64,
    "width": 64,
    "batch_size": 32,
    "beta1": 0.5,
    "beta2": 0.999,
}
#: Isola et al. (2017): the networks, at 256 x 256, in mixed precision.
PAPER = replace(
    PAIRED,
    **PAPER_UNET,
    width_D=64,
    n_strided=3,
    norm_D="instance",
    batch_size=4,
    mixed_precision=True,
)
Step = Callable[[], object]


class Case(NamedTuple):
    """A game that both play."""

    name: str
    make: Callable[[str], tuple[Step, Step]]  # a device -> our step, and the others'
    low: float = 0.0  # how many times faster ours has to be, on one core


def points(batch: int, width: int, low: float = 0.0) -> Case:
    """The ring, two hidden layers, against PyTorch's DCGAN tutorial."""

    def make(device: str) -> tuple[Step, Step]:
        data: Any = ring().to(device)
        e = Experiment(batch_size=batch, width=width, depth=2)
        return both(GAN(e, data.event_shape, device=device), data, training.train_step, Reference)

    return Case(f"points, {batch} / {width}", make, low)


def digits(size: int, batch: int) -> Case:
    """DCGAN, against PyTorch's tutorial."""

    def make(device: str) -> tuple[Step, Step]:
        data = noise(1, size, device)
        gan = GAN(Experiment(**{**DIGITS, "batch_size": batch}), data.event_shape, device=device)
        return both(gan, data, training.train_step, Reference)

    return Case(f"DCGAN {size} x {size}, {batch}", make)


def classes(size: int, batch: int) -> Case:
    """A cGAN, in the same manner."""

    def make(device: str) -> tuple[Step, Step]:
        data = noise(1, size, device)
        e = Conditional(**{**DIGITS, "batch_size": batch}, condition="cgan")
        gan = ConditionalGAN(e, data.event_shape, device=device, n_classes=10)
        return both(gan, data, conditional.train_step, ConditionalReference)

    return Case(f"cGAN {size} x {size}, {batch}", make)


def pairs(size: int, e: pix2pix.Translation = PAIRED) -> Case:
    """pix2pix, against its authors' code."""

    def make(device: str) -> tuple[Step, Step]:
        data = worlds(size, device)
        gan = Pix2Pix(e, (3, 3), device=device)
        return both(gan, data, pix2pix.train_step, Pix2PixReference)

    return Case(f"pix2pix {size} x {size}, {e.batch_size}", make)


def heaps(size: int) -> Case:
    """CycleGAN, against its authors' code."""

    def make(device: str) -> tuple[Step, Step]:
        data = worlds(size, device)
        gan = CycleGAN(UNPAIRED, (3, 3), device=device)
        return both(gan, data, cyclegan.cycle_step, CycleGANReference)

    return Case(f"CycleGAN {size} x {size}, {UNPAIRED.batch_size}", make)


def both(gan: Any, data: Any, step: Callable[..., Any], reference: Any) -> tuple[Step, Step]:
    """Our step with both losses read, as the lab does, and the others' of the same GAN."""
    theirs = reference(gan)

    def ours() -> None:
        loss_D, loss_G = step(gan, data)
        loss_D.item(), loss_G.item()

    return ours, lambda: theirs.step(data)


def noise(channels: int, size: int, device: str) -> Images:
    """Pictures of nothing, in ten classes: what they show costs no time."""
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(200, channels, size, size, generator=rng) * 2 - 1
    return Images("noise", x, torch.arange(200) % 10).to(device)


def worlds(size: int, device: str) -> Pairs:
    """Two heaps of pictures of nothing."""
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 32, 3, size, size, generator=rng) * 2 - 1).to(device)
    return Pairs("noise", a, b)


#: All sizes of the notebooks.
CASES = (
    points(64, 32, low=1.7),
    points(128, 64),
    points(256, 128),
    digits(16, 32),
    digits(28, 64),
    classes(16, 32),
    classes(28, 64),
    pairs(32),
    pairs(64),
    heaps(32),
)
ON_A_GPU = (*CASES, pairs(256, PAPER))
