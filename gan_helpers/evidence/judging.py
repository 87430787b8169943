"""What all runs of the evidence share: their seeds, and how samples are judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import torch

from gan_helpers.distributions import Mixture
from gan_helpers.metrics import mode_coverage
from gan_helpers.training import GAN, Experiment

SEEDS = tuple(range(200, 220))  # none of them was used to choose a setting
N_JUDGED = 2500  # samples, as in VEEGAN and PacGAN


def as_json(run: Any) -> dict[str, Any]:
    """The fields of a run, as JSON can say them; of an experiment what differs from the default."""
    values = asdict(run)
    if isinstance(experiment := getattr(run, "experiment", None), Experiment):
        default = Experiment()
        values["experiment"] = {
            f.name: value
            for f in fields(Experiment)
            if (value := getattr(experiment, f.name)) != getattr(default, f.name)
        }
    return json.loads(json.dumps(values))


def judge(gans: Sequence[GAN], data: Mixture) -> tuple[list[float], list[float]]:
    """Modes covered and share of good samples, for each GAN, by `N_JUDGED` samples."""
    modes, good = [], []
    for gan in gans:
        z = gan.sample_z(N_JUDGED, torch.Generator().manual_seed(1))
        covered, share = mode_coverage(gan.sample(z), data)
        modes.append(float(covered))
        good.append(float(share))
    return modes, good
