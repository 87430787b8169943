"""A loss that shows G the logits of real samples, in every kind of GAN and in the lab."""

from dataclasses import replace

import pytest
import torch

from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.conditional import training as conditional
from gan_helpers.conditional.training import DISCRIMINATORS, Conditional, ConditionalGAN
from gan_helpers.datasets.images import Images
from gan_helpers.datasets.points import ring
from gan_helpers.ensemble import Ensemble, Stack, mix
from gan_helpers.experiment import Experiment
from gan_helpers.lab.engine.classes import ClassSession
from gan_helpers.lab.engine.comparison import Comparison
from gan_helpers.lab.engine.session import Session
from gan_helpers.losses import LOSSES, Loss
from gan_helpers.training import GAN, look_ahead, push_on_G, step_G, train_step
from gan_helpers.translation import cyclegan, pix2pix
from gan_helpers.translation.cyclegan import CycleGAN
from gan_helpers.translation.pix2pix import Pix2Pix, verdicts
from gan_helpers.translation.training import Translation

SMALL = Experiment(loss="relativistic", width=8, depth=1, batch_size=16)
OURS = LOSSES["relativistic"]
#: A reader's own, with the real logits in it: hinge, where a pair has to differ by 1.
OWN = Loss(
    "own",
    lambda r, f: (1 - r + f).relu().mean(-1),
    lambda d_real, d_fake: (1 - d_fake + d_real).relu().mean(-1),
    is_probability=False,
)
#: The same game as another loss, with a real logit that it does not use.
WITHOUT_USE = replace(
    LOSSES["hinge"], name="without use", generator=lambda r, f: -f.mean(-1) + 0 * r.mean(-1)
)


def weights(*nets):
    return torch.cat([p.detach().flatten() for net in nets for p in net.parameters()])


def pictures(n=40):
    rng = torch.Generator().manual_seed(0)
    return Images("noise", torch.rand(n, 1, 8, 8, generator=rng) * 2 - 1, torch.arange(n) % 10)


# --- the plain step ------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"pac": 2}, {"d_steps": 3, "r1": 0.1, "r2": 0.1}])
def test_G_is_compared_with_what_D_has_just_seen(settings):
    """The same samples in the same order, and nothing drawn for it."""
    gan, data = GAN(replace(SMALL, **settings), (2,)), ring()
    twin, n = gan.copy(), 16
    _, loss_G = train_step(gan, data)
    for _ in range(twin.experiment.d_steps):
        x_real, _ = data.sample(n, twin.rng), twin.sample_z(n)
    z = twin.sample_z(n)
    assert torch.equal(twin.rng.get_state(), gan.rng.get_state())
    by_hand = OURS.generator(gan.D(x_real), gan.D(twin.G(z)))  # D has learned, G has not
    torch.testing.assert_close(loss_G, by_hand.detach())
    wanted = torch.autograd.grad(by_hand, list(twin.G.parameters()))
    for p, g in zip(gan.G.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, g)


@pytest.mark.parametrize("settings", [{}, {"d_steps": 3}, {"unroll": 2}])
def test_half_steps_are_the_step_to_the_last_bit(settings):
    whole, data = GAN(replace(SMALL, **settings), (2,)), ring()
    halves = whole.copy()
    for _ in range(5):
        train_step(whole, data)
        for _ in range(halves.experiment.d_steps):
            halves.update_D(data)
        halves.update_G(data)
    assert torch.equal(weights(whole.G, whole.D), weights(halves.G, halves.D))
    assert torch.equal(whole.rng.get_state(), halves.rng.get_state())


def test_what_D_has_seen_is_of_this_round_and_of_these_settings():
    gan, data = GAN(SMALL, (2,)), ring()
    gan.update_D(data)
    train_step(gan, data)
    assert (
        gan.kept_real(data) is not None and gan.last_real is None
    )  # drawn anew: a round has passed
    gan.update_D(data)
    gan.configure(replace(SMALL, batch_size=8))
    gan.update_G(data)  # 8 real ones for 8 generated ones
    gan.configure(replace(SMALL, loss="hinge"))
    gan.update_D(data)
    assert gan.last_real is None and gan.kept_real(data) is None


def test_a_loss_that_does_not_use_the_real_logits_trains_as_if_it_had_none():
    data, gans = ring(), [GAN(replace(SMALL, loss=loss), (2,)) for loss in ("hinge", WITHOUT_USE)]
    for gan in gans:
        for _ in range(10):
            train_step(gan, data)
    assert torch.equal(*(weights(gan.G, gan.D) for gan in gans))


def test_without_real_samples_a_sentence_says_what_to_give():
    gan = GAN(SMALL, (2,))
    for call in (lambda: step_G(gan, gan.sample_z(4)), lambda: push_on_G(gan, gan.sample_z(4))):
        with pytest.raises(ValueError, match=r"loss = 'relativistic' .* needs x_real .*D's last"):
            call()


