"""Each kind of GAN has its own settings, step and lab, and refuses those of the others."""

from dataclasses import fields, replace

import pytest
import torch
from test_translating import PAIRED

from gan_helpers import training
from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.conditional import training as conditional
from gan_helpers.conditional.training import Conditional, ConditionalGAN
from gan_helpers.datasets.images import load_few
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble, Stack
from gan_helpers.experiment import Experiment
from gan_helpers.lab import view
from gan_helpers.lab.engine.augmenting import AugmentedSession
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.modes import AUGMENTED, CLASSES, MODES, PLAIN, TRANSLATED, mode_of
from gan_helpers.lab.engine.session import Session
from gan_helpers.lab.view import Lab
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.training import GAN

SMALL = {"width": 8, "depth": 1, "batch_size": 8}
KINDS = {
    "plain": (GAN, Experiment(**SMALL)),
    "classes": (ConditionalGAN, Conditional(condition="cgan", **SMALL)),
    "few": (AugmentedGAN, Augmented(augment="both", **SMALL)),
}


@pytest.fixture(scope="module")
def few():
    return load_few("digits", 50)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", KINDS)
def test_a_gan_takes_its_own_settings_and_refuses_those_of_another_kind(kind, given, few):
    make, (_, experiment) = KINDS[kind][0], KINDS[given]
    if kind == given:
        gan = make.for_data(experiment, few)
        gan.configure(replace(experiment, lr_D=1e-4))
        return
    with pytest.raises(TypeError, match=rf"{type(experiment).__name__}; {make.__name__} is"):
        make.for_data(experiment, few)


@pytest.mark.parametrize("given", ["classes", "few"])
def test_a_plain_session_refuses_what_it_would_not_do(given):
    with pytest.raises(TypeError, match=rf"{type(KINDS[given][1]).__name__}; Session shows a GAN"):
        Session(KINDS[given][1], "digits")


@pytest.mark.parametrize("condition", conditional.DISCRIMINATORS)
def test_no_kind_is_trained_by_the_step_of_a_plain_gan(condition, few):
    gan = AugmentedGAN.for_data(KINDS["few"][1], few)
    with pytest.raises(TypeError, match="AugmentedGAN is trained by the `train_step` of"):
        training.train_step(gan, few)
    told = ConditionalGAN.for_data(Conditional(condition=condition, **SMALL), few)
    with pytest.raises(TypeError):
        training.train_step(told, few)
    assert gan.step == told.step == 0


def test_the_third_argument_is_the_seed_of_every_kind(few):
    for make, experiment in KINDS.values():
        first, second = (make(experiment, few.event_shape, seed) for seed in (3, 3))
        other = make(experiment, few.event_shape, 4)
        weights = [next(gan.D.parameters()) for gan in (first, second, other)]
        assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("kind", KINDS)
def test_a_gan_knows_its_updates(kind, few):
    """k of D and one of G are a round, for every kind."""
    make, experiment = KINDS[kind]
    step = {"plain": training, "classes": conditional, "few": augmented}[kind].train_step
    by_hand, in_one = (make.for_data(replace(experiment, d_steps=3), few, 5) for _ in range(2))
    for _ in range(2):
        losses = [by_hand.update_D(few) for _ in range(3)][-1], by_hand.update_G(few)
        assert losses == step(in_one, few)
    for one, other in zip(by_hand.G.parameters(), in_one.G.parameters(), strict=True):
        assert torch.equal(one, other)


# --- the lab -------------------------------------------------------------------------------------


def test_a_setting_belongs_to_one_kind_and_the_lab_finds_it():
    plain = {f.name for f in fields(Experiment)}
    for mode in MODES:
        for f in fields(mode.settings):
            if mode is TRANSLATED:
                assert mode_of(PAIRED, None, {f.name: None}) is mode
                continue
            found = mode_of(ring(), None, {f.name: None})
            assert found is (PLAIN if f.name in plain else mode)
    with pytest.raises(ValueError, match="no kind of GAN has all of these settings"):
        mode_of(ring(), None, {"condition": "cgan", "augment": "both"})
    with pytest.raises(ValueError, match="Conditional, augment"):
        mode_of(ring(), KINDS["classes"][1], {"augment": "both"})


