"""The Wasserstein distance against SciPy, a linear program, closed forms and its own definition."""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch
from hypothesis import given, settings, strategies as st

from gan_helpers.transport import (
    optimal_assignment,
    optimal_critic,
    wasserstein_distance,
    wasserstein_of_densities,
)

seeds = st.integers(0, 10_000)


def samples(n, d, seed):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 40), st.integers(1, 40), seeds)
def test_on_a_line_it_is_scipys(n, m, seed):
    x, y = samples(n, 1, seed), 2 * samples(m, 1, seed + 1) + 0.5
    wanted = scipy.stats.wasserstein_distance(x[:, 0].numpy(), y[:, 0].numpy())
    assert float(wasserstein_distance(x, y)) == pytest.approx(wanted, abs=1e-6)


@given(st.integers(1, 40), seeds)
def test_equally_many_on_a_line_are_paired_in_their_order(n, seed):
    x, y = samples(n, 1, seed), samples(n, 1, seed + 1)
    pairs = (x.sort(0).values - y.sort(0).values).abs().mean()
    assert float(wasserstein_distance(x, y)) == pytest.approx(float(pairs), abs=1e-9)


def linear_program(x, y):
    """min sum T_ij |x_i - y_j| over all couplings T, by its definition."""
    n, m = len(x), len(y)
    cost = torch.cdist(x, y).numpy()
    rows = np.kron(np.eye(n), np.ones(m))  # what leaves each x
    columns = np.kron(np.ones(n), np.eye(m))  # what arrives at each y
    held = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    solved = scipy.optimize.linprog(
        cost.ravel(), A_eq=np.concatenate([rows, columns]), b_eq=held, method="highs"
    )
    assert solved.success
    return solved.fun


@pytest.mark.parametrize("d", [2, 3])
@settings(max_examples=25)
@given(n=st.integers(1, 9), seed=seeds)
def test_in_the_plane_it_is_the_linear_program(d, n, seed):
    x, y = samples(n, d, seed), samples(n, d, seed + 1) + 1
    assert float(wasserstein_distance(x, y)) == pytest.approx(linear_program(x, y), abs=1e-6)


@given(st.integers(1, 30), st.integers(1, 3), seeds)
def test_it_is_a_metric(n, d, seed):
    x, y, z = (samples(n, d, seed + k) for k in range(3))
    assert float(wasserstein_distance(x, x[torch.randperm(n)])) == pytest.approx(0, abs=1e-9)
    assert float(wasserstein_distance(x, y)) == pytest.approx(float(wasserstein_distance(y, x)))
    way_round = wasserstein_distance(x, z) + wasserstein_distance(z, y)
    assert float(wasserstein_distance(x, y)) <= float(way_round) + 1e-9


@given(st.integers(1, 30), st.integers(1, 3), seeds)
def test_a_shift_is_as_far_as_it_shifts(n, d, seed):
    x, by = samples(n, d, seed), samples(1, d, seed + 7)
    assert float(wasserstein_distance(x, x + by)) == pytest.approx(float(by.norm()), abs=1e-6)


def test_every_y_is_used_once():
    match = optimal_assignment(samples(50, 2, 0), samples(50, 2, 1))
    assert sorted(match.tolist()) == list(range(50))


def normal(x, mean, std):
    return torch.exp(-(((x - mean) / std) ** 2) / 2) / (std * (2 * torch.pi) ** 0.5)


@pytest.mark.parametrize(("mean", "std"), [(2.0, 0.5), (-1.0, 0.5), (0.0, 1.5)])
def test_of_densities_the_closed_form_and_the_best_critic_reaches_it(mean, std):
    x = torch.linspace(-12, 12, 4801, dtype=torch.float64)
    dx = float(x[1] - x[0])
    p, q = normal(x, mean, std), normal(x, 0.0, 0.5)
    # Equal widths: the shift. Equal means: |s - t| E|z|, as all mass moves along one map.
    wanted = abs(mean) if std == 0.5 else (std - 0.5) * (2 / torch.pi) ** 0.5
    distance = float(wasserstein_of_densities(p, q, dx))
    assert distance == pytest.approx(wanted, rel=1e-3)
    best = optimal_critic(p, q, dx)
    assert float(best.diff().abs().max()) <= dx + 1e-12  # 1-Lipschitz
    assert float((best * (p - q)).sum() * dx) == pytest.approx(distance, rel=5e-3)


