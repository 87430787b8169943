"""Settings in one table: nothing that acts is forgotten in it, nothing in it does nothing."""

from dataclasses import fields, replace

import pytest
import torch

from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import EXTRAS, FREE, Experiment
from gan_helpers.lab.engine.controls import (
    CONTROLS,
    compared_of,
    controls_of,
    describe,
    groups_of,
    variants,
)
from gan_helpers.lab.engine.modes import MODES, TRANSLATED
from gan_helpers.lab.labels import TEXT
from gan_helpers.training import GAN, train_step

#: Settings without a row, and why.
WITHOUT = {
    "loss": "has a menu of its own",
    "beta2": "of Adam; beta1 is what GANs are known to depend on",
    "ema": "needs new networks",
    "latent_dim": "needs new networks; width stands for them",
    "depth": "needs new networks; width stands for them",
    "network": "follows from the data",
}
NETWORKS = ("generator", "depth", "width_D", "n_strided", "norm", "norm_D", "dropout", "ema")
#: The same for translations.
WITHOUT_TRANSLATION = {
    "loss": "has a menu of its own",
    "beta2": WITHOUT["beta2"],
    "mixed_precision": "changes the speed on a GPU, nothing else",
    **dict.fromkeys(NETWORKS, "needs new networks; width and conditional stand for them"),
}
SMALL = Experiment(width=8, depth=1, batch_size=8)
#: Field -> a value that is not its default.
OTHER = {
    "lr_D": 1e-4, "lr_G": 1e-4, "gradient_penalty": 3.0, "r1": 0.3, "r2": 0.3, "clip": 0.02,
    "beta1": 0.9, "beta2": 0.99, "ema": 0.9,
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.settings.__name__)
def test_every_setting_has_a_row_or_a_reason(mode):
    names = {f.name for f in fields(mode.settings)} - set(mode.settings.left_out)
    without = WITHOUT_TRANSLATION if mode is TRANSLATED else WITHOUT
    assert names - set(controls_of(mode.settings)) == set(without)
    grouped = [name for names in groups_of(mode.settings).values() for name in names]
    assert len(grouped) == len(set(grouped)) and set(grouped) <= names


@pytest.mark.parametrize("lang", TEXT)
def test_every_row_has_its_words(lang):
    compared = {name for mode in MODES for name in compared_of(mode.settings)}
    groups = {row.group for row in CONTROLS.values() if row.group}
    wanted = groups | set(CONTROLS) - {"transforms"} | {f"compare_{name}" for name in compared}
    assert wanted <= set(TEXT[lang])


def test_every_row_belongs_to_some_kind():
    assert set(CONTROLS) == {name for mode in MODES for name in controls_of(mode.settings)}


@pytest.mark.parametrize("name", [n for n, row in CONTROLS.items() if hasattr(Experiment, n)])
def test_a_setting_that_may_be_to_blame_is_named(name):
    row = CONTROLS[name]
    value = next(v for v in reversed(row.options or (True,)) if v != getattr(Experiment, name))
    assert f"{name}={value}" in describe(replace(Experiment(batch_size=32), **{name: value}))


def test_what_turns_a_setting_off_is_among_its_values():
    for name, row in CONTROLS.items():
        if 0 in row.options:
            assert row.off is None or (type(row.off) is type(row.options[0]) and row.off == 0), name
    assert variants("clip", SMALL)["clip off"] == {"clip": None}


# --- what a step does with them ------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({f.name for f in fields(Experiment)} & set(OTHER)))
def test_numbers_that_may_differ_within_a_stack_are_free_and_no_others(name):
    """Whether free or not: each member trains as it would alone."""
    experiments = [SMALL, replace(SMALL, **{name: OTHER[name]})]
    if name in EXTRAS:  # a member that does without it runs through other lines
        experiments[0] = replace(SMALL, **{name: OTHER[name] / 2})
    alone = [GAN(e, (2,), seed) for seed, e in enumerate(experiments)]
    together = [gan.copy() for gan in alone]
    ensemble, data = Ensemble(together), ring()
    assert (len(ensemble.stacks) == 1) == (name in FREE)
    for _ in range(3):
        ensemble.step(data)
        for gan in alone:
            train_step(gan, data)
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one.D.parameters(), other.D.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_every_number_of_an_experiment_was_tried_there():
    numbers = {f.name for f in fields(Experiment) if "float" in str(f.type)}
    assert numbers == set(OTHER)
    # Adam's two averages and that of the weights have one decay for a whole stack.
    assert numbers - set(FREE) == {"beta1", "beta2", "ema"}


@pytest.mark.parametrize("name", EXTRAS)
def test_what_a_step_does_only_where_asked_changes_the_step(name):
    on = {"gradient_penalty": 3.0, "r1": 0.3, "r2": 0.3, "clip": 0.02}
    on |= {"spectral_norm": True, "unroll": 2}
    assert set(on) == set(EXTRAS)
    plain, asked = GAN(SMALL, (2,)), GAN(replace(SMALL, **{name: on[name]}), (2,))
    for gan in (plain, asked):
        for _ in range(2):
            train_step(gan, ring())
    parameters = [torch.cat([p.flatten() for p in gan.G.parameters()]) for gan in (plain, asked)]
    assert not torch.equal(*parameters)
