"""Penalties against exact gradients, clipping, and spectral norms against the SVD."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from gan_helpers.datasets.points import ring
from gan_helpers.experiment import Experiment
from gan_helpers.models import ConvDiscriminator, Discriminator
from gan_helpers.regularizers import (
    SpectralNorm,
    clip_weights,
    gradient_penalty,
    r1_penalty,
    r2_penalty,
    set_spectral_norm,
)
from gan_helpers.training import GAN, add_penalties


def linear_critic(slope):
    return lambda x: (x * slope).flatten(1).sum(1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), n=st.integers(1, 50))
def test_penalties_of_a_linear_critic_are_exact(a, b, n):
    """D(x) = a x1 + b x2 has the gradient (a, b) everywhere, whatever the batch size."""
    slope = torch.tensor([a, b], dtype=torch.float64)
    real, fake = torch.randn(2, n, 2, dtype=torch.float64, generator=seeded())
    length = slope.norm()
    gp = gradient_penalty(linear_critic(slope), real, fake, seeded())
    torch.testing.assert_close(gp, (length - 1) ** 2)
    above = gradient_penalty(linear_critic(slope), real, fake, seeded(), one_sided=True)
    torch.testing.assert_close(above, (length - 1).clamp(min=0) ** 2)  # slopes below 1 are free
    torch.testing.assert_close(r1_penalty(linear_critic(slope), real), length**2)
    torch.testing.assert_close(r2_penalty(linear_critic(slope), fake), length**2)


def test_r1_is_at_real_samples_and_r2_at_generated_ones():
    """D(x) = x^2 / 2 has the slope x: each term is the mean square of what it looks at."""
    data, experiment = ring(), Experiment(width=8, depth=1, batch_size=16)
    x_real, x_fake = data.sample(16, seeded()), data.sample(16, seeded(1)) / 2

    def D(x):
        return x.square().sum(-1) / 2

    for weights, expected in (
        ({"r1": 3.0}, 3 * x_real.square().sum(-1).mean()),
        ({"r2": 3.0}, 3 * x_fake.square().sum(-1).mean()),
        ({"r1": 1.0, "r2": 2.0}, (x_real.square() + 2 * x_fake.square()).sum(-1).mean()),
    ):
        gan = GAN(replace(experiment, **weights), (2,))
        found = add_penalties(torch.zeros(()), gan, x_real, x_fake, D)
        torch.testing.assert_close(found, expected)


def test_norm_is_per_sample_for_pictures():
    slope = torch.randn(1, 6, 6, generator=seeded(), dtype=torch.float64)
    real, fake = torch.randn(2, 5, 1, 6, 6, dtype=torch.float64, generator=seeded(1))
    expected = (slope.flatten().norm() - 1) ** 2
    torch.testing.assert_close(
        gradient_penalty(linear_critic(slope), real, fake, seeded()), expected
    )


def test_one_interpolation_weight_per_sample():
    """With real = 1 and fake = 0, x_hat is the weight itself: equal in a sample, not in a batch."""
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    gradient_penalty(critic, torch.ones(8, 1, 4, 4), torch.zeros(8, 1, 4, 4), seeded())
    weights = seen[0].flatten(1)
    assert (weights == weights[:, :1]).all()
    assert len(weights[:, 0].unique()) == 8
    assert ((weights >= 0) & (weights <= 1)).all()


def test_an_ensemble_axis_gives_one_number_each():
    def critic(x):  # (K, N, 2) -> (K, N)
        return x.sum(-1) * torch.tensor([1.0, 2.0])[:, None]

    real, fake = torch.randn(2, 2, 7, 2, generator=seeded())
    gp = gradient_penalty(critic, real, fake, seeded(), batch_dims=2)
    expected = (torch.tensor([1.0, 2.0]) * 2**0.5 - 1).square()
    torch.testing.assert_close(gp, expected)


def test_penalty_trains_D():
    """Its gradient reaches D's weights, and agrees with finite differences."""
    D = Discriminator((2,), 4, 1, seeded()).double()
    real, fake = torch.randn(2, 6, 2, dtype=torch.float64, generator=seeded(1))
    weight = D.net.hidden[0].weight
    value = gradient_penalty(D, real, fake, seeded(2))
    (gradient,) = torch.autograd.grad(value, weight)
    h = 1e-6
    with torch.no_grad():
        weight[0, 0] += h
    up = gradient_penalty(D, real, fake, seeded(2))
    with torch.no_grad():
        weight[0, 0] -= 2 * h
    down = gradient_penalty(D, real, fake, seeded(2))
    assert float((up - down).detach() / (2 * h)) == pytest.approx(float(gradient[0, 0]), rel=1e-5)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"x_real \(3, 2\) and x_fake \(4, 2\)"):
        gradient_penalty(linear_critic(1.0), torch.zeros(3, 2), torch.zeros(4, 2))


@given(c=st.floats(1e-3, 1.0))
@settings(max_examples=20)
def test_clipping_keeps_every_weight_within_c(c):
    D = Discriminator((2,), 8, 2, seeded())
    before = [p.clone() for p in D.parameters()]
    clip_weights(D, c)
    for old, new in zip(before, D.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old.clamp(-c, c))


def largest_singular_value(weight):
    return float(torch.linalg.matrix_norm(weight.detach().flatten(1), ord=2))


@pytest.mark.parametrize("make", [Discriminator, lambda rng: ConvDiscriminator(rng=rng)])
def test_spectral_norm_of_every_layer_is_one(make):
    for seed in range(5):
        D = make(rng=seeded(seed))
        set_spectral_norm(D, True)
        x = torch.zeros(2, *((getattr(D, "event_dims", 3) == 1 and (2,)) or (1, 16, 16)))
        for _ in range(50):
            D(x)
        layers = [m for m in D.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        assert len(layers) >= 3
        for layer in layers:
            assert largest_singular_value(layer.weight) == pytest.approx(1, abs=0.02)


def test_spectral_norm_can_be_switched_and_keeps_the_parameters():
    D = Discriminator(rng=seeded())
    optimizer = torch.optim.Adam(D.parameters())
    before = {id(p) for p in D.parameters()}
    layers = [m for m in D.modules() if isinstance(m, nn.Linear)]
    values = [layer.weight.clone() for layer in layers]
    set_spectral_norm(D, True)
    assert (
        {id(p) for p in D.parameters()}
        == before
        == {id(p) for g in optimizer.param_groups for p in g["params"]}
    )
    set_spectral_norm(D, False)
    for old, layer in zip(values, layers, strict=True):
        assert torch.equal(old, layer.weight)


def test_looking_does_not_move_the_power_iteration():
    norm = SpectralNorm(torch.randn(5, 4, generator=seeded()), warm_up=1)
    u = norm.u.clone()
    norm.eval()(torch.randn(5, 4, generator=seeded()))
    assert torch.equal(u, norm.u)
    norm.train()(torch.randn(5, 4, generator=seeded()))
    assert not torch.equal(u, norm.u)
