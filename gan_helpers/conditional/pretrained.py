"""Conditional GANs that come with the notebooks, trained on MNIST at 28 x 28.

The weights are in the repository; data/train_conditional.py makes them, by `train`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gan_helpers.checks import check_choice
from gan_helpers.classifier import load_classifier
from gan_helpers.conditional.judge import ClassJudge, ClassReport
from gan_helpers.conditional.training import Conditional, ConditionalGAN, LabelledData, train_step
from gan_helpers.datasets.images import load_mnist
from gan_helpers.experiment import Experiment, faded
from gan_helpers.weights import read_gan, write_gan

SIZE = 28
SEED = 200
STEPS = 18_000
KINDS = ("cgan", "acgan")
#: The rates fall to 0 in the second half of the training.
RECIPE = Experiment(
    network="conv",
    latent_dim=64,
    batch_size=32,
    lr_D=1e-3,
    lr_G=2e-3,
    beta2=0.999,
    ema=0.998,
)


def recipe(condition: str) -> Conditional:
    """What is trained, for each of `KINDS`."""
    return Conditional(**vars(RECIPE), condition=condition)


def train(
    condition: str,
    data: LabelledData,
    seed: int = SEED,
    steps: int = STEPS,
    bar: Callable[[range], Iterable[int]] = iter,
) -> ConditionalGAN:
    """A conditional GAN by the recipe.

    Args:
        condition: one of `KINDS`.
        data: what it is trained on.
        seed, steps: of the training.
        bar: shows progress, e.g. `tqdm`.
    """
    experiment = recipe(condition)
    gan = ConditionalGAN.for_data(experiment, data, seed)
    for step in bar(range(steps)):
        if step % 50 == 0:
            gan.configure(faded(experiment, step, steps))
        train_step(gan, data)
    gan.configure(experiment)
    return gan


def judge(gan: ConditionalGAN, per_class: int = 500) -> ClassReport:
    """How well it does what it is told, beside the test pictures of MNIST."""
    size = gan.event_shape[-1]
    return ClassJudge(load_classifier(size), load_mnist("test", size), per_class)(gan)


def file_name(condition: str) -> str:
    """The name of the weights."""
    return f"{check_choice('condition', condition, KINDS)}_{SIZE}.safetensors"


def save(gan: ConditionalGAN, folder: Path, about: dict[str, Any]) -> Path:
    """Write G, by its averaged weights, and D; `about` says how they were made."""
    if gan.event_shape != (1, SIZE, SIZE):
        raise ValueError(f"pictures of shape {gan.event_shape}; only those of {SIZE} x {SIZE}.")
    return write_gan(folder / file_name(gan.experiment.condition), gan, about)


def load_pretrained(condition: str = "cgan", root: str | Path | None = None) -> ConditionalGAN:
    """A trained conditional GAN for digits of 28 x 28; `train_step` can train it on.

    Args:
        condition: "cgan" or "acgan".
        root: the folder to look in; by default where the embedded data are.

    Raises:
        ValueError: if there is no such kind.
        FileNotFoundError, OSError: if the weights are missing or damaged; the message says how to
            get them back.
    """
    file = file_name(condition)
    gan = ConditionalGAN(recipe(condition), (1, SIZE, SIZE))
    read_gan(file, gan, root)
    return gan
