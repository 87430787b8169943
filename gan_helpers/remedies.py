"""The illnesses of section 12.4.2 as settings, and what is said to cure them.

Each row is a set of changes to an `Experiment`, so it can be applied to a GAN that is ill already.
Which of them helps, and when, is measured: see `gan_helpers.evidence`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_helpers.checks import check_choice, check_is
from gan_helpers.experiment import Experiment

#: Settings under which it happens, on the ring of 8.
ILLNESSES: dict[str, dict[str, Any]] = {
    # D is far ahead, and G learns from -log D: it is pushed, but only up the peak where it is.
    "mode_collapse": {"d_steps": 10, "lr_D": 1e-2},
    # D is far ahead before G begins, and keeps its lead.
    "vanishing_gradient": {"loss": "saturating", "d_steps": 5},
    # D learns so slowly that G outruns it, and nothing settles.
    "non_convergence": {"lr_D": 1e-4, "lr_G": 1e-3},
}

#: The remedies of the textbook, and three more.
REMEDIES: dict[str, dict[str, Any]] = {
    "non_saturating": {"loss": "non_saturating"},  # Goodfellow et al. (2014)
    "maximum_likelihood": {"loss": "maximum_likelihood"},  # Goodfellow (2014)
    "spectral_norm": {"spectral_norm": True},  # Miyato et al. (2018)
    "ttur": {"lr_D": 4e-3, "lr_G": 5e-4},  # Heusel et al. (2017): D learns faster than G
    "gradient_penalty": {"gradient_penalty": 1.0},  # Gulrajani et al. (2017)
    "r1": {"r1": 0.1},  # Mescheder et al. (2018)
    "unroll": {"unroll": 5},  # Metz et al. (2017)
    "pac": {"pac": 4},  # Lin et al. (2018); needs a new D, so only from the start
}


def with_remedy(experiment: Experiment, name: str) -> Experiment:
    """The experiment with one of `REMEDIES` applied.

    Raises:
        ValueError: if there is no remedy of that name.
        TypeError: if it is no experiment.
    """
    check_is("experiment", experiment, Experiment, "an Experiment, e.g. Experiment()")
    return replace(experiment, **REMEDIES[check_choice("remedy", name, REMEDIES)])
