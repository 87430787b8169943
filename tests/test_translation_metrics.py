"""Scores of translations, on pictures whose score is known."""

import math

import pytest
import torch

from gan_helpers.datasets.pairs import Pairs
from gan_helpers.translation.judge import (
    cycle_error,
    hidden_pair_error,
    judge_translation,
    roughness,
)


def pictures(n=20, seed=0):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Fake:
    """A pair of translations that are known."""

    def __init__(self, to_b, to_a):
        self.to_b, self.to_a = to_b, to_a


def test_roughness_of_stripes_and_ramps():
    stripes = torch.tensor([1.0, -1.0]).repeat(4).expand(1, 1, 8, 8)
    assert roughness(stripes) == 1.0  # 2 across, 0 down
    ramp = torch.linspace(-1, 1, 8).expand(1, 1, 8, 8)
    torch.testing.assert_close(roughness(ramp), torch.tensor(1 / 7))
    assert roughness(torch.zeros(1, 3, 4, 4)) == 0


def test_the_answer_itself_is_perfect():
    data = Pairs("p", pictures(), pictures())
    report = judge_translation(lambda a: a, data, lambda x: x.flatten(1)[:, :4])
    assert report.error == 0 and report.sharpness == 1
    assert report.frechet == pytest.approx(0, abs=1e-6)


def test_the_mean_of_all_answers_is_soft_but_not_far():
    """One input, coin-flip answers: their mean errs by 1 and is flat; a bold guess errs as much."""
    coin = (torch.rand(400, 1, 8, 8, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    data = Pairs("p", torch.zeros(400, 1, 8, 8), coin * 2 - 1)
    soft = judge_translation(torch.zeros_like, data)
    assert soft.error == pytest.approx(1) and soft.sharpness == 0 and math.isnan(soft.frechet)
    rng = torch.Generator().manual_seed(2)
    bold = judge_translation(lambda a: torch.randint(2, a.shape, generator=rng) * 2.0 - 1, data)
    assert bold.error == pytest.approx(1, abs=0.05) and bold.sharpness == pytest.approx(1, abs=0.05)


def test_nan_pictures_have_no_frechet_distance():
    data = Pairs("p", pictures(), pictures())
    report = judge_translation(lambda a: a * math.nan, data, lambda x: x.flatten(1))
    assert math.isnan(report.error) and math.isnan(report.frechet)


def test_a_perfect_cycle_and_a_lossy_one():
    data = Pairs("p", pictures(), -pictures())
    negative = Fake(torch.neg, torch.neg)
    assert cycle_error(negative, data) == 0 and hidden_pair_error(negative, data) == 0
    lossy = Fake(torch.zeros_like, torch.neg)  # all becomes grey
    by_hand = (data.a.abs().mean() + data.b.abs().mean()) / 2
    assert cycle_error(lossy, data) == pytest.approx(float(by_hand), rel=1e-5)


def test_noise_half_way_shows_what_was_hidden():
    """A translation that hides the original, a thousandth as bright, in a grey picture."""
    data = Pairs("p", pictures(), pictures(seed=1))
    hiding = Fake(lambda a: a / 1000, lambda b: (b * 1000).clamp(-1, 1))
    assert cycle_error(hiding, Pairs("p", data.a, torch.zeros_like(data.b))) < 1e-5
    assert cycle_error(hiding, Pairs("p", data.a, torch.zeros_like(data.b)), noise=0.02) > 0.2
    honest = Fake(torch.neg, torch.neg)
    assert cycle_error(honest, data, noise=0.02) == pytest.approx(0.02 * 0.798, rel=0.1)
