"""The step against a plain loop, its determinism, and settings that change while it trains."""

from dataclasses import fields, replace

import pytest
import torch

from gan_helpers.datasets.points import gaussians_1d, ring
from gan_helpers.experiment import Experiment, faded
from gan_helpers.lab.engine import choices
from gan_helpers.lab.engine.choices import choose_device
from gan_helpers.losses import LOSSES
from gan_helpers.metrics import game_value, jensen_shannon, optimal_discriminator
from gan_helpers.training import (
    GAN,
    descend,
    gradient_norm,
    step_D,
    step_G,
    train_step,
)

RING = ring()
SMALL = Experiment(width=16, depth=2, batch_size=32)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def losses_of(gan, n):
    return [tuple(map(float, train_step(gan, RING))) for _ in range(n)]


def test_a_step_is_the_plain_loop_of_the_book():
    """The same numbers as the loop written out with separate passes, backward() and plain Adam."""
    gan, twin = (GAN(replace(SMALL, d_steps=2), (2,), seed=3) for _ in range(2))
    rng = twin.rng
    adam = {"lr": 1e-3, "betas": (0.5, 0.9)}
    opt_D = torch.optim.Adam(twin.D.parameters(), **adam)
    opt_G = torch.optim.Adam(twin.G.parameters(), **adam)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    one, zero = torch.ones(32), torch.zeros(32)
    for _ in range(20):
        for _ in range(2):
            x_real = RING.sample(32, rng)
            x_fake = twin.G(torch.randn(32, 2, generator=rng)).detach()
            opt_D.zero_grad()
            (bce(twin.D(x_real), one) + bce(twin.D(x_fake), zero)).backward()
            opt_D.step()
        opt_G.zero_grad()
        bce(twin.D(twin.G(torch.randn(32, 2, generator=rng))), one).backward()
        opt_G.step()
        train_step(gan, RING)
    torch.testing.assert_close(weights(gan.G), weights(twin.G), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weights(gan.D), weights(twin.D), rtol=1e-4, atol=1e-5)


def test_each_half_moves_one_network_only():
    gan = GAN(SMALL, (2,))
    G, D = weights(gan.G), weights(gan.D)
    step_D(gan, RING.sample(32, gan.rng), gan.sample_z(32))
    assert torch.equal(weights(gan.G), G) and not torch.equal(weights(gan.D), D)
    assert all(p.grad is None for p in gan.G.parameters())  # the fakes were detached
    D = weights(gan.D)
    step_G(gan, gan.sample_z(32))
    assert torch.equal(weights(gan.D), D) and not torch.equal(weights(gan.G), G)


@pytest.mark.parametrize("name", LOSSES)
def test_same_seed_same_losses(name):
    experiment = replace(SMALL, loss=name, lr_G=1e-4, lr_D=1e-4)
    runs = [losses_of(GAN(experiment, (2,), seed=s), 15) for s in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_training_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    losses_of(GAN(replace(SMALL, spectral_norm=True, gradient_penalty=1.0), (2,)), 3)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "settings",
    [
        {"spectral_norm": True},
        {"gradient_penalty": 1.0},
        {"r1": 0.1},
        {"r2": 0.1},
        {"loss": "relativistic"},
        {"clip": 0.05},
        {"lr_D": 1e-4},
        {"loss": "hinge"},
        {"d_steps": 3},
        {"batch_size": 8},
    ],
)
def test_everything_can_change_while_it_trains_and_back(settings):
    gan = GAN(SMALL, (2,))
    losses_of(gan, 5)
    before = weights(gan.D)
    gan.configure(replace(SMALL, **settings))
    # The weights are kept, though normalized layers list them in another order.
    torch.testing.assert_close(weights(gan.D).sort().values, before.sort().values)
    changed = losses_of(gan.copy(), 5)
    plain = gan.copy()
    plain.configure(SMALL)
    assert losses_of(plain, 5) != changed  # the setting acts
    losses_of(gan, 5)
    gan.configure(SMALL)
    assert weights(gan.D).isfinite().all() and len(losses_of(gan, 3)) == 3


