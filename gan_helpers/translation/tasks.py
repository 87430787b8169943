"""The translations of 12.4.5: from what to what, and the settings that suit each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from gan_helpers.checks import check_choice, check_floats, check_is, check_text
from gan_helpers.classifier import load_classifier
from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.datasets.photos import load_photo_patches
from gan_helpers.datasets.scenes import draw_pairs, draw_unpaired
from gan_helpers.datasets.shoes import load_footwear, load_shoes_unpaired
from gan_helpers.translation.training import Translation

SIZE = 32  # edge of a picture where nothing else is said
N_SCENES = 2000  # of a world of scenes, to train on
N_TEST = 200  # scenes to test on, of another seed

#: Found on seeds 100 to 104. Without normalization a deep U-Net may fall into a constant picture.
PAIRED = Translation(norm="instance", depth=3, batch_size=16, lr_G=1e-3, lr_D=1e-3, width_D=8)
UNPAIRED = replace(
    PAIRED, loss="least_squares", batch_size=8, lr_D=5e-4, width_D=16, norm_D="instance"
)


@dataclass(frozen=True)
class Task:
    """Pictures to learn from, and others to be looked at.

    Args:
        name: what the reader sees.
        train: `Pairs` are learned by pix2pix, `Unpaired` heaps by CycleGAN.
        test: pictures of the same two worlds; for CycleGAN, `Pairs` are answers it is never shown.
        experiment: settings that suit it.

    Raises:
        TypeError: if a field is of another kind.
        ValueError: if the pictures to be looked at have other channels.
    """

    name: str
    train: Pairs | Unpaired
    test: Pairs | Unpaired
    experiment: Translation = field(default_factory=Translation)

    def __post_init__(self) -> None:
        check_text("name", self.name)
        for name in ("train", "test"):
            check_is(name, getattr(self, name), (Pairs, Unpaired), "Pairs or Unpaired")
        check_is("experiment", self.experiment, Translation, "a Translation, e.g. Translation()")
        if isinstance(self.train, Pairs) and not isinstance(self.test, Pairs):
            raise TypeError("test has to be Pairs, where train is: pix2pix is told the answers.")

    def sample(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` pictures of each to learn from: a `[n, C_a, H, W]`, b `[n, C_b, H, W]`."""
        return self.train.sample(n, rng)

    def to(self, device: str | torch.device) -> Task:
        """The same task on another device; a ValueError if there is no such device here."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))

    @property
    def paired(self) -> bool:
        """Whether training is told the answers."""
        return isinstance(self.train, Pairs)

    @property
    def channels(self) -> tuple[int, int]:
        """Of the pictures in A and in B."""
        return self.train.a.shape[1], self.train.b.shape[1]


def shoes(size: int) -> Task:
    """Line drawings and the shoes they were drawn from."""
    return Task("shoes", load_footwear("train", size), load_footwear("test", size), PAIRED)


def colours(size: int) -> Task:
    """Photographs without and with their colours."""
    train, test = (load_photo_patches(split, size) for split in ("train", "test"))
    return Task("colours", train, test, PAIRED)


def scenes(size: int, kind: str) -> Task:
    """Maps in pairs; animals and landscapes without, with hidden answers to test by."""
    test = draw_pairs(kind, N_TEST, size, seed=1)
    if kind == "maps":
        return Task(kind, draw_pairs(kind, N_SCENES, size), test, PAIRED)
    return Task(kind, draw_unpaired(kind, N_SCENES, size), test, UNPAIRED)


def sneakers(size: int) -> Task:
    """Sneakers and ankle boots: two heaps without any answers."""
    train, test = (load_shoes_unpaired(split, size) for split in ("train", "test"))
    return Task("sneakers", train, test, UNPAIRED)


#: Name -> task, for pictures of a given edge. The first three come in pairs.
TASKS: dict[str, Callable[[int], Task]] = {
    "shoes": shoes,
    "colours": colours,
    "maps": partial(scenes, kind="maps"),
    "animals": partial(scenes, kind="animals"),
    "landscapes": partial(scenes, kind="landscapes"),
    "sneakers": sneakers,
}


def load_task(name: str, size: int = SIZE) -> Task:
    """One of `TASKS`.

    Args:
        name: "shoes", "colours", "maps" (pairs), "animals", "landscapes", "sneakers" (no pairs).
        size: edge of a picture: 28 or 32 for shoes and sneakers, 16 to 64 for all others.

    Raises:
        ValueError: if there is no such task or size.
    """
    return TASKS[check_choice("task", name, TASKS)](size)


def shoe_features(x: Tensor) -> Tensor:
    """What a classifier of clothes sees in shoes of 32 x 32, whose border is empty: `[N, F]`.

    NaN where x is.
    """
    check_floats("x", x, "[N, 1, 32, 32]", finite=False)
    return load_classifier(28, dataset="fashion").features(x[..., 2:-2, 2:-2].contiguous())


def shoe_textures(x: Tensor) -> Tensor:
    """What its convolutions see in them, wherever it is; see `DigitClassifier.textures`."""
    check_floats("x", x, "[N, 1, 32, 32]", finite=False)
    return load_classifier(28, dataset="fashion").textures(x[..., 2:-2, 2:-2].contiguous())
