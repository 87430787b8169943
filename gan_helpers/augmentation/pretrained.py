"""GANs that come with the notebooks, trained on a hundred digits, without transforms and with.

The weights are in the repository; data/train_few.py makes them, by `train`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gan_helpers.augmentation.training import Augmented, AugmentedGAN, train_step
from gan_helpers.checks import check_choice
from gan_helpers.datasets.images import Images, load_few
from gan_helpers.weights import read_gan, write_gan

SIZE = 16
SEED = 200  # the first of the evidence, study "copies"
STEPS = 4000
N = 100
KINDS = ("none", "both")
#: What the lab uses for pictures.
RECIPE = Augmented(network="conv", latent_dim=64, batch_size=32, beta1=0.5, beta2=0.999, ema=0.995)


def recipe(augment: str) -> Augmented:
    """What is trained, for each of `KINDS`."""
    return Augmented(**{**vars(RECIPE), "augment": check_choice("augment", augment, KINDS)})


def trained_on() -> Images:
    """The hundred digits that they were trained on."""
    return load_few("digits", N, SIZE, SEED)


def train(
    augment: str,
    steps: int = STEPS,
    bar: Callable[[range], Iterable[int]] = iter,
) -> AugmentedGAN:
    """A GAN by the recipe.

    Args:
        augment: one of `KINDS`.
        steps: of the training.
        bar: shows progress, e.g. `tqdm`.
    """
    data = trained_on()
    gan = AugmentedGAN(recipe(augment), data.event_shape, SEED)
    for _ in bar(range(steps)):
        train_step(gan, data)
    return gan


def file_name(augment: str) -> str:
    """The name of the weights."""
    return f"few_{check_choice('augment', augment, KINDS)}_{SIZE}.safetensors"


def save(gan: AugmentedGAN, folder: Path, about: dict[str, Any]) -> Path:
    """Write G, by its averaged weights, and D; `about` says how they were made."""
    return write_gan(folder / file_name(gan.experiment.augment), gan, about)


def load_few_gan(augment: str = "none", root: str | Path | None = None) -> AugmentedGAN:
    """A GAN trained on `trained_on()`; `train_step` can train it on.

    Args:
        augment: "none" or "both".
        root: the folder to look in; by default where the embedded data are.

    Raises:
        ValueError: if there is no such kind.
        FileNotFoundError, OSError: if the weights are missing or damaged; the message says how to
            get them back.
    """
    file = file_name(augment)
    gan = AugmentedGAN(recipe(augment), (1, SIZE, SIZE))
    read_gan(file, gan, root)
    return gan
