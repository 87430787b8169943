"""pix2pix: the steps against the equations by hand, and what each loss alone is drawn to."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import softplus

from gan_helpers.datasets.pairs import Pairs
from gan_helpers.training import gradient_norm
from gan_helpers.translation.pix2pix import Pix2Pix, generate, step_D, step_G, train_step
from gan_helpers.translation.training import Translation

SMALL = Translation(width=4, depth=2, width_D=4, batch_size=4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n, channels=1, seed=0):
    return torch.rand(n, channels, 16, 16, generator=seeded(seed)) * 2 - 1


def exact(**settings):
    """In double precision, so that only mathematics may differ."""
    gan = Pix2Pix(replace(SMALL, **settings), (1, 3))
    gan.G.double(), gan.D.double()
    return gan, pictures(4).double(), pictures(4, 3, 1).double()


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def same(before, net):
    return all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("conditional", [True, False])
def test_losses_are_the_printed_ones(conditional):
    """D: log D(a, b) + log(1 - D(a, G(a))); G: its own term + lambda |b - G(a)|."""
    gan, a, b = exact(conditional=conditional, l1=7.0, adversarial=0.5)

    def D(b):
        return gan.D(torch.cat([a, b], 1) if conditional else b)

    fake = gan.G(a)
    by_hand = softplus(-D(b)).mean() + softplus(D(fake)).mean()
    torch.testing.assert_close(step_D(gan.copy(), a, b, fake.detach()), by_hand)
    by_hand = 0.5 * softplus(-D(fake)).mean() + 7 * (fake - b).abs().mean()
    torch.testing.assert_close(step_G(twin := gan.copy(), a, b, twin.G(a)), by_hand)


def test_each_step_moves_its_own_player_only():
    gan, a, b = exact()
    G, D = weights(gan.G), weights(gan.D)
    step_D(gan, a, b, generate(gan, a).detach())
    assert same(G, gan.G) and not same(D, gan.D) and gan.step == 0
    D = weights(gan.D)
    step_G(gan, a, b, generate(gan, a))
    assert same(D, gan.D) and not same(G, gan.G) and gan.step == 1


def test_gradient_of_G_against_finite_differences():
    gan, a, b = exact(l1=3.0)
    gan.opt_G.param_groups[0]["lr"] = 0.0  # look at the gradient, stay where we are
    start = step_G(gan, a, b, generate(gan, a))
    weight = gan.G.up[-1][0].weight
    slope, h = float(weight.grad[0, 0, 1, 1]), 1e-6
    with torch.no_grad():
        weight[0, 0, 1, 1] += h
    moved = step_G(gan, a, b, generate(gan, a))
    assert float(moved - start) / h == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_without_adversary_D_stands_still():
    gan = Pix2Pix(replace(SMALL, adversarial=0.0), (1, 1))
    before = weights(gan.D)
    loss_D, _ = train_step(gan, Pairs("p", pictures(8), pictures(8, seed=1)))
    assert same(before, gan.D) and float(loss_D) == 0


def test_what_L1_alone_is_drawn_to_is_the_median():
    """One drawing, answers of -0.5 (two of three) and 0.5: the median is -0.5, the mean -0.17.

    Why L1 alone is soft: between answers it does not choose.
    """
    a = torch.zeros(30, 1, 16, 16)
    b = torch.full((30, 1, 16, 16), -0.5)
    b[20:] = 0.5
    gan = Pix2Pix(replace(SMALL, adversarial=0.0, lr_G=1e-2, batch_size=30), (1, 1))
    for _ in range(150):
        step_G(gan, a, b, generate(gan, a))
    inner = gan.translate(a[:1])[0, 0, 4:-4, 4:-4]  # the border sees less of the picture
    assert inner.sub(-0.5).abs().max() < 0.1


@pytest.mark.parametrize("loss", ["non_saturating", "least_squares", "hinge", "saturating"])
def test_every_game_can_be_played_and_switched(loss):
    gan = Pix2Pix(SMALL, (1, 1))
    data = Pairs("p", pictures(8), pictures(8, seed=1))
    train_step(gan, data)
    gan.configure(replace(SMALL, loss=loss, l1=1.0))
    before = weights(gan.G)
    losses = train_step(gan, data)
    assert all(torch.isfinite(x) for x in losses) and not same(before, gan.G)
    assert gradient_norm(gan.G) > 0


def test_same_seed_same_numbers_and_a_copy_has_the_same_future():
    data = Pairs("p", pictures(8), pictures(8, seed=1))
    one, same_seed, other = (Pix2Pix(SMALL, (1, 1), seed) for seed in (0, 0, 1))
    for gan in (one, same_seed, other):
        train_step(gan, data)
    assert same(weights(one.G), same_seed.G) and not same(weights(one.G), other.G)
    twin = one.copy()
    for gan in (one, twin):
        train_step(gan, data)
    assert same(weights(one.G), twin.G)


def test_the_average_follows_and_is_what_is_shown():
    gan = Pix2Pix(replace(SMALL, ema=0.5), (1, 1))
    data = Pairs("p", pictures(8), pictures(8, seed=1))
    for _ in range(3):
        train_step(gan, data)
    a = pictures(2)
    assert gan.shown is not gan.G
    torch.testing.assert_close(gan.translate(a), gan.shown(a).detach())
    assert not torch.equal(gan.translate(a), gan.G(a).detach())


def test_dropout_is_the_noise_and_stays_on():
    gan = Pix2Pix(replace(SMALL, dropout=0.5, depth=3), (1, 1))
    a = pictures(1)
    assert not torch.equal(gan.translate(a), gan.translate(a))
    plain = Pix2Pix(SMALL, (1, 1))
    assert torch.equal(plain.translate(a), plain.translate(a))


@pytest.mark.parametrize(
    ("field", "value"),
    [("l1", -1.0), ("adversarial", float("nan")), ("batch_size", 0), ("generator", "vgg"),
     ("norm", "batch"), ("n_strided", 0), ("width", 1), ("dropout", 1.0), ("loss", "l2")],
)  # fmt: skip
def test_a_field_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        Translation(**{field: value})


@pytest.mark.parametrize(("field", "value"), [("conditional", 1), ("l1", "10")])
def test_a_field_of_the_wrong_type_is_named(field, value):
    with pytest.raises(TypeError, match=field):
        Translation(**{field: value})


def test_a_change_that_needs_new_networks_says_so():
    gan = Pix2Pix(SMALL, (1, 1))
    with pytest.raises(ValueError, match="width, conditional cannot change"):
        gan.configure(replace(SMALL, width=8, conditional=False))


@pytest.mark.parametrize(
    ("a", "error", "says"),
    [
        (torch.zeros(3, 3, 16, 16), ValueError, r"a has shape \[3, 3, 16, 16\]; .*\[N, 1, H, W\]"),
        (torch.zeros(3, 1, 16, 16).numpy(), TypeError, "a is numpy float32"),
        (torch.zeros(3, 1, 16, 16).double(), ValueError, r"a is torch\.float64 on cpu, G works in"),
        (255 * torch.rand(3, 1, 16, 16), ValueError, r"a ranges from .*x / 127\.5 - 1"),
    ],
)
def test_pictures_that_cannot_be_translated_are_named(a, error, says):
    with pytest.raises(error, match=says):
        Pix2Pix(SMALL).translate(a)
