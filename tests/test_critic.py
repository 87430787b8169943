"""Critics by themselves: what they estimate, how steep they are, what goes on inside."""

import pytest
import torch
from torch import nn

from gan_helpers.critic import layer_gradients, slopes, train_critic, weight_histogram
from gan_helpers.datasets.points import gaussians_1d, ring
from gan_helpers.ensemble import stack_networks
from gan_helpers.losses import discriminator_cross_entropy
from gan_helpers.models import ConvDiscriminator, Discriminator
from gan_helpers.regularizers import set_spectral_norm


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def critic(seed=0, **kwargs):
    return Discriminator((1,), **{"width": 32, **kwargs}, rng=rng(seed))


def between(shift, std=0.1):
    return gaussians_1d([shift / 2], std), gaussians_1d([-shift / 2], std)


def test_the_slope_under_a_penalty_is_what_theory_says():
    """Between two points a shift s apart, sup s f' - lambda (f' - 1)^2 is at 1 + s / (2 lambda)."""
    shift = 4.0
    for seed, weight in ((1, 10.0), (2, 100.0)):
        D, (real, fake) = critic(seed), between(shift)
        train_critic(D, real, fake, 800, rng(seed), penalty=weight)
        low, high = D(torch.tensor([[-shift / 2], [shift / 2]])).tolist()
        assert (high - low) / shift == pytest.approx(1 + shift / (2 * weight), rel=0.03)


def test_a_probability_is_flat_where_the_fakes_are_and_a_critic_is_not():
    real, fake = between(2.0)
    x_fake = fake.sample(500, rng(9))
    D, f = critic(3), critic(3)
    train_critic(D, real, fake, 800, rng(3), loss=discriminator_cross_entropy)
    train_critic(f, real, fake, 800, rng(3), penalty=100.0)
    assert float(slopes(lambda x: D(x).sigmoid(), x_fake).mean()) < 1e-3
    assert float(slopes(f, x_fake).mean()) == pytest.approx(1, abs=0.1)


def test_a_two_sided_penalty_can_hold_a_slope_of_the_wrong_sign():
    """|f'| = 1 is as cheap at -1 as at 1; a critic that starts the wrong way may stay."""
    real, fake = between(1.0)

    def slope(seed, one_sided):
        D = critic(seed)
        train_critic(D, real, fake, 500, rng(seed), penalty=100.0, one_sided=one_sided)
        low, high = D(torch.tensor([[-0.5], [0.5]])).tolist()
        return high - low

    ends = {}  # whether it went the right way -> a seed of which that is so
    for seed in range(8):  # by chance, half of the initial critics fall to the right
        ends[slope(seed, one_sided=False) > 0] = seed
        if len(ends) == 2:
            break
    assert set(ends) == {True, False}
    assert slope(ends[False], one_sided=True) == pytest.approx(1, abs=0.1)


def test_clipped_weights_stay_inside():
    D, (real, fake) = critic(), between(1.0)
    train_critic(D, real, fake, 50, rng(), clip=0.03)
    assert max(float(p.detach().abs().max()) for p in D.parameters()) <= 0.03 + 1e-9
    shares, limit = weight_histogram(D)
    assert limit == pytest.approx(0.03)
    assert float(shares[0] + shares[-1]) > 0.3  # they pile up at the borders


def test_a_stack_of_critics_learns_what_each_learns_alone():
    real, fake = between(1.0)
    for change in ({"penalty": 10.0}, {"clip": 0.05}, {"loss": discriminator_cross_entropy}):
        alone, stacked = ([critic(seed).double() for seed in range(3)] for _ in range(2))
        for seed, D in enumerate(alone):
            train_critic(D, Exact(real), Exact(fake), 30, rng(seed), **change)
        train_critic(
            stack_networks(stacked), Exact(real), Exact(fake), 30, [rng(s) for s in range(3)],
            **change,
        )  # fmt: skip
        for one, other in zip(alone, stacked, strict=True):
            for a, b in zip(one.parameters(), other.parameters(), strict=True):
                torch.testing.assert_close(a, b, atol=1e-8, rtol=0)


class Exact:
    """A distribution whose samples have twice the precision, so that only maths may differ."""

    def __init__(self, data):
        self.data = data

    def sample(self, n, rng):
        return self.data.sample(n, rng).double()


def test_slopes_are_those_of_finite_differences():
    D, x = (
        Discriminator((2,), 16, 2, rng(1)).double(),
        torch.randn(20, 2, generator=rng(2)).double(),
    )
    steps = 1e-6 * torch.eye(2).double()
    with torch.no_grad():
        by_hand = torch.stack([(D(x + s) - D(x - s)) / 2e-6 for s in steps], dim=1)
    torch.testing.assert_close(slopes(D, x), by_hand.norm(dim=1), atol=1e-6, rtol=1e-4)


def test_what_arrives_at_a_layer_is_the_product_of_those_behind_it():
    D = Discriminator((2,), 8, 3, rng(1))
    x = torch.randn(5, 2, generator=rng(2))
    found = layer_gradients(D, x)
    assert len(found) == 4
    assert float(found[-1]) == pytest.approx(float(D.net.out.weight.detach().norm()), rel=1e-5)
    torch.testing.assert_close(found[0], slopes(D, x).mean())
    assert all(p.grad is None for p in D.parameters())


def test_small_weights_let_the_gradient_fade_from_layer_to_layer():
    data = ring()
    D = Discriminator((2,), 32, 6, rng(0))
    train_critic(D, data, gaussians_2d(), 100, rng(0), clip=0.01)
    found = layer_gradients(D, data.sample(64, rng(1)))
    assert float(found[0] / found[-1]) < 1e-2
    assert (found.diff() > 0).all()  # weaker at each layer on the way back to the input


def gaussians_2d():
    from gan_helpers.datasets.points import Mixture

    return Mixture("blob", torch.zeros(1, 2), torch.full((1,), 0.3), torch.ones(1))


@pytest.mark.parametrize("on", [False, True])
def test_pictures_and_normalized_layers_have_an_inside_too(on):
    D = ConvDiscriminator(16, 8, rng=rng())
    set_spectral_norm(D, on)
    found = layer_gradients(D, torch.rand(3, 1, 16, 16, generator=rng(1)))
    assert found.shape == (3,) and (found > 0).all()
    shares, limit = weight_histogram(D, bins=11)
    assert shares.shape == (11,) and float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert limit == pytest.approx(max(float(p.detach().abs().max()) for p in D.parameters()))


def test_weights_that_are_all_zero_or_not_finite_have_a_histogram():
    D = nn.Linear(2, 2)
    nn.init.zeros_(D.weight), nn.init.zeros_(D.bias)
    shares, limit = weight_histogram(D)
    assert limit == 1.0 and float(shares.sum()) == pytest.approx(1)
    with torch.no_grad():
        D.weight[0, 0] = torch.nan
    weight_histogram(D)