@given(seeds)
def test_no_other_1_lipschitz_critic_says_more(seed):
    x = torch.linspace(-6, 6, 601, dtype=torch.float64)
    dx = float(x[1] - x[0])
    p, q = normal(x, 1.0, 0.5), normal(x, -1.0, 1.0)
    slopes = torch.rand(601, generator=torch.Generator().manual_seed(seed)).double() * 2 - 1
    some = slopes.cumsum(0) * dx
    assert float((some * (p - q)).sum() * dx) <= float(wasserstein_of_densities(p, q, dx)) + 1e-3


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(3), torch.zeros(3, 1), r"x has shape \[3\]; samples are \[N, d\]"),
        (torch.zeros(3, 2), torch.zeros(4, 2), "x has 3 samples, y has 4"),
        (torch.zeros(3, 2), torch.zeros(3, 1), "x lives in 2 dimensions, y in 1"),
        (torch.zeros(0, 2), torch.zeros(3, 2), "x has shape"),
        (torch.zeros(3, 1), torch.full((3, 1), torch.nan), "y holds NaN or infinity"),
    ],
)
def test_what_cannot_be_compared_is_named(x, y, message):
    with pytest.raises(ValueError, match=message):
        wasserstein_distance(x, y)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.zeros(3, 1).numpy(), r"x is numpy float32.*torch\.as_tensor\(x, dtype="),
        (torch.zeros(3, 1, dtype=torch.int64), r"x is torch\.int64.*torch\.as_tensor\(x, dtype="),
        ([[0.0], [1.0]], "x is list"),
        (None, "x is NoneType"),
    ],
)
def test_samples_of_another_kind_are_told_how_to_become_right(x, says):
    with pytest.raises(TypeError, match=says):
        wasserstein_distance(x, torch.zeros(3, 1))


def test_samples_of_two_precisions_and_with_gradients():
    x = samples(5, 2, 0)
    with pytest.raises(ValueError, match=r"x is .*float64 on cpu, y is .*float32"):
        wasserstein_distance(x.double(), x.float())
    with pytest.raises(ValueError, match=r"y carries a gradient.*y\.detach\(\)"):
        wasserstein_distance(x, x.clone().requires_grad_())
    line = x[:, :1].clone().requires_grad_()  # on a line there is one
    (gradient,) = torch.autograd.grad(wasserstein_distance(line, line.detach() + 1), line)
    assert float(gradient.sum()) == pytest.approx(-1)


@pytest.mark.parametrize("d", [1, 2])
def test_what_has_blown_up_is_far_but_not_lost(d):
    """Squares of distances are infinite in float32 from 1.8e19 on."""
    x, y = samples(20, d, 0).float(), samples(20, d, 1).float()
    near = float(wasserstein_distance(x, y))
    assert float(wasserstein_distance(1e30 * x, 1e30 * y)) == pytest.approx(1e30 * near, rel=1e-5)


@pytest.mark.parametrize(
    ("p", "q", "dx", "says"),
    [
        (torch.ones(10), torch.full((10,), 0.1), 1.0, "p has the integral 10"),
        (torch.full((10,), 0.1), torch.full((9,), 0.1), 1.0, r"q has shape \[9\], p has \[10\]"),
        (torch.full((10,), 0.1), torch.full((10,), -0.1), 1.0, "q holds -0.1"),
        (torch.full((10,), 0.1), torch.full((10,), 0.1), 0, "dx = 0 is out of range"),
    ],
)
def test_what_is_no_density_is_named(p, q, dx, says):
    with pytest.raises(ValueError, match=says):
        wasserstein_of_densities(p, q, dx)
