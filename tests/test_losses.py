"""Each loss against its printed formula, its gradient's sign, and its limit for a perfect D."""

import math

import pytest
import torch
from hypothesis import given, strategies as st

from gan_helpers.losses import LOSSES, Loss, check_loss, get_loss

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
}


def test_every_loss_has_its_printed_formula():
    assert set(PRINTED) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_value_is_the_printed_formula(name):
    loss, (printed_D, printed_G) = LOSSES[name], PRINTED[name]
    r, f = D_REAL.tolist(), D_FAKE.tolist()
    assert float(loss.discriminator(D_REAL, D_FAKE)) == pytest.approx(printed_D(r, f), rel=1e-12)
    assert float(loss.generator(D_FAKE)) == pytest.approx(printed_G(f), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_finite_differences(name):
    loss = LOSSES[name]
    real, fake = D_REAL.clone().requires_grad_(), D_FAKE.clone().requires_grad_()
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(loss.generator, (fake,))


@pytest.mark.parametrize("name", LOSSES)
def test_D_raises_real_and_lowers_fake_while_G_raises_fake(name):
    # Logits inside (0, 1): there every game wants more of the same, least squares too.
    real = torch.tensor([0.2, 0.5, 0.8], requires_grad=True)
    fake = torch.tensor([0.3, 0.6, 0.7], requires_grad=True)
    for_real, for_fake = torch.autograd.grad(LOSSES[name].discriminator(real, fake), (real, fake))
    (for_G,) = torch.autograd.grad(LOSSES[name].generator(fake), fake)
    assert (for_real < 0).all() and (for_fake > 0).all() and (for_G < 0).all()


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
    assert loss.generator(right) < loss.generator(wrong)
    if name in ("saturating", "non_saturating", "maximum_likelihood"):
        big = torch.full((4,), 60.0)
        assert float(loss.discriminator(big, -big)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"maximum_likelihood"}))
def test_huge_logits_stay_finite(name):
    d = torch.tensor([-1e4, 1e4], requires_grad=True)
    for value in (LOSSES[name].discriminator(d, d), LOSSES[name].generator(d)):
        assert value.isfinite()
        assert torch.autograd.grad(value, d, retain_graph=True)[0].isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
@given(k=st.integers(1, 4), n=st.integers(1, 9), seed=st.integers(0, 99))
def test_reduces_over_the_last_axis_only(name, k, n, seed):
    rng = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(k, n, generator=rng), torch.randn(k, n, generator=rng)
    together = LOSSES[name].discriminator(real, fake), LOSSES[name].generator(fake)
    assert together[0].shape == together[1].shape == (k,)
    for i in range(k):
        torch.testing.assert_close(together[0][i], LOSSES[name].discriminator(real[i], fake[i]))
        torch.testing.assert_close(together[1][i], LOSSES[name].generator(fake[i]))


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
