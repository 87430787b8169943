"""The labs that the slides show, played for 20 s: do they show by then what the slide says?

The steps are those that a lab makes in 20 s on two cores that eight other programs want as well;
on an idle machine they take a few seconds. Where one seed would take too long for this, or where
20 s do not do, the slide says how long it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from gan_helpers.conditional.training import Conditional
from gan_helpers.evidence.conditional import Points
from gan_helpers.evidence.difficulties import Run
from gan_helpers.evidence.judging import SEEDS
from gan_helpers.evidence.wgan import Followed
from gan_helpers.experiment import Experiment
from gan_helpers.remedies import ILLNESSES, REMEDIES

STUDY = "presets"
ENOUGH = 18  # of the 20 seeds
AHEAD = replace(Experiment(), **ILLNESSES["mode_collapse"])
#: What a lab on a line and the lab of 12.4.3 train.
LINE = Experiment(latent_dim=1, d_steps=3, lr_D=3e-3, lr_G=5e-4)
CLIPPED = Experiment(loss="wasserstein", clip=0.1, d_steps=5, lr_D=1e-3, lr_G=2e-4, beta1=0.0)


def rows() -> Iterator[Run | Followed | Points]:
    """All runs, the longest first."""
    yield Points(STUDY, "cgan", Conditional(condition="cgan"), (1000,), SEEDS)
    yield Run(STUDY, "R1", 500, experiment=AHEAD, fork=200, then=REMEDIES["r1"])
    yield Run(STUDY, "collapse", 200, experiment=AHEAD)
    yield Followed(STUDY, "clip", CLIPPED, steps=500)
    yield Run(STUDY, "ring", 1500)
    yield Followed(STUDY, "line", LINE, 900, 100, "two_gaussians_1d")


@dataclass(frozen=True)
class Shown:
    """What a preset has to show.

    Args:
        row: of the evidence.
        holds: quantity -> its value for each seed, `[S]`; whether the slide is right, `[S]`.
    """

    row: str
    holds: Callable[[Mapping[str, Tensor]], Tensor]


#: The lab, as it stands on its slide -> what has to be seen of it after 20 s, or as long as the
#: slide says.
SHOWN: dict[str, Shown] = {
    'Lab("ring")': Shown("presets/ring", lambda f: (f["modes"] >= 7) & (f["good"] > 0.3)),
    'Lab("two_gaussians_1d")': Shown("presets/line", lambda f: f["distance"] < 0.3),
    'Lab("ring", loss="saturating")': Shown(
        "lead/saturating", lambda f: f["push_300"] < 1e-3 * f["push_0"]
    ),
    'Lab("ring", remedies=True, d_steps=10, lr_D=1e-2)': Shown(
        "presets/collapse", lambda f: (f["modes"] <= 2) & (f["good"] > 0.5)
    ),
    'Lab("ring", loss="wasserstein", clip=0.1)': Shown(
        "presets/clip", lambda f: f["correlation"] > 0.5
    ),
    'Lab("ring", seed=1, d_steps=10, lr_D=1e-2)': Shown(
        "presets/R1", lambda f: (f["modes_before"] <= 2) & (f["modes"] == 8)
    ),
    'Lab("ring", condition="cgan")': Shown("presets/cgan", lambda f: f["agreement_1000"] > 0.8),
}
