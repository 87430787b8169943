"""Densities against scipy and against their own integral, samples against exact moments."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from gan_helpers.datasets.points import (
    MAX_COMPONENTS,
    MAX_POINTS,
    MAX_STROKES,
    STAGE,
    WORLDS,
    WORLDS_1D,
    Mixture,
    from_drawing,
    from_points,
    gaussians_1d,
    grid,
    moons,
    ring,
    spiral,
    two_gaussians,
)

ALL_WORLDS = {**WORLDS, **WORLDS_1D}
coordinate = st.floats(-2, 2, allow_subnormal=False)
point = st.tuples(coordinate, coordinate)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@st.composite
def mixtures(draw, max_dim=3):
    """Any mixture: d 1 to 3, up to 6 components, unequal weights."""
    d, m = draw(st.integers(1, max_dim)), draw(st.integers(1, 6))
    rng = seeded(draw(st.integers(0, 10**6)))
    weights = torch.rand(m, generator=rng) + 0.1
    return Mixture(
        "any",
        torch.rand(m, d, generator=rng) * 4 - 2,
        torch.rand(m, generator=rng) * 0.5 + 0.05,
        weights / weights.sum(),
    )


def cells(dim, low, high, step):
    """Centres `[n^d, d]` of the cells of a regular grid, and the volume of one."""
    line = torch.arange(low + step / 2, high, step, dtype=torch.float64)
    return torch.cartesian_prod(*[line] * dim).reshape(-1, dim), step**dim


def exact_moments(mixture):
    """Mean `[d]` and covariance `[d, d]` of a mixture, by the law of total variance."""
    w, mu, s = mixture.weights.double(), mixture.means.double(), mixture.stds.double()
    mean = w @ mu
    between = (w[:, None] * (mu - mean)).T @ (mu - mean)
    return mean, between + (w @ s**2) * torch.eye(mixture.dim, dtype=torch.float64)


# --- density -----------------------------------------------------------------------------------


@given(mixtures(), st.integers(0, 10**6))
def test_density_is_scipys(mixture, seed):
    x = torch.rand(7, mixture.dim, generator=seeded(seed), dtype=torch.float64) * 6 - 3
    parts = [
        np.log(float(w)) + multivariate_normal(mu.double().numpy(), float(s) ** 2).logpdf(x.numpy())
        for w, mu, s in zip(mixture.weights, mixture.means, mixture.stds, strict=True)
    ]
    expected = logsumexp(np.stack(parts), axis=0)
    np.testing.assert_allclose(mixture.log_prob(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_density_integrates_to_one(name):
    mixture = ALL_WORLDS[name]()
    x, volume = cells(mixture.dim, -4 if mixture.dim == 1 else -2.2, 4, 0.025)
    total = sum(float(mixture.prob(part).sum()) for part in x.split(10_000)) * volume
    assert total == pytest.approx(1, abs=1e-4)


@given(mixtures(max_dim=1))
def test_any_density_on_the_line_integrates_to_one(mixture):
    x, dx = cells(1, -8, 8, 0.01)
    assert float(mixture.prob(x).sum()) * dx == pytest.approx(1, abs=1e-6)


def test_density_of_one_standard_gaussian_by_hand():
    mixture = gaussians_1d([0.0], 1.0)
    assert float(mixture.prob(torch.zeros(1))) == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert float(mixture.log_prob(torch.tensor([2.0]))) == pytest.approx(
        -2 - math.log(2 * math.pi) / 2
    )


@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (0,)])
def test_log_prob_keeps_leading_axes_and_precision(leading):
    for dtype in (torch.float32, torch.float64):
        out = ring().log_prob(torch.zeros(*leading, 2, dtype=dtype))
        assert out.shape == leading and out.dtype == dtype


def test_log_prob_stays_finite_far_away():
    assert ring().log_prob(torch.tensor([1e3, -1e3])).isfinite()


def test_log_prob_has_the_score_as_gradient():
    mixture = gaussians_1d([0.5], 0.25)
    x = torch.tensor([[1.0]], requires_grad=True)
    mixture.log_prob(x).sum().backward()
    assert float(x.grad) == pytest.approx(-(1.0 - 0.5) / 0.25**2)


# --- samples -----------------------------------------------------------------------------------


@settings(max_examples=20)
@given(mixtures(), st.integers(0, 10**6))
def test_samples_have_the_exact_moments(mixture, seed):
    n = 20_000
    x = mixture.sample(n, seeded(seed)).double()
    mean, covariance = exact_moments(mixture)
    error = (x.mean(0) - mean).abs() / (covariance.diagonal() / n).sqrt()
    assert error.max() < 6  # standard errors
    assert (torch.cov(x.T).reshape(mixture.dim, -1) - covariance).abs().max() < 0.15


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_worlds_have_the_exact_moments(name):
    mixture, n = ALL_WORLDS[name](), 50_000
    x = mixture.sample(n, seeded(1)).double()
    mean, covariance = exact_moments(mixture)
    assert ((x.mean(0) - mean).abs() / (covariance.diagonal() / n).sqrt()).max() < 6
    assert (torch.cov(x.T).reshape(mixture.dim, -1) - covariance).abs().max() < 0.03


def test_each_component_is_drawn_by_its_weight():
    mixture = gaussians_1d([-1.0, 0.0, 1.0], 0.01, [1, 2, 5])
    nearest = (mixture.sample(80_000, seeded()) - mixture.means.T).abs().argmin(1)
    share = torch.bincount(nearest, minlength=3) / 80_000
    assert torch.allclose(share, torch.tensor([1 / 8, 2 / 8, 5 / 8]), atol=0.01)


def test_98_9_percent_of_the_ring_are_within_3_standard_deviations():
    mixture, n = ring(), 100_000
    x = mixture.sample(n, seeded())
    good = (torch.cdist(x, mixture.means).min(1).values <= 3 * mixture.stds[0]).double().mean()
    expected = 1 - math.exp(-4.5)
    assert float(good) == pytest.approx(expected, abs=6 * math.sqrt(expected * 0.011 / n))


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_same_generator_state_same_samples(name):
    mixture, rng = ALL_WORLDS[name](), seeded(3)
    state = rng.get_state()
    first, second = mixture.sample(64, rng), mixture.sample(64, rng)
    rng.set_state(state)
    assert torch.equal(mixture.sample(64, rng), first)
    assert not torch.equal(first, second)
    assert first.shape == (64, *mixture.event_shape) and first.dtype == torch.float32


def test_sampling_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    ring().sample(100, seeded())
    assert torch.equal(torch.get_rng_state(), before)


# --- worlds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_world_carries_its_name_and_knows_its_modes(name):
    mixture = ALL_WORLDS[name]()
    assert mixture.name == name
    assert mixture.event_shape == (mixture.dim,) == ((1,) if name in WORLDS_1D else (2,))
    if name in ("spiral", "moons"):
        assert mixture.modes is None and mixture.n_modes is None
    else:
        assert mixture.n_modes == len(mixture.modes)


@pytest.mark.parametrize("name", WORLDS)
def test_world_fits_the_stage(name):
    mixture = WORLDS[name]()
    assert mixture.means.abs().max() <= 1.5 + 1e-6
    outside = (mixture.sample(100_000, seeded()).abs() > STAGE).any(1)
    assert not outside.any()


@given(st.integers(1, 40), st.floats(0.1, 2))
def test_ring_lies_on_its_circle_evenly(n_modes, radius):
    mixture = ring(n_modes, radius)
    assert mixture.n_modes == n_modes
    assert torch.allclose(mixture.means.norm(dim=1), torch.tensor(radius), atol=1e-5)
    if n_modes > 1:
        chord = (mixture.means - mixture.means.roll(1, 0)).norm(dim=1)
        expected = 2 * radius * math.sin(math.pi / n_modes)
        assert torch.allclose(chord, torch.tensor(expected), atol=1e-5)


def test_ring_and_grid_modes_are_visibly_apart():
    for mixture in (ring(), grid()):
        nearest = torch.pdist(mixture.means).min()
        assert nearest > 10 * mixture.stds.max()
    assert ring().n_modes == 8 and grid().n_modes == 25


def test_grid_is_a_lattice():
    line = {-1.5, -0.75, 0.0, 0.75, 1.5}
    assert {tuple(mean) for mean in grid().means.tolist()} == {(x, y) for x in line for y in line}


def test_moons_are_point_symmetric_and_apart():
    upper, lower = moons().means.chunk(2)
    assert torch.equal(upper, -lower)
    assert torch.cdist(upper, lower).min() > 5 * 0.05


def test_arms_of_the_spiral_are_apart():
    """Radius grows evenly with the angle, so neighbouring arms stay 0.65 apart."""
    means = spiral().means
    angle = torch.atan2(means[:, 1], means[:, 0]).diff().remainder(2 * math.pi).cumsum(0)
    radius = means.norm(dim=1)
    slope = (radius[1:] - radius[0]) / angle
    assert torch.allclose(slope, torch.tensor(1.3 / (4 * math.pi)), atol=2e-3)


def test_two_gaussians_are_at_the_given_distance():
    assert float(torch.pdist(two_gaussians(distance=1.2).means)) == pytest.approx(1.2)


def test_gaussians_1d_scales_weights_and_spreads_one_std():
    mixture = gaussians_1d([0.0, 1.0], 0.5, [1, 3])
    assert mixture.stds.tolist() == [0.5, 0.5] and mixture.weights.tolist() == [0.25, 0.75]


def test_to_gives_an_equal_mixture():
    moved = spiral().to("cpu")
    assert torch.equal(moved.means, spiral().means)
    assert (moved.name, moved.has_modes) == ("spiral", False)


@pytest.mark.gpu
def test_on_a_gpu():
    mixture = grid().to("cuda")
    x = mixture.sample(1000, torch.Generator("cuda").manual_seed(0))
    assert x.is_cuda
    assert torch.allclose(mixture.log_prob(x).cpu(), grid().log_prob(x.cpu()), atol=1e-3)
    with pytest.raises(ValueError, match="rng"):
        mixture.sample(1, seeded())


# --- points and drawings -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, np.asarray, torch.tensor])
def test_points_are_the_means(kind):
    points = [[0.0, 1.0], [-1.0, 0.5], [2.0, -2.0]]
    mixture = from_points(kind(points))
    assert mixture.means.tolist() == points
    assert mixture.modes is None and mixture.event_shape == (2,)
    assert mixture.weights.tolist() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("n", [2, 50])
def test_straight_line_is_evenly_spaced_however_it_was_drawn(n):
    """The mouse dwells where it is slow; the ink must not."""
    x = np.sort(np.random.default_rng(n).beta(0.5, 3, n)) * 2
    x[0], x[-1] = 0, 2
    mixture = from_drawing([np.stack([x, 0 * x], 1)])
    m = len(mixture.means)
    assert torch.allclose(mixture.means[:, 0], (torch.arange(m) + 0.5) * 2 / m, atol=1e-6)
    assert torch.allclose(mixture.weights, torch.tensor(1 / m))
    assert 2 / m <= 0.05  # no further apart than one std: no gap can be seen


@given(st.lists(point, min_size=2, max_size=30))
def test_one_stroke_is_evenly_spaced_along_its_length(stroke):
    mixture = from_drawing([stroke])
    line = np.array(stroke)
    lengths = np.hypot(*np.diff(line, axis=0).T)
    n, total = len(mixture.means), lengths.sum()
    assert 1 <= n <= MAX_COMPONENTS
    # Oracle: walk the polyline segment by segment to each middle.
    for i, mean in enumerate(mixture.means.numpy()):
        left, segment = total * (i + 0.5) / n, 0
        while segment < len(lengths) - 1 and left > lengths[segment]:
            left, segment = left - lengths[segment], segment + 1
        part = left / lengths[segment] if lengths[segment] > 0 else 0
        expected = line[segment] + min(part, 1) * (line[segment + 1] - line[segment])
        np.testing.assert_allclose(mean, expected, atol=1e-4)
    assert torch.allclose(mixture.weights, torch.tensor(1 / n))


@given(st.lists(st.lists(point, min_size=1, max_size=8), min_size=1, max_size=MAX_STROKES))
@settings(max_examples=50)
def test_any_drawing_is_a_world(strokes):
    mixture = from_drawing(strokes)
    assert len(mixture.means) <= MAX_COMPONENTS
    assert mixture.means.abs().max() <= STAGE + 1e-6
    assert float(mixture.weights.sum()) == pytest.approx(1, abs=1e-4)
    assert mixture.sample(16, seeded()).isfinite().all()
    assert not mixture.has_modes and mixture.name == "drawing"


def test_ink_is_shared_between_strokes_by_length():
    mixture = from_drawing([[(-1, 1), (1, 1)], [(0, -1), (0.5, -1)]])
    upper = mixture.means[:, 1] > 0
    assert float(mixture.weights[upper].sum()) == pytest.approx(2 / 2.5, abs=1e-5)


def test_dots_can_be_drawn():
    for dots in ([[(0.5, 0.5)]], [[(0.5, 0.5)] * 3]):
        assert from_drawing(dots).means.tolist() == [[0.5, 0.5]]
    mixture = from_drawing([[(-1, 0)], [(1, 0)]])
    assert mixture.weights.tolist() == pytest.approx([0.5, 0.5])


def test_long_drawing_keeps_its_ends():
    zigzag = [(x, 2 * (-1) ** i) for i, x in enumerate(np.linspace(-2, 2, 101))]
    mixture = from_drawing([zigzag])
    assert len(mixture.means) <= MAX_COMPONENTS
    assert mixture.means[:, 0].min() < -1.9 and mixture.means[:, 0].max() > 1.9


def test_edge_of_the_stage_can_be_drawn_on():
    assert from_drawing([[(-2, 2), (2, -2)]]).means.abs().max() <= 2


# --- bad input ---------------------------------------------------------------------------------

GOOD = {
    "name": "bad",
    "means": torch.zeros(2, 1),
    "stds": torch.ones(2),
    "weights": torch.tensor([0.5, 0.5]),
}


def test_the_good_mixture_is_good():
    assert Mixture(**GOOD).n_modes == 2


@pytest.mark.parametrize(
    ("field", "value", "error", "says"),
    [
        ("means", [[0.0], [1.0]], TypeError, "means is list"),
        ("means", torch.zeros(2, 1, dtype=torch.float64), TypeError, "torch.float64"),
        ("means", torch.zeros(2), ValueError, r"means has shape \[2\]"),
        ("means", torch.zeros(0, 1), ValueError, "means has shape"),
        ("means", torch.tensor([[0.0], [math.nan]]), ValueError, "means holds NaN"),
        ("stds", torch.ones(3), ValueError, r"stds has shape \[3\]"),
        ("stds", torch.tensor([1.0, 0.0]), ValueError, "stds holds 0"),
        ("stds", torch.tensor([1.0, math.inf]), ValueError, "stds holds NaN or infinity"),
        ("weights", torch.tensor([1.5, -0.5]), ValueError, "weights holds -0.5"),
        ("weights", torch.tensor([0.5, 0.6]), ValueError, "weights sum to 1.1"),
    ],
)
def test_bad_mixture_is_named(field, value, error, says):
    with pytest.raises(error, match=says):
        Mixture(**{**GOOD, field: value})


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: gaussians_1d([], 1.0), ValueError, "means is empty"),
        (lambda: gaussians_1d([0.0], [1.0, 2.0]), ValueError, "stds has shape"),
        (lambda: gaussians_1d([0.0], -1.0), ValueError, "stds holds -1"),
        (lambda: gaussians_1d([0.0, 1.0], 1.0, [1, 0]), ValueError, r"weights = \[1, 0\]"),
        (lambda: gaussians_1d(["a"], 1.0), TypeError, "means has to be real numbers"),
        (lambda: gaussians_1d(1.0, 1.0), (TypeError, ValueError), "means"),
        (lambda: ring(n_modes=0), ValueError, "n_modes = 0"),
        (lambda: ring(n_modes=2.5), TypeError, "n_modes = 2.5"),
        (lambda: ring(radius=3), ValueError, "radius = 3"),
        (lambda: ring(std=0), ValueError, "std = 0"),
        (lambda: grid(side=1), ValueError, "side = 1"),
        (lambda: grid(extent=-1), ValueError, "extent = -1"),
        (lambda: spiral(turns=0), ValueError, "turns = 0"),
        (lambda: moons(std=math.nan), ValueError, "std = nan"),
        (lambda: two_gaussians(distance=5), ValueError, "distance = 5"),
        (lambda: from_points([]), ValueError, "points is empty"),
        (lambda: from_points(torch.zeros(0, 2)), ValueError, "points is empty"),
        (lambda: from_points(torch.zeros(4)), ValueError, r"points has shape \[4\]"),
        (lambda: from_points(torch.zeros(4, 3)), ValueError, r"points has shape \[4, 3\]"),
        (lambda: from_points([[0, 0], [0, math.nan]]), ValueError, r"points\[1\] = .*not finite"),
        (lambda: from_points([[0, 0], [0, -2.5]]), ValueError, r"points\[1\] = \(0, -2.5\)"),
        (lambda: from_points([["0", "1"]]), TypeError, "points has to be real numbers"),
        (lambda: from_points([[0, 1], [2]]), TypeError, "points has to be real numbers"),
        (lambda: from_points(None), TypeError, "points has to be real numbers"),
        (lambda: from_points([[1j, 0]]), TypeError, "points has to be real numbers"),
        (lambda: from_points([[True, False]]), TypeError, "points has to be real numbers"),
        (lambda: from_points(np.zeros((MAX_POINTS + 1, 2))), ValueError, "10,001 points"),
        (lambda: from_drawing([]), ValueError, "strokes holds 0 lines"),
        (lambda: from_drawing([[]]), ValueError, r"strokes\[0\] is empty"),
        (lambda: from_drawing(None), TypeError, "strokes is a NoneType"),
        (lambda: from_drawing("drawing"), TypeError, "strokes is a str"),
        (lambda: from_drawing([(0, 0), (1, 1)]), ValueError, r"strokes\[0\] has shape \[2\]"),
        (lambda: from_drawing([[(0, 0)], [(0, 0), (1, 7)]]), ValueError, r"strokes\[1\]\[1\]"),
        (lambda: from_drawing([[(0, math.inf)]]), ValueError, r"strokes\[0\]\[0\] = "),
        (lambda: from_drawing([[(0, 0)]] * (MAX_STROKES + 1)), ValueError, "201 lines"),
        (lambda: from_drawing([np.zeros((1_000_001, 2))]), ValueError, "1,000,001 points"),
        (lambda: from_drawing([[("a", "b")]]), TypeError, r"strokes\[0\] has to be real numbers"),
    ],
)
def test_bad_input_is_named(build, error, says):
    with pytest.raises(error, match=says):
        build()


@pytest.mark.parametrize("n", [0, -1, 10**9, 2.0, True, None])
def test_bad_n_is_named(n):
    with pytest.raises((ValueError, TypeError), match="n = "):
        ring().sample(n, seeded())


def test_bad_rng_is_named():
    with pytest.raises(TypeError, match=r"rng = 0 has to be a torch.Generator"):
        ring().sample(1, 0)


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (torch.zeros(3), ValueError),
        (torch.tensor(0.0), ValueError),
        (torch.zeros(3, 2, dtype=torch.int64), TypeError),
        ([0.0, 0.0], TypeError),
    ],
)
def test_bad_x_is_named(x, error):
    with pytest.raises(error, match=r"x (is|has shape)"):
        ring().log_prob(x)


@given(mixtures(), st.integers(0, 10**6))
def test_components_are_drawn_by_the_whole_sum_of_the_weights(mixture, seed):
    """Also where the sum rounds to below 1: what lies above it belongs to the last one."""
    _, component = mixture.sample_pairs(200, seeded(seed))
    u = torch.empty(200).uniform_(generator=seeded(seed))
    expected = torch.searchsorted(mixture.weights.cumsum(0), u, right=True)
    assert torch.equal(component, expected.clamp_max(len(mixture.weights) - 1))