def test_a_constant_in_D_does_not_change_what_is_learned():
    data, (one, other) = ring(), (GAN(SMALL, (2,)) for _ in range(2))
    with torch.no_grad():
        other.D.net.out.bias += 3
    for gan in (one, other):
        for _ in range(10):
            losses = train_step(gan, data)
            gan.found = [float(loss) for loss in losses]
    assert one.found == pytest.approx(other.found, rel=1e-3)
    torch.testing.assert_close(weights(one.G), weights(other.G), rtol=1e-2, atol=1e-4)


def test_looking_ahead_includes_what_D_will_say_of_real_samples():
    gan, data = GAN(replace(SMALL, unroll=2, lr_D=0.05), (2,)), ring()
    for _ in range(5):
        train_step(gan, data)
    x_real, z = data.sample(16, gan.rng), gan.sample_z(16)
    x_fake = gan.G(z)
    D = look_ahead(gan, x_real, x_fake)
    known, deaf = (
        torch.autograd.grad(
            OURS.generator(d, D(x_fake)), next(gan.G.parameters()), retain_graph=True
        )
        for d in (D(x_real), D(x_real).detach())
    )
    step_G(gan, z, x_real)
    torch.testing.assert_close(next(gan.G.parameters()).grad, *known)
    assert not torch.allclose(*known, *deaf, rtol=0.01)  # G's move changes D there, too


# --- the ensemble --------------------------------------------------------------------------------

MIXED = ["relativistic", "non_saturating", OWN, "relativistic", "hinge"]


