"""Meters against exact answers."""

import math

import pytest
import torch
from hypothesis import given, strategies as st

from gan_helpers.datasets.points import gaussians_1d, grid, ring
from gan_helpers.metrics import (
    game_value,
    jensen_shannon,
    kl_divergence,
    mode_coverage,
    nearest_images,
    normal_quantiles,
    optimal_discriminator,
    precision_and_recall,
    pushforward_density,
    total_variation,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = torch.linspace(-12, 12, 6001, dtype=torch.float64)
DX = float(X[1] - X[0])


def normal(mean, std):
    return torch.exp(-((X - mean) ** 2) / (2 * std**2)) / (std * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("world", [ring(), grid()])
def test_true_samples_cover_everything_up_to_the_ceiling(world):
    """A 2-D Gaussian has 1 - exp(-4.5) = 98.9 % within three standard deviations."""
    modes, good = mode_coverage(world.sample(20000, seeded()), world)
    assert int(modes) == world.n_modes
    assert float(good) == pytest.approx(1 - math.exp(-4.5), abs=0.004)


def test_coverage_counts_modes_with_a_good_sample():
    world = ring()
    centre = world.means[:3]
    far = torch.zeros(5, 2)
    modes, good = mode_coverage(torch.cat([centre, far]), world)
    assert int(modes) == 3 and float(good) == pytest.approx(3 / 8)
    edge = world.means[:1] + torch.tensor([[2.99, 0.0]]) * world.stds[0]
    outside = world.means[:1] + torch.tensor([[3.01, 0.0]]) * world.stds[0]
    assert float(mode_coverage(edge, world)[1]) == 1
    assert float(mode_coverage(outside, world)[1]) == 0


def test_coverage_of_an_ensemble_is_that_of_each():
    world = ring()
    x = torch.stack([world.sample(50, seeded(s)) * (1 + 0.1 * s) for s in range(3)])
    modes, good = mode_coverage(x, world)
    for k in range(3):
        alone = mode_coverage(x[k], world)
        assert modes[k] == alone[0] and good[k] == alone[1]


@given(m=st.floats(-2, 2), s=st.floats(0.4, 1.5))
def test_kl_of_gaussians_is_the_closed_form(m, s):
    exact = math.log(s) + (1 + m**2) / (2 * s**2) - 0.5
    assert float(kl_divergence(normal(0, 1), normal(m, s), DX)) == pytest.approx(exact, abs=1e-6)


def test_jensen_shannon_runs_from_0_to_log_2_and_is_symmetric():
    a, b = normal(0, 1), normal(0.7, 0.5)
    assert float(jensen_shannon(a, a, DX)) == pytest.approx(0, abs=1e-12)
    assert float(jensen_shannon(normal(-5, 0.1), normal(5, 0.1), DX)) == pytest.approx(math.log(2))
    assert float(jensen_shannon(a, b, DX)) == pytest.approx(float(jensen_shannon(b, a, DX)))


@given(m=st.floats(-2, 2), s=st.floats(0.4, 1.5))
def test_value_at_the_optimum_is_minus_log_4_plus_2_jsd(m, s):
    p, q = normal(0, 1), normal(m, s)
    logits = p.clamp_min(1e-300).log() - q.clamp_min(1e-300).log()
    torch.testing.assert_close(
        torch.sigmoid(logits), optimal_discriminator(p, q), atol=1e-9, rtol=0
    )
    expected = -math.log(4) + 2 * float(jensen_shannon(p, q, DX))
    assert float(game_value(p, q, logits, DX)) == pytest.approx(expected, abs=1e-6)


@given(shift=st.floats(-1, 1), seed=st.integers(0, 20))
def test_no_other_D_has_a_higher_value(shift, seed):
    p, q = normal(0, 1), normal(1, 0.6)
    best = p.log() - q.log()
    other = best + shift * torch.randn(len(X), generator=seeded(seed), dtype=torch.float64)
    assert float(game_value(p, q, other, DX)) <= float(game_value(p, q, best, DX)) + 1e-12


def test_optimal_D_is_a_half_at_equality_and_where_there_is_nothing():
    p = torch.tensor([0.3, 0.0, 1.0])
    q = torch.tensor([0.3, 0.0, 0.0])
    assert optimal_discriminator(p, q).tolist() == [0.5, 0.5, 1.0]


def test_quantiles_are_those_of_the_normal_distribution():
    z = normal_quantiles(999)
    assert float(z[499]) == pytest.approx(0, abs=1e-12)
    assert float(z[974]) == pytest.approx(1.959964, abs=1e-5)


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.5, 1.0), (-0.7, -0.3)])
def test_pushforward_of_a_linear_G_is_the_gaussian(a, b):
    edges = torch.linspace(-4, 4, 161, dtype=torch.float64)
    q = pushforward_density(a * normal_quantiles(4095) + b, edges)
    middle = (edges[1:] + edges[:-1]) / 2
    exact = gaussians_1d([b], [abs(a)]).prob(middle[:, None].float())
    torch.testing.assert_close(q.float(), exact.float(), atol=0.01, rtol=0)