def test_few_pictures_are_few_by_name_and_as_data(few):
    named, given = Lab("digits_50", **SMALL), Lab(few, **SMALL)
    assert named.mode is given.mode is AUGMENTED
    assert named.session.experiment == given.session.experiment
    assert Lab("digits", **SMALL).mode is PLAIN
    assert Lab(few, condition="cgan", **SMALL).mode is CLASSES


@pytest.mark.parametrize("what", ["class_weight", "condition", "augment", "transforms", "p", "x"])
def test_what_a_kind_does_not_have_is_not_compared(what):
    with pytest.raises(ValueError, match=f"compare = '{what}' is unknown; choose one of loss"):
        Lab("ring", compare=what, **SMALL)


def test_settings_of_an_acgan_are_idle_in_a_cgan():
    lab = Lab("ring", condition="cgan", **SMALL)
    idle = ("class_weight", "class_on_fake")
    assert all(lab.settings[name].disabled for name in idle)
    assert not lab.settings["lr_D"].disabled
    lab.compare("class_weight")  # so it is AC-GANs that are compared
    kinds = {s.experiment.condition for s in lab.comparison.sessions.values()}
    assert kinds == {"acgan"}
    lab.compare("one")
    lab.change(condition="acgan")
    assert not any(lab.settings[name].disabled for name in idle)


@pytest.mark.parametrize(
    ("data", "settings", "kind"),
    [
        ("ring", {}, GAN),
        ("ring", {"condition": "acgan"}, ConditionalGAN),
        ("digits_50", {}, AugmentedGAN),
    ],
)
def test_the_device_is_chosen_by_a_step_of_this_kind(monkeypatch, data, settings, kind):
    trained = []

    def choose(step_on):
        loss_D, loss_G = step_on("cpu")()
        trained.append((float(loss_D), float(loss_G)))
        return "cpu", {}

    made = []
    usual = kind.__init__
    monkeypatch.setattr(
        kind, "__init__", lambda gan, *a, **k: made.append(k) or usual(gan, *a, **k)
    )
    monkeypatch.setattr(view, "choose_device", choose)
    lab = Lab(data, **settings, **SMALL)
    assert len(trained) == 1 and len(made) == 2 and type(lab.session.gan) is kind


# --- losses, and stacks --------------------------------------------------------------------------


def test_a_critic_is_known_by_what_it_estimates():
    names = [name for name, loss in LOSSES.items() if loss.estimates_distance]
    assert names == ["wasserstein"]
    own = Loss("mine", lambda r, f: f.mean(-1) - r.mean(-1), lambda f: -f.mean(-1))
    assert own.estimates_distance and Session(Experiment(loss=own, **SMALL)).measures_distance
    twice = Loss("twice", lambda r, f: 2 * (f.mean(-1) - r.mean(-1)), lambda f: -f.mean(-1))
    assert not twice.estimates_distance
    assert replace(twice, estimates_distance=True).estimates_distance
    broken = Loss("broken", lambda r, f: r.no_such_thing, lambda f: -f.mean(-1))
    assert broken.estimates_distance is False


NO_SIGN = ("least_squares", "wasserstein", "relativistic")


def test_ada_goes_by_a_sign_only_where_it_says_something():
    says = [name for name, loss in LOSSES.items() if loss.sign_is_verdict]
    assert says == [name for name in LOSSES if name not in NO_SIGN]
    critic = Loss("mine", lambda r, f: f.mean(-1) - r.mean(-1), lambda f: -f.mean(-1))
    halves = replace(LOSSES["least_squares"], name="my squares")
    for loss in (critic, halves, "relativistic"):
        with pytest.raises(ValueError, match="sign of D's logit"):
            Augmented(loss=loss, ada=0.6)


def test_a_stack_has_nothing_that_would_break_on_it():
    gans = [GAN(Experiment(**SMALL), (2,), seed) for seed in range(2)]
    ((_, stack),) = Ensemble(gans).stacks
    assert isinstance(stack, Stack) and not isinstance(stack, GAN)
    assert not any(hasattr(stack, name) for name in ("configure", "copy", "sample", "check_z"))


def test_sessions_show_each_its_kind():
    shown = {s.trains for s in (Session, ClassSession, AugmentedSession)}
    assert shown == {GAN, ConditionalGAN, AugmentedGAN}
