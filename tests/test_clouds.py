"""CycleGAN between clouds of points: who belongs to whom is read off maps that are known."""

import pytest
import torch
from torch import nn

from gan_helpers.datasets.points import from_points, ring
from gan_helpers.translation.clouds import (
    POINTS,
    Clouds,
    PointCycleGAN,
    matching,
    one_to_one,
    returned,
    ring_and_rows,
)
from gan_helpers.translation.cyclegan import cycle_step


class Known(nn.Module):
    """Sends each point to the blob of B that is given for the blob of A it lies in."""

    def __init__(self, data, to):
        super().__init__()
        self.data, self.to_blob = data, torch.tensor(to)

    def forward(self, x):
        blob = torch.cdist(x, self.data.a.means).argmin(1)
        return self.data.b.means[self.to_blob[blob]]


def with_map(to):
    data = ring_and_rows()
    gan = PointCycleGAN()
    gan.G["ab"] = Known(data, to)
    return gan, data


@pytest.mark.parametrize(
    ("to", "share"),
    [
        (range(8), 1.0),
        ((3, 1, 4, 0, 5, 7, 2, 6), 1.0),  # any order is as good
        ((0, 0, 1, 2, 3, 4, 5, 6), 7 / 8),  # two share one, and one is left out
        ([5] * 8, 1 / 8),
    ],
)
def test_a_known_map_is_read_as_it_is(to, share):
    gan, data = with_map(list(to))
    shares = matching(gan, data)
    assert shares.shape == (8, 8)
    assert torch.equal(shares, torch.eye(8)[list(to)])
    assert one_to_one(shares) == pytest.approx(share)


@pytest.mark.parametrize(
    ("back", "share"),
    [((3, 1, 6, 0, 2, 4, 7, 5), 1.0), (range(8), 1 / 8), ([5] * 8, 1 / 8)],
)
def test_points_return_where_one_map_undoes_the_other(back, share):
    gan, data = with_map([3, 1, 4, 0, 5, 7, 2, 6])  # the first of `back` is its inverse
    gan.G["ba"] = Known(Clouds("the way back", data.b, data.a), list(back))
    assert returned(gan, data) == pytest.approx(share)


def test_a_torn_blob_counts_by_its_larger_part():
    shares = torch.eye(3)
    shares[0] = torch.tensor([0.6, 0.4, 0.0])
    assert one_to_one(shares) == pytest.approx((0.6 + 1 + 1) / 3)


def test_both_clouds_have_as_many_blobs():
    data = ring_and_rows()
    assert data.a.n_modes == data.b.n_modes == 8
    a, b = data.sample(10, torch.Generator().manual_seed(0))
    assert a.shape == b.shape == (10, 2)
    with pytest.raises(ValueError, match="a has 8 modes, b has 7"):
        Clouds("uneven", ring(8), ring(7))
    with pytest.raises(ValueError, match="b has None"):
        Clouds("no modes", ring(8), from_points(torch.rand(20, 2)))


def test_the_same_seed_trains_the_same_networks():
    def weights(seed):
        gan = PointCycleGAN(seed=seed)
        for _ in range(3):
            losses = cycle_step(gan, ring_and_rows())
        assert all(loss.isfinite() for loss in losses) and gan.step == 3
        return torch.cat([p.flatten() for p in gan.G.parameters()])

    assert torch.equal(weights(0), weights(0)) and not torch.equal(weights(0), weights(1))


def test_with_the_way_back_each_blob_gets_a_blob_of_its_own():
    right = 0
    for seed in (300, 301):
        gan, data = PointCycleGAN(POINTS, seed=seed), ring_and_rows()
        for _ in range(500):
            cycle_step(gan, data)
        right += one_to_one(matching(gan, data)) > 0.9
    assert right >= 1  # more seeds would take minutes