def test_clipping_comes_after_the_update():
    gan = GAN(replace(SMALL, loss="wasserstein", clip=0.02), (2,))
    losses_of(gan, 3)
    assert weights(gan.D).abs().max() <= 0.02 + 1e-9


def test_architecture_cannot_change_in_place():
    with pytest.raises(ValueError, match="width cannot change"):
        GAN(SMALL, (2,)).configure(replace(SMALL, width=32))


@pytest.mark.parametrize("settings", [{}, {"spectral_norm": True}, {"ema": 0.9}])
def test_a_copy_has_the_same_future_and_does_not_touch_the_original(settings):
    gan = GAN(replace(SMALL, **settings), (2,))
    losses_of(gan, 5)
    now, twin = weights(gan.G), gan.copy()
    future = losses_of(twin, 5)
    assert torch.equal(weights(gan.G), now)
    assert losses_of(gan, 5) == future


def test_looking_does_not_change_the_future():
    experiment = Experiment(network="conv", latent_dim=8, width=8, batch_size=8, ema=0.9)
    gan = GAN(experiment, (1, 16, 16))
    z = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
    gan.G(gan.sample_z(4))
    twin = gan.copy()
    gan.sample(z)
    gan.sample(z)
    for a, b in zip(gan.G.state_dict().values(), twin.G.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_average_of_weights_follows_its_formula():
    gan = GAN(replace(SMALL, ema=0.9), (2,))
    train_step(gan, RING)  # the average starts as a copy
    expected = weights(gan.G)
    for _ in range(4):
        train_step(gan, RING)
        expected = 0.9 * expected + 0.1 * weights(gan.G)
    torch.testing.assert_close(weights(gan.G_ema.module), expected, rtol=1e-5, atol=1e-6)


def test_descend_touches_only_the_optimizers_own_parameters():
    a, b = (torch.tensor([1.0], requires_grad=True) for _ in range(2))
    descend((a * b).sum(), torch.optim.SGD([a], lr=0.5))
    assert float(a.detach()) == 0.5 and float(b.detach()) == 1.0 and b.grad is None


def test_D_trained_to_its_optimum_is_p_over_p_plus_q():
    """Frozen G, two known Gaussians: D* = p/(p+q), value -log 4 + 2 JSD. Three seeds."""
    p_data, q_data = gaussians_1d([0.5], [0.5]), gaussians_1d([-0.5], [0.7])
    x = torch.linspace(-4, 4, 801)
    dx = float(x[1] - x[0])
    p, q = p_data.prob(x[:, None]), q_data.prob(x[:, None])
    best = optimal_discriminator(p, q)
    mass = p + q > 0.02 * (p + q).max()
    for seed in range(3):
        gan = GAN(
            Experiment(latent_dim=1, width=32, depth=2, batch_size=512, lr_D=3e-3), (1,), seed
        )
        gan.G = lambda z: 0.7 * z - 0.5  # q exactly
        for step in range(1500):
            if step == 1000:
                gan.opt_D.param_groups[0]["lr"] = 3e-4
            step_D(gan, p_data.sample(512, gan.rng), gan.sample_z(512))
        with torch.no_grad():
            logits = gan.D(x[:, None])
        assert float((logits.sigmoid() - best)[mass].abs().mean()) <= 0.02
        value = float(game_value(p, q, logits, dx))
        theory = -torch.log(torch.tensor(4.0)) + 2 * jensen_shannon(p, q, dx)
        assert value <= float(theory) + 1e-4  # D* is the maximum
        assert value == pytest.approx(float(theory), abs=0.01)


def test_gradient_norm_is_over_all_parameters():
    net = torch.nn.Linear(1, 1)
    net.weight.grad, net.bias.grad = torch.tensor([[3.0]]), torch.tensor([4.0])
    assert gradient_norm(net) == pytest.approx(5.0)


def step_on(device):
    gan = GAN(SMALL, (2,))
    return lambda: train_step(gan, RING)


def test_one_device_needs_no_choice():
    assert choose_device(step_on, ["cpu"]) == ("cpu", {})


def test_the_quickest_device_is_chosen_and_its_times_are_told(monkeypatch):
    clock = iter([0, 9, 10, 10, 19, 22])  # start of the warm-up, start and end of the timed round
    monkeypatch.setattr(choices.time, "perf_counter", lambda: next(clock))
    device, seconds = choose_device(step_on, ["slow", "fast"][::-1], steps=1)
    assert device == "fast" and seconds == {"fast": 1, "slow": 3}


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"loss": "gan"}, ValueError, "loss = 'gan'"),
        ({"lr_D": -1.0}, ValueError, "lr_D = -1.0"),
        ({"lr_G": float("nan")}, ValueError, "lr_G = nan"),
        ({"lr_G": "fast"}, TypeError, "lr_G = 'fast'"),
        ({"d_steps": 0}, ValueError, "d_steps = 0"),
        ({"d_steps": 1.5}, TypeError, "d_steps = 1.5"),
        ({"batch_size": 1}, ValueError, "batch_size = 1"),
        ({"clip": 0.0}, ValueError, "clip = 0.0"),
        ({"spectral_norm": 1}, TypeError, "spectral_norm = 1"),
        ({"beta1": 1.0}, ValueError, "beta1 = 1.0"),
        ({"network": "resnet"}, ValueError, "network = 'resnet'"),
        ({"width": 0}, ValueError, "width = 0"),
        ({"latent_dim": 0}, ValueError, "latent_dim = 0"),
        ({"gradient_penalty": -1}, ValueError, "gradient_penalty = -1"),
    ],
)
def test_bad_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        Experiment(**settings)


