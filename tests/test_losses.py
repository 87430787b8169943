"""Each loss against its printed formula, its gradient's sign, and its limit for a perfect D."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, strategies as st

from gan_helpers.losses import LOSSES, Loss, check_loss, get_loss, reversed_losses

D_REAL = torch.tensor([0.7, -1.2, 3.0], dtype=torch.float64)
D_FAKE = torch.tensor([-0.4, 2.1, 0.3], dtype=torch.float64)


def mean(values):
    return sum(values) / len(values)


def sigmoid(d):
    return 1 / (1 + math.exp(-d))


def cross_entropy(r, f):
    return -mean([math.log(sigmoid(d)) for d in r]) - mean([math.log(1 - sigmoid(d)) for d in f])


# The formulas as the papers print them, on plain floats.
PRINTED = {
    "saturating": (cross_entropy, lambda f: mean([math.log(1 - sigmoid(d)) for d in f])),
    "non_saturating": (cross_entropy, lambda f: -mean([math.log(sigmoid(d)) for d in f])),
    "maximum_likelihood": (
        cross_entropy,
        lambda f: -mean([sigmoid(d) / (1 - sigmoid(d)) for d in f]),
    ),
    "least_squares": (
        lambda r, f: 0.5 * mean([(d - 1) ** 2 for d in r]) + 0.5 * mean([d**2 for d in f]),
        lambda f: 0.5 * mean([(d - 1) ** 2 for d in f]),
    ),
    "hinge": (
        lambda r, f: mean([max(0, 1 - d) for d in r]) + mean([max(0, 1 + d) for d in f]),
        lambda f: -mean(f),
    ),
    "wasserstein": (lambda r, f: -(mean(r) - mean(f)), lambda f: -mean(f)),
    "relativistic": (
        lambda r, f: -mean([math.log(sigmoid(a - b)) for a, b in zip(r, f, strict=True)]),
        lambda r, f: -mean([math.log(sigmoid(b - a)) for a, b in zip(r, f, strict=True)]),
    ),
}
PAIRED = [name for name, loss in LOSSES.items() if loss.sees_real]


def for_G(loss, real, fake):
    """What G minimises, whether its loss asks for the real logits or not."""
    return loss.generator(real, fake) if loss.sees_real else loss.generator(fake)


def test_every_loss_has_its_printed_formula():
    assert set(PRINTED) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_value_is_the_printed_formula(name):
    loss, (printed_D, printed_G) = LOSSES[name], PRINTED[name]
    r, f = D_REAL.tolist(), D_FAKE.tolist()
    assert float(loss.discriminator(D_REAL, D_FAKE)) == pytest.approx(printed_D(r, f), rel=1e-12)
    seen = (r, f) if loss.sees_real else (f,)
    assert float(for_G(loss, D_REAL, D_FAKE)) == pytest.approx(printed_G(*seen), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_finite_differences(name):
    loss = LOSSES[name]
    real, fake = D_REAL.clone().requires_grad_(), D_FAKE.clone().requires_grad_()
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(partial(for_G, loss), (real, fake))


@pytest.mark.parametrize("name", LOSSES)
def test_D_raises_real_and_lowers_fake_while_G_raises_fake(name):
    # Logits inside (0, 1): there every game wants more of the same, least squares too.
    real = torch.tensor([0.2, 0.5, 0.8], requires_grad=True)
    fake = torch.tensor([0.3, 0.6, 0.7], requires_grad=True)
    for_real, for_fake = torch.autograd.grad(LOSSES[name].discriminator(real, fake), (real, fake))
    (moves,) = torch.autograd.grad(for_G(LOSSES[name], real, fake), fake)
    assert (for_real < 0).all() and (for_fake > 0).all() and (moves < 0).all()


def generator_slope(name, logit):
    d = torch.tensor([float(logit)], dtype=torch.float64, requires_grad=True)
    return abs(float(torch.autograd.grad(LOSSES[name].generator(d), d)[0]))


def test_saturation_is_where_D_rejects_the_fakes():
    """log(1 - D) is flat at D(G(z)) near 0, not near 1; the non-saturating loss is the mirror."""
    assert generator_slope("saturating", -12) < 1e-5
    assert generator_slope("saturating", +12) == pytest.approx(1, abs=1e-5)
    assert generator_slope("non_saturating", -12) == pytest.approx(1, abs=1e-5)
    assert generator_slope("non_saturating", +12) < 1e-5
    assert generator_slope("maximum_likelihood", -12) < 1e-5
    assert generator_slope("wasserstein", -12) == 1


def test_saturating_and_non_saturating_pull_the_same_way_with_different_strength():
    """d/dlogit is -D and -(1 - D)."""
    for logit in (-3.0, 0.0, 2.0):
        assert generator_slope("saturating", logit) == pytest.approx(sigmoid(logit))
        assert generator_slope("non_saturating", logit) == pytest.approx(1 - sigmoid(logit))


@pytest.mark.parametrize("name", LOSSES)
def test_perfect_D_has_the_lowest_loss(name):
    loss = LOSSES[name]
    right, wrong = torch.full((4,), 1.0), torch.full((4,), -1.0)
    assert loss.discriminator(right, wrong) < loss.discriminator(wrong, right)
    assert for_G(loss, wrong, right) < for_G(loss, right, wrong)
    if name in ("saturating", "non_saturating", "maximum_likelihood"):
        big = torch.full((4,), 60.0)
        assert float(loss.discriminator(big, -big)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"maximum_likelihood"}))
def test_huge_logits_stay_finite(name):
    d = torch.tensor([-1e4, 1e4], requires_grad=True)
    for value in (LOSSES[name].discriminator(d, -d), for_G(LOSSES[name], -d, d)):
        assert value.isfinite()
        assert torch.autograd.grad(value, d, retain_graph=True)[0].isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
@given(k=st.integers(1, 4), n=st.integers(1, 9), seed=st.integers(0, 99))
def test_reduces_over_the_last_axis_only(name, k, n, seed):
    rng = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(k, n, generator=rng), torch.randn(k, n, generator=rng)
    together = LOSSES[name].discriminator(real, fake), for_G(LOSSES[name], real, fake)
    assert together[0].shape == together[1].shape == (k,)
    for i in range(k):
        torch.testing.assert_close(together[0][i], LOSSES[name].discriminator(real[i], fake[i]))
        torch.testing.assert_close(together[1][i], for_G(LOSSES[name], real[i], fake[i]))


def test_cross_entropy_is_torchs_own():
    """D's loss is the binary cross-entropy: the blank in the deck."""
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    expected = bce(D_REAL, torch.ones_like(D_REAL)) + bce(D_FAKE, torch.zeros_like(D_FAKE))
    torch.testing.assert_close(LOSSES["saturating"].discriminator(D_REAL, D_FAKE), expected)