@pytest.fixture
def float64():
    """Double precision: the bias of D's last layer, which means nothing, drifts by rounding."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("settings", [{}, {"r1": 0.1, "r2": 0.2}, {"pac": 2}, {"unroll": 1}])
@pytest.mark.usefixtures("float64")
def test_a_stack_of_mixed_losses_computes_what_its_members_would(settings):
    data, experiments = ring(), [replace(SMALL, loss=loss, **settings) for loss in MIXED]
    together, alone = ([GAN(e, (2,), k) for k, e in enumerate(experiments)] for _ in range(2))
    ensemble = Ensemble(together)
    assert [len(places) for places, _ in ensemble.stacks] == [len(MIXED)]
    for _ in range(10):
        losses = ensemble.step(data)
        by_itself = [train_step(gan, data) for gan in alone]
    torch.testing.assert_close(torch.stack(losses).T, torch.tensor(by_itself))
    for ours, gan in zip(together, alone, strict=True):
        torch.testing.assert_close(weights(ours.G, ours.D), weights(gan.G, gan.D))


@pytest.mark.usefixtures("float64")
def test_another_pass_through_a_normalized_D_is_not_forced_on_the_others():
    """It would move the power iteration of those who do without."""
    normalized = replace(SMALL, spectral_norm=True)
    gans = [GAN(replace(normalized, loss=loss), (2,)) for loss in MIXED]
    alone, ensemble = [gan.copy() for gan in gans], Ensemble(gans)
    assert sorted(len(places) for places, _ in ensemble.stacks) == [2, 3]
    for _ in range(5):
        ensemble.step(ring())
        for gan in alone:
            train_step(gan, ring())
    for ours, gan in zip(gans, alone, strict=True):
        torch.testing.assert_close(weights(ours.D), weights(gan.D))


def test_a_loss_that_knows_one_GAN_only_trains_alone():
    whole_mean = Loss("whole", lambda r, f: (f - r).mean(), lambda r, f: (r - f).mean())
    ensemble = Ensemble([GAN(replace(SMALL, loss=loss), (2,)) for loss in (whole_mean, OWN, OWN)])
    assert sorted(isinstance(gan, Stack) for _, gan in ensemble.stacks) == [False, True]
    ensemble.step(ring())


def test_mixed_losses_ask_each_for_what_it_takes():
    r, f = torch.linspace(-2, 2, 20).reshape(5, 4), torch.linspace(1, -1, 20).reshape(5, 4)
    hinge = LOSSES["hinge"]
    mixed = mix([OURS, OURS, hinge, OWN, OWN])
    assert mixed.sees_real and not mix([hinge, LOSSES["saturating"]]).sees_real
    found = mixed.generator(r, f)
    torch.testing.assert_close(found[:2], OURS.generator(r[:2], f[:2]))
    torch.testing.assert_close(found[2:3], hinge.generator(f[2:3]))
    torch.testing.assert_close(found[3:], OWN.generator(r[3:], f[3:]))


# --- other kinds of GANs -------------------------------------------------------------------------


@pytest.mark.parametrize("condition", DISCRIMINATORS)
def test_a_conditional_G_is_compared_with_real_samples_of_the_same_classes(condition):
    settings = {"loss": "relativistic", "width": 8, "depth": 1, "batch_size": 8}
    gan = ConditionalGAN(Conditional(condition=condition, **settings, class_weight=0.0), (1, 8, 8))
    data = pictures()
    x_real, y, z = conditional.draw_batch(gan, data)
    logits = (lambda x: gan.D(x)[0]) if condition == "acgan" else (lambda x: gan.D(x, y))
    by_hand = OURS.generator(logits(x_real), logits(gan.G(z, y)))
    wanted = torch.autograd.grad(by_hand, list(gan.G.parameters()))
    _, step = conditional.STEPS[condition]
    torch.testing.assert_close(step(gan, y, z, x_real), by_hand.detach())
    for p, g in zip(gan.G.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, g)
    whole, halves = gan.copy(), gan.copy()
    conditional.train_step(whole, data)
    halves.update_D(data), halves.update_G(data)
    assert torch.equal(weights(whole.G, whole.D), weights(halves.G, halves.D))


@pytest.mark.parametrize("augment", augmented.WAYS)
def test_an_augmented_G_in_half_steps(augment):
    e = Augmented(loss="relativistic", width=8, depth=1, batch_size=8, augment=augment)
    whole, data = AugmentedGAN(e, (1, 8, 8)), pictures()
    halves = whole.copy()
    for _ in range(3):
        augmented.train_step(whole, data)
        halves.update_D(data), halves.update_G(data)
    assert torch.equal(weights(whole.G, whole.D), weights(halves.G, halves.D))


class TwoWorlds:
    channels = (1, 1)

    def sample(self, n, rng):
        a, b = torch.rand(2, n, 1, 16, 16, generator=rng) * 2 - 1
        return a, b


TRANSLATION = Translation(loss="relativistic", width=4, width_D=4, depth=1, batch_size=4)


def test_pix2pix_compares_patch_by_patch_with_the_answer():
    gan = Pix2Pix(replace(TRANSLATION, l1=0.0))
    a, b = TwoWorlds().sample(4, gan.rng)
    by_hand = OURS.generator(verdicts(gan, a, b), verdicts(gan, a, gan.G(a)))
    found = pix2pix.step_G(gan, a, b, pix2pix.generate(gan, a))
    torch.testing.assert_close(found, by_hand.detach())
    pix2pix.train_step(gan, TwoWorlds())


def test_a_cyclegan_compares_with_real_pictures_of_the_world_it_goes_to():
    gan = CycleGAN(replace(TRANSLATION, cycle=0.0))
    a, b = TwoWorlds().sample(4, gan.rng)
    D = gan.D["b"]
    by_hand = OURS.generator(D(b).flatten(), D(gan.G["ab"](a)).flatten())
    found, _ = cyclegan.one_direction(gan, gan.G["ab"], gan.G["ba"], D, a, b)
    torch.testing.assert_close(found, by_hand)
    cyclegan.cycle_step(gan, TwoWorlds())


# --- the lab -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["relativistic", OWN])
@pytest.mark.parametrize("data", ["ring", "two_gaussians_1d"])
def test_a_lab_shows_a_loss_of_pairs(loss, data):
    session = Session(replace(SMALL, loss=loss), data)
    session.run(20), session.half_step(), session.half_step()
    header, arrays = session.frame()
    assert header["verdict"] == "centred" and not header["critic"]
    assert session.trouble is None and abs(arrays["push"]).max() > 0 and session.push_on_G() > 0
    before = arrays["heat" if data == "ring" else "D"]
    with torch.no_grad():
        session.gan.D.net.out.bias += 7  # it means nothing
    after = session.frame()[1]["heat" if data == "ring" else "D"]
    assert abs(before.astype(float) - after).max() <= (1 if data == "ring" else 1e-4)


def test_arrows_are_the_mean_push_over_real_partners():
    session = Session(SMALL, "ring")
    session.run(20)
    _, arrays = session.frame()
    real = session.gan.D(session.x_preview).detach()
    x = torch.tensor(arrays["fake"][::64]).requires_grad_()
    for i in range(len(x)):  # the k-th arrow meets every 64th real sample from the k-th on
        partners = real[8 * i :: 64]
        loss = OURS.generator(partners, session.gan.D(x[i : i + 1]).expand(len(partners)))
        (slope,) = torch.autograd.grad(loss, x, retain_graph=True)
        torch.testing.assert_close(torch.tensor(arrays["push"][64 * i]), -slope[i])


def test_classes_are_shown_with_a_loss_of_pairs():
    e = Conditional(condition="cgan", loss="relativistic", width=8, depth=1, batch_size=16)
    session = ClassSession(e, "ring")
    session.run(3)
    assert session.push_on_G() > 0 and abs(session.frame()[1]["push"]).max() > 0


def test_side_by_side_in_lock_step_and_by_halves():
    session = Session(SMALL, "ring")
    variants = {name: {"loss": name} for name in ("relativistic", "non_saturating", "wasserstein")}
    one, other = Comparison(session, variants), Comparison(session, variants)
    one.run(5)
    for _ in range(5):
        other.half_step(), other.half_step()
    for name in variants:
        a, b = (c.sessions[name].gan for c in (one, other))
        torch.testing.assert_close(weights(a.G, a.D), weights(b.G, b.D), rtol=0, atol=1e-3)
    marks = [member["verdict"] for member in one.frame()[0]["members"]]
    assert marks == ["centred", "probability", "relative"]


def test_a_step_of_ones_own_that_forgets_the_real_samples_is_told():
    def step(gan, data):
        return torch.zeros(()), step_G(gan, gan.sample_z(16))

    session = Session(SMALL, "ring", train_step=step)
    session.run(1)
    assert "needs x_real" in str(session.trouble)
