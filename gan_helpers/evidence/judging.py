"""What all runs of the evidence share: name and settings, seeds, and how samples are judged."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from gan_helpers.datasets.points import Mixture
from gan_helpers.metrics import mode_coverage
from gan_helpers.training import GAN

SEEDS = tuple(range(200, 220))  # none of them was used to choose a setting
N_JUDGED = 2500  # samples, as in VEEGAN and PacGAN


@dataclass(frozen=True)
class Row(ABC):
    """What a row of the evidence comes from.

    Args:
        study: which question it belongs to.
        variant: which answer to it is tried.
    """

    study: str
    variant: str

    @property
    def name(self) -> str:
        return f"{self.study}/{self.variant}"

    def settings(self) -> dict[str, Any]:
        """Everything that the numbers depend on, as JSON can say it."""
        values = asdict(self)
        if experiment := getattr(self, "experiment", None):  # only what differs from its defaults
            values["experiment"] = {
                f.name: value
                for f in fields(experiment)
                if (value := getattr(experiment, f.name)) != f.default
            }
        return json.loads(json.dumps(values))

    @abstractmethod
    def measure(self) -> dict[str, list[float]]:
        """Name of the quantity -> its value for each seed."""


def judge(gans: Sequence[GAN], data: Mixture) -> tuple[list[float], list[float]]:
    """Modes covered and share of good samples, for each GAN, by `N_JUDGED` samples."""
    modes, good = [], []
    for gan in gans:
        z = gan.sample_z(N_JUDGED, torch.Generator().manual_seed(1))
        covered, share = mode_coverage(gan.sample(z), data)
        modes.append(float(covered))
        good.append(float(share))
    return modes, good


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """Pearson's, over the times at which both are finite; 0 where one of them never changes."""
    both = torch.stack([a, b])
    both = both[:, both.isfinite().all(dim=0)]
    return float(torch.corrcoef(both)[0, 1].nan_to_num(0.0)) if both.shape[1] > 2 else 0.0
