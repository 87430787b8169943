"""Several GANs side by side: each as it would be alone, and nobody's trouble is anybody else's."""

from dataclasses import replace

import pytest
import torch
from test_translating import PAIRED, UNPAIRED

from gan_helpers.augmentation.training import Augmented
from gan_helpers.conditional.training import Conditional
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.comparison import MOST, Comparison, variants_of
from gan_helpers.lab.engine.controls import CONTROLS, controls_of
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.engine.translating import TranslationSession
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.remedies import ILLNESSES, REMEDIES, with_remedy
from gan_helpers.training import train_step
from gan_helpers.translation.pix2pix import Pix2Pix
from gan_helpers.translation.training import Translation

SMALL = Experiment(width=8, depth=1, batch_size=16)


def origin(steps=0, **changes):
    session = Session(replace(SMALL, **changes), "ring", seed=3)
    session.run(steps)
    return session


@pytest.mark.parametrize("steps", [0, 12])
def test_side_by_side_as_alone(steps):
    start = origin(steps)
    variants = {"a": {}, "b": {"loss": "hinge"}, "c": {"r1": 0.1}, "d": {"d_steps": 2}}
    fork = Comparison(start, variants)
    alone = {name: start.fork(**settings) for name, settings in variants.items()}
    fork.run(20)
    for name, session in alone.items():
        session.run(20)
        ours = fork.sessions[name]
        torch.testing.assert_close(
            ours.gan.sample(ours.z_preview),
            session.gan.sample(ours.z_preview),
            atol=1e-4,
            rtol=1e-4,
        )
        assert ours.history.rows[-1][0] == session.history.rows[-1][0]
        for a, b in zip(ours.history.rows[-1], session.history.rows[-1], strict=True):
            assert a == pytest.approx(b, rel=1e-2, abs=1e-4, nan_ok=True)
    assert start.at == steps and fork.at == steps + 20


@pytest.mark.parametrize("half_steps", [["step_D", "step_G"], ["half_step"] * 2])
def test_half_steps_side_by_side_are_those_of_each_alone(half_steps):
    start = origin()
    fork = Comparison(start, {name: {} for name in "abc"})
    alone = start.fork()
    for _ in range(3):
        for half in half_steps:
            getattr(fork, half)()
            getattr(alone, half)()
        fork.step()
        alone.step()
    for session in fork.sessions.values():
        ours, theirs = session.gan.opt_D.state, alone.gan.opt_D.state
        steps = [[float(state["step"]) for state in s.values()] for s in (ours, theirs)]
        assert steps[0] == steps[1]
        shown = session.gan.sample(session.z_preview)
        torch.testing.assert_close(shown, alone.gan.sample(session.z_preview), atol=1e-4, rtol=1e-4)


def test_the_past_is_remembered_and_the_fork_is_the_first_moment():
    fork = Comparison(origin(12), {"a": {}, "b": {"lr_D": 1e-4}})
    fork.run(300)
    fork.rewind(0)
    for session in fork.sessions.values():
        assert session.at == 12
        assert [row[0] for row in session.history.rows] == [5, 10]


def test_one_that_blows_up_stops_alone():
    fork = Comparison(
        origin(), {"wild": {"lr_G": 1.0, "lr_D": 1.0, "loss": "wasserstein"}, "calm": {}}
    )
    with torch.no_grad():
        fork.sessions["wild"].gan.D.net.out.bias.fill_(torch.nan)
    fork.run(5)
    header, _ = fork.frame()
    assert "loss_D" in header["members"][0]["trouble"] and not header["members"][1]["trouble"]
    assert fork.sessions["wild"].at == 1 and fork.sessions["calm"].at == 5 and not fork.trouble
    fork.rewind(0)
    fork.sessions["calm"].fail(RuntimeError("broken"))
    fork.sessions["wild"].fail(RuntimeError("broken"))
    fork._assemble()
    assert fork.trouble and fork.step() is None


def test_an_error_in_a_readers_loss_stops_and_is_named():
    def wrong(d_fake):
        if calls.append(0) or len(calls) > 4:
            raise RuntimeError("no more")
        return -d_fake.mean(-1)

    calls = []
    own = Loss("own", LOSSES["hinge"].discriminator, wrong)
    fork = Comparison(origin(loss=own), {"a": {}, "b": {"lr_D": 1e-4}})
    fork.run(50)
    assert fork.trouble and "no more" in fork.trouble.detail


def test_a_readers_own_step_trains_one_after_the_other():
    def own(gan, data):
        return train_step(gan, data)

    start = Session(SMALL, "ring", train_step=own)
    fork = Comparison(start, {"a": {}, "b": {"loss": "hinge"}})
    assert fork.ensemble is None
    fork.run(3)
    assert {s.at for s in fork.sessions.values()} == {3}


@pytest.mark.parametrize("world", ["two_gaussians_1d", "grid"])
def test_every_stage_stands_side_by_side(world):
    fork = Comparison(Session(data=world), {"a": {}, "b": {"lr_G": 1e-4}})
    header, arrays = fork.frame()
    assert [member["name"] for member in header["members"]] == ["a", "b"]
    assert ("x" in arrays) == (world == "two_gaussians_1d")
    first, second = fork.film([2, 4])
    assert len(first) == len(second) == 2 and second[0][0]["step"] == 4


COMPARED = [name for name, row in CONTROLS.items() if row.compared]


@pytest.mark.parametrize("what", ["loss", "remedy", "seed", *COMPARED])
def test_variants_are_few_and_differ(what):
    sessions = (origin(), origin(1))
    if what in controls_of(Augmented) and not hasattr(Experiment, what):
        sessions = (AugmentedSession(data="digits_50"),)
    elif what in controls_of(Conditional) and not hasattr(Experiment, what):
        sessions = (ClassSession(data="ring"),)
    elif what in controls_of(Translation) and not hasattr(Experiment, what):
        task = UNPAIRED if what in Pix2Pix.left_out else PAIRED
        sessions = (TranslationSession(data=task),)
    for session in sessions:
        variants = variants_of(what, session)
        assert 2 <= len(variants) <= MOST
        experiments = [
            replace(session.experiment, **{k: v for k, v in own.items() if k != "seed"})
            for own in variants.values()
        ]
        keys = {
            (repr(e), own.get("seed"))
            for e, own in zip(experiments, variants.values(), strict=True)
        }
        assert len(keys) == len(variants)
        assert session.at == 0 or not any("pac" in own for own in variants.values())


def test_remedies_and_illnesses_are_settings():
    for name, settings in REMEDIES.items():
        e = with_remedy(Experiment(loss="saturating"), name)
        assert all(getattr(e, field) == value for field, value in settings.items())
    for settings in ILLNESSES.values():
        replace(Experiment(), **settings)
    with pytest.raises(ValueError, match="remedy = 'aspirin'"):
        with_remedy(Experiment(), "aspirin")