def test_unknown_loss_names_what_there_is():
    with pytest.raises(ValueError, match=r"loss = 'wgan' is unknown.*wasserstein"):
        get_loss("wgan")


@pytest.mark.parametrize("name", LOSSES)
def test_check_accepts_every_loss(name):
    check_loss(LOSSES[name])


@pytest.mark.parametrize(
    ("discriminator", "generator", "message"),
    [
        (lambda r, f: 1.0, lambda f: f.mean(), "has to return a tensor"),
        (lambda r, f: r, lambda f: f.mean(), "one number"),
        (lambda r, f: r.mean(), lambda f: f.log().mean(), "is nan"),
        (lambda r, f: r.mean().detach(), lambda f: f.mean(), "no gradient"),
    ],
)
def test_check_names_the_slip(discriminator, generator, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_loss(Loss("mine", discriminator, generator))


# --- losses of pairs -----------------------------------------------------------------------------


def test_only_the_relativistic_game_shows_G_the_real_logits():
    assert PAIRED == ["relativistic"]
    relative = [name for name, loss in LOSSES.items() if loss.is_relative]
    assert relative == ["wasserstein", "relativistic"]


def test_the_relativistic_losses_by_hand():
    """The pairs are those drawn: (2, 0) and (-1, 1), so the differences are 2 and -2."""
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.0, 1.0])
    loss = LOSSES["relativistic"]
    by_hand = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2))) / 2
    assert float(loss.discriminator(real, fake)) == pytest.approx(by_hand)
    assert float(loss.generator(real, fake)) == pytest.approx(by_hand)
    swapped = fake.flip(0)  # other partners, another loss: 1 and -1
    assert float(loss.discriminator(real, swapped)) == pytest.approx(
        (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1))) / 2
    )


def test_a_pair_pushes_by_how_far_the_real_one_is_ahead():
    """dL_G/dd_fake = -sigmoid(d_real - d_fake) / N: a sample that has won is left alone."""
    real = torch.tensor([0.0, 5.0, -40.0], dtype=torch.float64)
    fake = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    (push,) = torch.autograd.grad(LOSSES["relativistic"].generator(real, fake), fake)
    torch.testing.assert_close(push, -torch.sigmoid(real) / 3)


