"""GANs whose D sees T(x): the steps as the equations say, ADA's controller, bCR's penalty."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings, strategies as st

from gan_helpers import training
from gan_helpers.augmentation import training as augmented
from gan_helpers.augmentation.training import ADA_PICTURES, Augmented, AugmentedGAN, train_step
from gan_helpers.augmentation.transforms import augment
from gan_helpers.datasets.images import load_few
from gan_helpers.ensemble import Ensemble
from gan_helpers.experiment import Experiment
from gan_helpers.losses import LOSSES
from gan_helpers.training import GAN

SMALL = Augmented(network="conv", width=8, latent_dim=4, batch_size=8, beta1=0.5)
SHAPE = (1, 16, 16)


@pytest.fixture(scope="module")
def digits():
    return load_few("digits", 50)


def weights(gan):
    return [p.detach().clone() for net in (gan.G, gan.D) for p in net.parameters()]


def gan_of(seed=3, **settings):
    return AugmentedGAN(replace(SMALL, **settings), SHAPE, seed)


@pytest.mark.parametrize("settings", [{}, {"loss": "hinge", "d_steps": 2}, {"r1": 0.1}])
def test_without_transforms_it_is_the_step_of_training(digits, settings):
    ours = gan_of(**settings)
    plain = GAN(
        Experiment(**{k: getattr(ours.experiment, k) for k in vars(Experiment())}), SHAPE, 3
    )
    for _ in range(3):
        train_step(ours, digits)
        training.train_step(plain, digits)
    for a, b in zip(weights(ours), weights(plain), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("way", augmented.WAYS)
def test_the_gradients_are_those_of_the_printed_game(digits, loss, way):
    gan = gan_of(augment=way, loss=loss, transforms=("translate", "brightness", "cutout"))
    twin = gan.copy()
    x_real, z = digits.x[:8], gan.sample_z(8)
    twin.sample_z(8)  # the same chance from here on
    T = lambda x: augment(x, gan.experiment.transforms, twin.rng)  # noqa: E731
    augmented.step_D(gan, x_real, z)
    x_fake = twin.G(z).detach()
    seen_real = x_real if way == "none" else T(x_real)
    seen_fake = T(x_fake) if way == "both" else x_fake
    game = LOSSES[loss]
    by_hand = game.discriminator(twin.D(seen_real), twin.D(seen_fake))
    wanted = torch.autograd.grad(by_hand, list(twin.D.parameters()))
    for p, g in zip(gan.D.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-4, atol=1e-6)
    twin.D.load_state_dict(gan.D.state_dict())
    augmented.step_G(gan, z, x_real)
    x_fake = twin.G(z)  # its gradient goes through T
    d_fake = twin.D(T(x_fake) if way == "both" else x_fake)
    if game.sees_real:
        by_hand = game.generator(twin.D(x_real if way == "none" else T(x_real)), d_fake)
    else:
        by_hand = game.generator(d_fake)
    wanted = torch.autograd.grad(by_hand, list(twin.G.parameters()))
    for p, g in zip(gan.G.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-3, atol=1e-6)


def test_D_stands_still_while_G_learns_and_the_other_way_round(digits):
    gan = gan_of(augment="both")
    n = len(list(gan.G.parameters()))

    def moved(before):
        """Whether G, and whether D, has moved."""
        same = [torch.equal(a, b) for a, b in zip(before, weights(gan), strict=True)]
        return not all(same[:n]), not all(same[n:])

    before = weights(gan)
    augmented.step_D(gan, digits.x[:8], gan.sample_z(8))
    assert moved(before) == (False, True)
    before = weights(gan)
    augmented.step_G(gan, gan.sample_z(8))
    assert moved(before) == (True, False)
    assert gan.step == 1


def test_consistency_is_the_squared_change_of_the_verdict(digits):
    gan = gan_of(consistency=10.0, transforms=("translate",))
    x = digits.x[:8]
    twin = gan.copy()
    d, d_seen = twin.D(x), twin.D(augment(x, ("translate",), twin.rng))
    expected = 10 * ((d_seen - d) ** 2).mean()
    torch.testing.assert_close(augmented.consistency(gan, x), expected)
    # In D's loss it stands twice, for real and for generated pictures (bCR, algorithm 1).
    twin, z = gan.copy(), gan.sample_z(8)
    twin.sample_z(8)
    augmented.step_D(gan, x, z)
    x_fake = twin.G(z).detach()
    loss = twin.loss.discriminator(twin.D(x), twin.D(x_fake))
    for part in (x, x_fake):
        d, d_seen = twin.D(part), twin.D(augment(part, ("translate",), twin.rng))
        loss = loss + 10 * ((d_seen - d) ** 2).mean()
    wanted = torch.autograd.grad(loss, list(twin.D.parameters()))
    for p, g in zip(gan.D.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-3, atol=1e-5)
    still = gan_of(consistency=10.0, transforms=())
    assert augmented.consistency(still, x).item() == 0.0


def test_consistency_flattens_D_along_the_transforms(digits):
    change = {}
    for weight in (0.0, 10.0):
        changes = []
        for seed in range(3):
            gan = gan_of(seed, consistency=weight, transforms=("translate",))
            for _ in range(60):
                train_step(gan, digits)
            with torch.no_grad():
                d = gan.D(digits.x)
                changes.append(float((gan.D(gan.T(digits.x)) - d).std() / d.std()))
        change[weight] = sum(changes) / 3
    assert change[10.0] < 0.7 * change[0.0]


def test_ada_goes_up_while_D_is_sure_and_down_while_it_is_not(digits):
    gan = gan_of(augment="both", ada=0.6)
    assert gan.p == 0.0
    sure = torch.ones(8)
    for _ in range(50):
        augmented.adapt(gan, sure)
    assert gan.r_t > 0.95
    up = gan.p
    # r_t starts at 0 and needs some updates to pass 0.6.
    assert 0.7 * 50 * 8 / ADA_PICTURES < up <= 50 * 8 / ADA_PICTURES
    for _ in range(10_000):
        augmented.adapt(gan, -sure)
    assert gan.p == 0.0
    for _ in range(10_000):
        augmented.adapt(gan, sure)
    assert gan.p == 1.0


def test_without_ada_p_stays_and_r_t_is_measured_all_the_same(digits):
    gan = gan_of(augment="both", p=0.3)
    train_step(gan, digits)
    assert gan.p == 0.3 and -1 <= gan.r_t <= 1 and gan.r_t != 0


def test_settings_change_in_mid_training_and_p_is_kept_where_they_do_not_touch_it(digits):
    gan = gan_of(augment="both", ada=0.6)
    gan.p = 0.4
    gan.configure(replace(gan.experiment, lr_G=1e-4, ada=0.5))
    assert gan.p == 0.4
    gan.configure(replace(gan.experiment, p=0.9))
    assert gan.p == 0.4  # it is ADA's
    gan.configure(replace(gan.experiment, ada=0.0, p=0.7))
    assert gan.p == 0.7
    train_step(gan, digits)


def test_a_copy_has_the_same_future(digits):
    gan = gan_of(augment="both", ada=0.6)
    for _ in range(3):
        train_step(gan, digits)
    twin = gan.copy()
    for g in (gan, twin):
        for _ in range(3):
            train_step(g, digits)
    assert (twin.p, twin.r_t) == (gan.p, gan.r_t)
    assert all(torch.equal(a, b) for a, b in zip(weights(gan), weights(twin), strict=True))


@given(
    way=st.sampled_from(augmented.WAYS),
    p=st.floats(0, 1),
    strength=st.floats(0, 1),
    ada=st.sampled_from([0.0, 0.6]),
    consistency=st.sampled_from([0.0, 10.0]),
)
@settings(max_examples=15, deadline=None)
def test_any_settings_train(way, p, strength, ada, consistency):
    data = load_few("digits", 50)
    gan = gan_of(augment=way, p=p, strength=strength, ada=ada, consistency=consistency)
    loss_D, loss_G = train_step(gan, data)
    assert loss_D.isfinite() and loss_G.isfinite() and 0 <= gan.p <= 1


@pytest.mark.parametrize(
    ("setting", "error", "words"),
    [
        ({"augment": "fake"}, ValueError, "augment = 'fake'"),
        ({"transforms": ("blur",)}, ValueError, "transforms = 'blur'"),
        ({"transforms": "flip"}, TypeError, "tuple of names"),
        ({"strength": 2}, ValueError, "strength = 2"),
        ({"p": -1}, ValueError, "p = -1"),
        ({"ada": 1.0}, ValueError, "ada = 1.0"),
        ({"ada": 0.6, "loss": "least_squares"}, ValueError, "sign of D's logit"),
        ({"consistency": -1}, ValueError, "consistency = -1"),
        ({"unroll": 2}, ValueError, "unroll = 2 is for plain GANs only"),
        ({"pac": 2}, ValueError, "pac = 2 is for plain GANs only"),
    ],
)
def test_bad_settings_are_named(setting, error, words):
    with pytest.raises(error, match=words):
        replace(SMALL, **setting)


def test_points_cannot_be_transformed():
    gan = AugmentedGAN(Augmented(augment="both"), (2,))
    with pytest.raises(ValueError, match="transforms need pictures"):
        gan.T(torch.zeros(4, 2))


def test_an_ensemble_refuses_gans_with_a_step_of_their_own():
    with pytest.raises(TypeError, match="AugmentedGAN"):
        Ensemble([gan_of(), gan_of()])
