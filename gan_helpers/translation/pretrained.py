"""Translators that come with the notebooks: three pix2pix of shoes, two in colour, three CycleGANs.

The weights are in the repository; data/train_translators.py makes them, by `train`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gan_helpers.checks import check_choice
from gan_helpers.experiment import faded
from gan_helpers.translation import cyclegan, pix2pix
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.tasks import PAIRED, SIZE, UNPAIRED, Task, load_task
from gan_helpers.translation.training import Translation, Translator, TwoWorlds
from gan_helpers.weights import read_gan, write_weights

SEED = 200


@dataclass(frozen=True)
class Recipe:
    """How one of them is trained; the rates fall to 0 in the second half.

    Args:
        task: a name in `tasks.TASKS`.
        steps: of the training.
        channels: of the pictures in A and in B.
        size: edge of a picture.
        changes: settings that are not those of the task.
    """

    task: str
    steps: int
    channels: tuple[int, int] = (1, 1)
    size: int = SIZE
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def paired(self) -> bool:
        """Whether it is a pix2pix; else it is a CycleGAN."""
        return self.task in ("shoes", "colours", "maps")

    @property
    def experiment(self) -> Translation:
        """All settings."""
        return replace(PAIRED if self.paired else UNPAIRED, **self.changes)


LARGE: dict[str, Any] = {"n_strided": 2}  # at 64 x 64, D judges patches of 34
RECIPES = {
    "shoes": Recipe("shoes", 4000),
    "shoes_l1": Recipe("shoes", 4000, changes={"adversarial": 0.0}),
    "shoes_cgan": Recipe("shoes", 4000, changes={"l1": 0.0}),
    "colours": Recipe("colours", 4000, (1, 3)),
    "maps": Recipe("maps", 3000, (3, 3), 64, LARGE),
    "animals": Recipe("animals", 2500, (3, 3), 64, LARGE),
    "landscapes": Recipe("landscapes", 2000, (3, 3), 64, LARGE),
    "sneakers": Recipe("sneakers", 2500),
}


def make(recipe: Recipe, seed: int = SEED) -> Pix2Pix | CycleGAN:
    """The networks, not trained."""
    kind = Pix2Pix if recipe.paired else CycleGAN
    return kind(recipe.experiment, recipe.channels, seed)


def train(
    recipe: Recipe,
    task: Task | None = None,
    seed: int = SEED,
    bar: Callable[[range], Iterable[int]] = iter,
) -> Pix2Pix | CycleGAN:
    """A translator by the recipe.

    Args:
        recipe: one of `RECIPES`, or like them.
        task: what it learns; by default that of the recipe.
        seed: of the training.
        bar: shows progress, e.g. `tqdm`.
    """
    data = (task or load_task(recipe.task, recipe.size)).train
    gan = make(recipe, seed)
    train_falling(gan, data, recipe.steps, bar)
    return gan


def train_falling(
    gan: Pix2Pix | CycleGAN,
    data: TwoWorlds,
    steps: int,
    bar: Callable[[range], Iterable[int]] = iter,
) -> None:
    """Train with rates that fall to 0 in the second half; the settings are then as they were."""
    e, train_step = gan.experiment, step_of(gan)
    for step in bar(range(steps)):
        if step % 50 == 0:
            gan.configure(faded(e, step, steps))
        train_step(gan, data)
    gan.configure(e)


def step_of(gan: Translator) -> Callable[..., Any]:
    """The round of whichever game it is, `(gan, data) -> (loss_D, loss_G)`."""
    return pix2pix.train_step if isinstance(gan, Pix2Pix) else cyclegan.cycle_step


def file_name(name: str) -> str:
    """The name of the weights."""
    return f"{check_choice('name', name, RECIPES)}_translator.safetensors"


def save(gan: Pix2Pix | CycleGAN, name: str, folder: Path, about: dict[str, Any]) -> Path:
    """Write the weights, in half precision, and with them how they were made."""
    nets = {"G": copy.deepcopy(gan.G).half(), "D": copy.deepcopy(gan.D).half()}
    return write_weights(folder / file_name(name), nets, about)


def load_translator(name: str, root: str | Path | None = None) -> Pix2Pix | CycleGAN:
    """A trained translator; `train_step` can train it on.

    Args:
        name: "shoes" (cGAN and L1), "shoes_l1" and "shoes_cgan" (one loss alone), "colours"
            for 32 x 32, "maps" for 64 x 64: a `Pix2Pix`. "animals" and "landscapes" for 64 x 64,
            "sneakers" for 32 x 32: a `CycleGAN`.
        root: the folder to look in; by default where the embedded data are.

    Raises:
        ValueError: if there is no such translator.
        FileNotFoundError, OSError: if the weights are missing or damaged; the message says how to
            get them back.
    """
    file = file_name(name)
    gan = make(RECIPES[name])
    read_gan(file, gan, root)
    return gan