def test_pushforward_of_a_folded_G_counts_both_branches():
    """|z| is half-normal: twice the normal density on the right, nothing on the left."""
    edges = torch.linspace(-3, 3, 121, dtype=torch.float64)
    q = pushforward_density(normal_quantiles(4095).abs(), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    exact = torch.where(middle > 0, 2 * torch.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi), 0.0)
    torch.testing.assert_close(q, exact, atol=0.02, rtol=0)


def test_a_G_that_makes_one_point_has_all_its_mass_in_one_bin():
    q = pushforward_density(torch.full((100,), 0.05), torch.linspace(-1, 1, 21))
    assert float(q.sum() * 0.1) == pytest.approx(1, abs=1e-4)
    assert int((q > 0).sum()) == 1


def test_nearest_picture_finds_a_copy():
    pictures = torch.rand(20, 1, 4, 4, generator=seeded())
    index, distance = nearest_images(pictures[[3, 7]] + 0.01, pictures)
    assert index.tolist() == [3, 7]
    torch.testing.assert_close(distance, torch.tensor([0.01, 0.01]), atol=1e-5, rtol=0)


@given(st.floats(-3, 3), st.floats(0.3, 2))
def test_total_variation_is_the_largest_difference_of_any_event(m, s):
    p, q = normal(0, 1), normal(m, s)
    tv = float(total_variation(p, q, DX))
    assert -1e-6 <= tv <= 1 + 1e-6
    assert tv == pytest.approx(float((p - q).clamp(min=0).sum() * DX), abs=1e-3)


@pytest.mark.parametrize("measure", [kl_divergence, jensen_shannon, total_variation])
def test_heights_without_their_constant_are_no_density(measure):
    """JSD would be 5.5 of at most log 2 = 0.69."""
    heights = torch.exp(-(X**2) / 2)
    for p, q, name in ((heights, normal(0, 1), "p"), (normal(0, 1), heights, "q")):
        with pytest.raises(ValueError, match=rf"{name} has the integral 2\.507 .*{name}\.sum\(\)"):
            measure(p, q, DX)
    half = torch.where(X < 0, normal(0, 1), 0.0)  # the rest lies off the grid
    assert 0 < float(measure(half, normal(0.5, 1), DX)) < 1


def test_a_coarse_grid_is_no_mistake():
    """A Gaussian as narrow as half a step sums to 1 within 1.5 %."""
    x = torch.arange(-50, 51) * 0.1
    p = torch.exp(-(x**2) / (2 * 0.05**2)) / (0.05 * math.sqrt(2 * math.pi))
    assert float(jensen_shannon(p, p, 0.1)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.zeros(0, 2), r"x has shape \[0, 2\]"),
        (torch.zeros(5, 3), r"x has shape \[5, 3\]; it has to be \[\.\.\., N, 2\]"),
        (torch.zeros(2), r"x has shape \[2\]"),
    ],
)
def test_samples_that_a_world_cannot_judge(x, says):
    with pytest.raises(ValueError, match=says):
        mode_coverage(x, ring())