def test_every_field_of_the_experiment_is_checked():
    """A value that fits no field is refused by each of them."""
    for field in fields(Experiment):
        with pytest.raises((TypeError, ValueError), match=field.name):
            Experiment(**{field.name: object()})


def test_conv_networks_need_pictures():
    with pytest.raises(ValueError, match=r"not samples of shape \[2\]"):
        GAN(Experiment(network="conv"), (2,))


def test_rates_fall_to_nothing_in_the_second_half():
    e = Experiment(lr_D=2e-3, lr_G=1e-3)
    rates = {
        step: (faded(e, step, 100).lr_D, faded(e, step, 100).lr_G) for step in (0, 50, 75, 100)
    }
    assert rates[0] == rates[50] == (2e-3, 1e-3)
    assert rates[75] == pytest.approx((1e-3, 5e-4)) and rates[100] == (0, 0)
    early = {step: faded(e, step, 100, begin=0.25).lr_D for step in (25, 50, 100)}
    assert early == pytest.approx({25: 2e-3, 50: 4e-3 / 3, 100: 0})


@pytest.mark.parametrize(
    ("z", "error", "says"),
    [
        (torch.zeros(5, 3), ValueError, r"z has shape \[5, 3\]; it has to be \[\.\.\., 2\]"),
        (torch.zeros(2, 5), ValueError, r"z has shape \[2, 5\]"),
        (torch.zeros(0, 2), ValueError, r"z has shape \[0, 2\]"),
        (torch.zeros(5, 2, dtype=torch.int64), TypeError, r"z is torch\.int64"),
        (torch.zeros(5, 2).numpy(), TypeError, r"z is numpy float32.*torch\.as_tensor\(z"),
        (torch.zeros(5, 2).double(), ValueError, r"z is torch\.float64 on cpu, G works in"),
        (torch.full((5, 2), torch.nan), ValueError, "z holds NaN"),
        (5, TypeError, "z is int"),
    ],
)
def test_a_z_that_G_cannot_take_is_named(z, error, says):
    with pytest.raises(error, match=says):
        GAN(SMALL, (2,)).sample(z)


def test_a_z_for_pictures_has_one_axis_of_samples():
    gan = GAN(Experiment(network="conv", width=4, latent_dim=3), (1, 8, 8))
    with pytest.raises(ValueError, match=r"it has to be \[N, 3\]"):
        gan.sample(torch.zeros(2, 4, 3))


def test_a_falsy_rng_is_not_taken_for_none():
    for wrong in (0, False, "", [], ()):
        with pytest.raises(TypeError, match="rng = "):
            GAN(SMALL, (2,)).sample_z(3, wrong)
