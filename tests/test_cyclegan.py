"""CycleGAN: the steps against the equations by hand, the history, and the way there and back."""

from dataclasses import replace

import pytest
import torch

from gan_helpers.datasets.pairs import Unpaired
from gan_helpers.translation.cyclegan import CycleGAN, History, cycle_step, step_both_D, step_both_G
from gan_helpers.translation.training import Translation

SMALL = Translation(loss="least_squares", width=4, depth=2, width_D=4, batch_size=4, history=0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n, channels=1, seed=0):
    return torch.rand(n, channels, 16, 16, generator=seeded(seed)) * 2 - 1


def exact(channels=(1, 1), **settings):
    """In double precision, so that only mathematics may differ."""
    gan = CycleGAN(replace(SMALL, **settings), channels)
    gan.G.double(), gan.D.double()
    a, b = pictures(4, channels[0]).double(), pictures(4, channels[1], 1).double()
    return gan, a, b


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def same(before, net):
    return all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize(("cycle", "identity"), [(10.0, 0.5), (10.0, 0.0), (0.0, 0.5)])
def test_losses_are_the_printed_ones(cycle, identity):
    """Least squares as in the paper; lambda (|F(G(a)) - a| + |G(F(b)) - b|); the identity loss."""
    gan, a, b = exact(cycle=cycle, identity=identity)
    ab, ba, D_a, D_b = gan.G["ab"], gan.G["ba"], gan.D["a"], gan.D["b"]
    fake_b, fake_a = ab(a), ba(b)
    G = 0.5 * (D_b(fake_b) - 1).square().mean() + 0.5 * (D_a(fake_a) - 1).square().mean()
    G = G + cycle * ((ba(fake_b) - a).abs().mean() + (ab(fake_a) - b).abs().mean())
    G = G + cycle * identity * ((ab(b) - b).abs().mean() + (ba(a) - a).abs().mean())
    loss, made_a, made_b = step_both_G(gan.copy(), a, b)
    torch.testing.assert_close(loss, G)
    torch.testing.assert_close(made_a, fake_a)
    torch.testing.assert_close(made_b, fake_b)
    D = sum(
        0.5 * (net(real) - 1).square().mean() + 0.5 * net(fake).square().mean()
        for net, real, fake in ((D_a, a, fake_a), (D_b, b, fake_b))
    )
    torch.testing.assert_close(step_both_D(gan.copy(), a, b, fake_a, fake_b), D)


def test_each_step_moves_its_own_players_only():
    gan, a, b = exact()
    G, D = weights(gan.G), weights(gan.D)
    _, fake_a, fake_b = step_both_G(gan, a, b)
    assert same(D, gan.D) and not same(G, gan.G) and gan.step == 1
    assert not fake_a.requires_grad and not fake_b.requires_grad
    G = weights(gan.G)
    step_both_D(gan, a, b, fake_a, fake_b)
    assert same(G, gan.G) and not same(D, gan.D)


def test_both_generators_and_both_discriminators_learn():
    gan = CycleGAN(SMALL, (1, 3))
    before = {k: weights(net) for nets in (gan.G, gan.D) for k, net in nets.items()}
    cycle_step(gan, Unpaired("u", pictures(8), pictures(8, 3, 1)))
    for nets in (gan.G, gan.D):
        for name, net in nets.items():
            assert not same(before[name], net), name


def test_worlds_of_other_colours_have_no_identity_loss():
    """Grey cannot stay as it is in a world of colours; the rest is unchanged."""
    gan, a, b = exact((1, 3), identity=0.5)
    loss, _, _ = step_both_G(gan.copy(), a, b)
    gan.configure(replace(gan.experiment, identity=0.0))
    torch.testing.assert_close(loss, step_both_G(gan, a, b)[0])
    assert gan.to_b(a).shape[1] == 3 and gan.to_a(b).shape[1] == 1


def test_same_seed_same_numbers_and_a_copy_has_the_same_future():
    data = Unpaired("u", pictures(8), pictures(8, seed=1))
    settings = replace(SMALL, history=6)
    one, same_seed, other = (CycleGAN(settings, (1, 1), seed) for seed in (0, 0, 1))
    for gan in (one, same_seed, other):
        for _ in range(4):
            cycle_step(gan, data)
    assert same(weights(one.G), same_seed.G) and not same(weights(one.G), other.G)
    twin = one.copy()
    for gan in (one, twin):
        for _ in range(2):
            cycle_step(gan, data)
    assert same(weights(one.D), twin.D)


# --- the history ---------------------------------------------------------------------------------


def numbered(first, n):
    """Pictures that say which they are."""
    return torch.arange(first, first + n).float()[:, None, None, None].expand(n, 1, 2, 2).clone()


def test_history_returns_half_of_them_old():
    """Of 4,000 returned about half are older; five standard deviations are 4 %."""
    history, rng = History(50), seeded()
    old = 0
    for step in range(1100):
        new = numbered(4 * step, 4)
        out = history(new, rng)
        assert out.shape == new.shape
        assert out.max() < 4 * step + 4  # nothing from the future
        if step >= 100:
            old += int((out[:, 0, 0, 0] < 4 * step).sum())
    assert abs(old / 4000 - 0.5) < 0.04


def test_history_takes_each_place_once_and_keeps_its_size():
    history, rng = History(8), seeded()
    for step in range(200):
        history(numbered(4 * step, 4), rng)
        assert len(history.kept) <= 8
        assert len(history.kept.unique()) == len(history.kept)


@pytest.mark.parametrize("size", [0, 3, 10])
def test_history_takes_any_batch(size):
    history, rng = History(size), seeded()
    for step in range(20):
        new = numbered(5 * step, 5)
        out = history(new, rng)
        assert out.shape == new.shape and not out.requires_grad
        if size == 0:
            assert torch.equal(out, new)


def test_history_gives_no_gradient():
    fake = numbered(0, 4).requires_grad_()
    assert not History(0)(fake, seeded()).requires_grad


def test_wrong_size_of_history_is_named():
    with pytest.raises(ValueError, match="size = -1"):
        History(-1)