def test_samples_that_are_not_finite_are_not_good():
    x = torch.cat([ring().means, torch.full((8, 2), math.nan)])
    modes, good = mode_coverage(x, ring())
    assert int(modes) == 8 and float(good) == 0.5


def test_pictures_of_another_scale_are_near_nothing():
    digits = -torch.ones(5, 1, 4, 4)
    digits[:, :, 1:3, 1:3] = 1.0
    with pytest.raises(ValueError, match=r"x has no value below 0.*2 \* x - 1"):
        nearest_images((digits + 1) / 2, digits)


def test_total_variation_of_what_is_apart_is_one():
    assert float(total_variation(normal(-4, 0.2), normal(4, 0.2), DX)) == pytest.approx(1, abs=1e-4)


# --- precision and recall ------------------------------------------------------------------------

LINE = torch.arange(6.0)[:, None]  # 0, 1, ..., 5


def test_precision_and_recall_by_hand():
    """With k = 1 each ball reaches to the neighbour at distance 1; on its edge is inside."""
    fake = torch.tensor([[-1.0], [-1.01], [2.5], [6.0], [100.0]])
    precision, recall = precision_and_recall(LINE, fake, k=1)
    assert float(precision) == pytest.approx(3 / 5)  # -1, 2.5 and 6
    # Around -1.01, -1, 2.5, 6 and 100 the balls have radii .01, .01, 3.5, 3.5 and 94.
    assert float(recall) == 1.0
    precision, recall = precision_and_recall(LINE, fake[:2].repeat(3, 1), k=2)
    assert (float(precision), float(recall)) == (1.0, 0.0)  # k = 2 reaches to -2; copies do not


@pytest.mark.parametrize(
    ("fake", "precision", "recall"),
    [
        (LINE, 1.0, 1.0),
        (LINE.flip(0), 1.0, 1.0),
        (LINE + 1000, 0.0, 0.0),  # poor
        (LINE[2].repeat(6, 1), 1.0, 1 / 6),  # one picture, copied over and over
        (LINE[2] + 0.01 * LINE, 1.0, 1 / 6),  # good, and nearly always the same
        (torch.cat([LINE, LINE + 1000]), 0.5, 1.0),  # half of them poor, nothing left out
    ],
)
def test_poor_and_copied_are_told_apart(fake, precision, recall):
    found = precision_and_recall(LINE, fake)
    assert [float(value) for value in found] == [pytest.approx(precision), pytest.approx(recall)]


def test_what_precision_is_to_the_one_recall_is_to_the_other():
    a, b = (torch.randn(2300, 8, generator=seeded(s)) * (1 + s) for s in (0, 1))
    precision, recall = precision_and_recall(a, b)
    assert (recall, precision) == precision_and_recall(b, a)
    assert 0 < precision < 0.3 and recall > 0.8  # b is the wider one
    more = [precision_and_recall(a, b, k) for k in (1, 3, 9)]
    assert more == sorted(more)  # larger balls
    turned = torch.linalg.qr(torch.randn(8, 8, generator=seeded(2)))[0]
    moved = precision_and_recall(5 * a @ turned + 1, 5 * b @ turned + 1)
    assert abs(float(moved[0] - precision)) < 0.002 and abs(float(moved[1] - recall)) < 0.002


def test_two_samples_of_one_distribution_have_the_same_of_both():
    a, b = (torch.randn(1000, 4, generator=seeded(s)) for s in (0, 1))
    precision, recall = precision_and_recall(a, b)
    assert 0.85 < precision < 1 and abs(float(precision - recall)) < 0.05


def test_too_few_samples_have_no_kth_neighbour():
    with pytest.raises(ValueError, match="fake has 3 samples; for k = 3"):
        precision_and_recall(LINE, LINE[:3])
    with pytest.raises(ValueError, match="real has 1 features, fake has 2"):
        precision_and_recall(LINE, torch.rand(6, 2))