@pytest.mark.parametrize("name", [n for n, loss in LOSSES.items() if loss.is_relative])
def test_a_constant_added_to_D_changes_nothing(name):
    loss = LOSSES[name]
    moved = D_REAL + 7, D_FAKE + 7
    torch.testing.assert_close(loss.discriminator(*moved), loss.discriminator(D_REAL, D_FAKE))
    inputs = [[t.clone().requires_grad_() for t in pair] for pair in ((D_REAL, D_FAKE), moved)]
    first, second = (
        torch.autograd.grad(loss.discriminator(*pair) + for_G(loss, *pair), pair) for pair in inputs
    )
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b)
    if loss.sees_real:
        torch.testing.assert_close(for_G(loss, *moved), for_G(loss, D_REAL, D_FAKE))


def over_all_pairs(function, d, p, q):
    """The expectation over x of p and G(z) of q, for logits `[M]` of M places."""
    values = function(d[:, None, None], d[None, :, None])  # (M, M): one pair each
    return (p[:, None] * q * values).sum()


def test_the_best_relativistic_D_is_the_log_ratio_of_the_densities():
    """Up to a constant: it is stationary there, and any other D has a larger loss."""
    p, q = (torch.tensor(v, dtype=torch.float64) for v in ([0.5, 0.3, 0.2], [0.1, 0.3, 0.6]))
    best = ((p / q).log() + 3).requires_grad_()
    D_loss = LOSSES["relativistic"].discriminator
    value = over_all_pairs(D_loss, best, p, q)
    (slope,) = torch.autograd.grad(value, best)
    assert slope.abs().max() < 1e-12
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        other = best.detach() + 0.3 * torch.randn(3, dtype=torch.float64, generator=rng)
        assert over_all_pairs(D_loss, other, p, q) > value


def test_where_both_densities_agree_the_game_stands_still():
    """p = q and a D that is flat: neither player has a slope, and both losses are log 2."""
    p = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    d = torch.full((3,), 1.7, dtype=torch.float64, requires_grad=True)
    loss = LOSSES["relativistic"]
    for function in (loss.discriminator, loss.generator):
        value = over_all_pairs(function, d, p, p)
        assert float(value.detach()) == pytest.approx(math.log(2))
        assert torch.autograd.grad(value, d)[0].abs().max() < 1e-12


HINGE = LOSSES["hinge"]


@pytest.mark.parametrize(
    ("generator", "two"),
    [
        (lambda f: -f.mean(-1), False),
        (lambda r, f: (r - f).mean(-1), True),
        (lambda f, margin=1.0: (margin - f).mean(-1), False),
        (lambda r, f, margin=1.0: (margin + r - f).mean(-1), True),
        (lambda *logits: -logits[-1].mean(-1), False),
        (partial(lambda margin, r, f: (margin + r - f).mean(-1), 1.0), True),
        (partial(lambda f, margin: (margin - f).mean(-1), margin=1.0), False),
        (torch.nn.Softplus(), False),
        (torch.mean, False),  # has no signature that Python could read
    ],
)
def test_a_loss_finds_out_how_many_arguments_it_takes(generator, two):
    own = Loss("own", HINGE.discriminator, generator)
    assert own.sees_real is two
    assert replace(HINGE, generator=generator).sees_real is two  # found out anew


@pytest.mark.parametrize("generator", [lambda a, b, c: a, lambda: 1, lambda *, d_fake: d_fake])
def test_a_loss_of_neither_one_nor_two_arguments_is_refused(generator):
    with pytest.raises(TypeError, match=r"generator asks for \d arguments; .* \(d_real, d_fake\)"):
        Loss("own", HINGE.discriminator, generator)


def test_a_loss_of_G_that_looks_at_real_samples_only_is_refused():
    own = Loss("own", HINGE.discriminator, lambda d_fake, d_real: -d_fake.mean(-1))  # swapped
    with pytest.raises(ValueError, match="does not depend on d_fake"):
        check_loss(own)


def test_a_reversed_loss_of_pairs_is_found():
    ours = LOSSES["relativistic"]
    assert reversed_losses(ours) == []
    swapped = replace(ours, generator=ours.discriminator)
    assert reversed_losses(swapped) == ["generator"]
