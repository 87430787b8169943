"""The runs behind the end of 12.4.2: a loss of pairs, R1 and R2, on points and stacked digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gan_helpers.classifier import classify, load_classifier
from gan_helpers.datasets.images import load_mnist
from gan_helpers.evidence.difficulties import Run
from gan_helpers.evidence.judging import SEEDS, Row
from gan_helpers.experiment import Experiment
from gan_helpers.remedies import ILLNESSES
from gan_helpers.training import GAN, train_step

SURE = 0.9  # confidence from which on a picture of a digit counts as good
N_STACKED = 2600  # samples for 100 modes; the papers take 26,000 for 1,000

#: What is compared: each loss alone, with R1, and with R1 and R2 of the same weight.
GAMES: dict[str, tuple[str, ...]] = {"alone": (), "R1": ("r1",), "R1 + R2": ("r1", "r2")}
LOSSES = {"non-saturating": "non_saturating", "relativistic": "relativistic"}

#: A D that is far ahead, as in section 3 of the notebook.
AHEAD = Experiment(batch_size=64, **ILLNESSES["mode_collapse"])
GRID = Experiment(batch_size=64, lr_D=2e-3, lr_G=2e-3)
STACKED = Experiment(network="conv", latent_dim=64, width=16, batch_size=32, beta1=0.5, beta2=0.9)


def games(weight: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name of a game -> its settings."""
    for loss in LOSSES:
        for penalties, fields in GAMES.items():
            name = loss if penalties == "alone" else f"{loss}, {penalties}"
            yield name, {"loss": LOSSES[loss], **dict.fromkeys(fields, weight)}


def rows() -> Iterator[Row]:
    """All runs, the longest first."""
    for name, settings in games(1.0):
        yield Stacked("stacked digits", name, replace(STACKED, **settings))
    for name, settings in games(0.02):
        yield Run("pairs, grid", name, 5000, "grid", replace(GRID, **settings), decay=True)
    for name, settings in games(0.1):
        yield Run("pairs, D ahead", name, 500, "ring", replace(AHEAD, **settings))


class StackedDigits:
    """Two digits of MNIST, drawn by themselves, as the channels of a picture `[2, 16, 16]`."""

    event_shape = (2, 16, 16)

    def __init__(self) -> None:
        self.digits = load_mnist("train", size=16)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """`n` pictures, `[n, 2, 16, 16]`."""
        return self.digits.sample(2 * n, rng).unflatten(0, (n, 2)).flatten(1, 2)


load_stacked = cache(StackedDigits)


@dataclass(frozen=True)
class Stacked(Row):
    """GANs on stacked digits: 100 modes, the pairs of classes. Judged at the end.

    Args:
        experiment: what is trained.
        steps: G's updates.
        seeds: of weights, noise and data.
    """

    experiment: Experiment = STACKED
    steps: int = 700
    seeds: tuple[int, ...] = SEEDS[:10]  # pictures take their time

    def measure(self) -> dict[str, list[float]]:
        """`modes`, `good` and `kl`, see `read_pairs`, for each seed."""
        data = load_stacked()
        found: dict[str, list[float]] = {}
        for seed in self.seeds:
            gan = GAN(self.experiment, data.event_shape, seed)
            for _ in range(self.steps):
                train_step(gan, data)
            for name, value in read_pairs(gan.sample(some_z(gan))).items():
                found.setdefault(name, []).append(value)
        return found


def some_z(gan: GAN) -> Tensor:
    """Always the same noise, `[N_STACKED, latent_dim]`."""
    return gan.sample_z(N_STACKED, torch.Generator().manual_seed(1))


def read_pairs(x: Tensor) -> dict[str, float]:
    """What the classifier of single digits reads in both channels. x: `[N, 2, 16, 16]`.

    `good` is the share of pictures in which it is sure of both; `modes` how many of the 100 pairs
    occur among these; `kl` how far the shares of all pairs are from equal shares, in nats.
    """
    if not x.isfinite().all():
        return {"modes": 0.0, "good": 0.0, "kl": float(torch.tensor(100.0).log())}
    read, sure = classify(load_classifier(16), x.flatten(0, 1)[:, None])  # (2 N,), (2 N,)
    first, second = read.view(-1, 2).T  # (N,), (N,)
    pair, good = 10 * first + second, (sure.view(-1, 2) >= SURE).all(1)
    shares = pair.bincount(minlength=100) / len(pair)
    kl = (shares * (100 * shares).log()).nan_to_num(0.0).sum()
    modes = len(pair[good].unique())
    return {"modes": float(modes), "good": float(good.float().mean()), "kl": float(kl)}
