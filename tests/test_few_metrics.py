"""What is measured of GANs on few pictures, on GANs and pictures whose answer is known."""

import math

import pytest
import torch
from torch import nn

from gan_helpers.augmentation.judge import (
    FewJudge,
    background,
    copied,
    corner,
    make,
    mirrored,
    off_centre,
    paleness,
    slant,
    traced,
)
from gan_helpers.augmentation.training import Augmented, AugmentedGAN
from gan_helpers.augmentation.transforms import augment
from gan_helpers.classifier import load_classifier
from gan_helpers.datasets.images import Images, load_few, load_mnist
from gan_helpers.datasets.scenes import draw_few

SMALL = Augmented(network="conv", width=8, latent_dim=4, batch_size=8)


@pytest.fixture(scope="module")
def digits():
    return load_mnist("test", size=16)


@pytest.fixture(scope="module")
def judge(digits):
    held = Images("held", digits.x[::20], digits.y[::20])
    return FewJudge(load_classifier(16), load_few("digits", 100), held, n=100)


class ByHeart(nn.Module):
    """A D that says 2 of the pictures it knows, and -1 of all others."""

    def __init__(self, known):
        super().__init__()
        self.known = known

    def forward(self, x):
        same = (x[:, None] == self.known).flatten(2).all(2).any(1)  # (N,)
        return 3 * same.float() - 1


def test_the_gap_of_a_D_that_knows_all_by_heart(judge):
    gan = AugmentedGAN(SMALL, (1, 16, 16))
    gan.D = ByHeart(judge.x_train)
    report = judge(gan)
    assert (report.d_train, report.d_held, report.d_fake) == (2.0, -1.0, -1.0)
    assert report.gap == 3.0 and report.frechet > 100
    assert judge(gan) == report  # looking changes nothing


def test_a_G_that_copies_held_out_pictures_is_nearly_perfect(judge, digits):
    gan = AugmentedGAN(SMALL, (1, 16, 16))
    gan.sample = lambda z: digits.x[10::20][: len(z)]
    assert judge(gan).frechet < 80  # two sets of 100 digits are about 55 apart
    gan.sample = lambda z: torch.full((len(z), 1, 16, 16), math.nan)
    assert all(math.isnan(value) for value in judge(gan).numbers().values())


# --- copies --------------------------------------------------------------------------------------


def test_copies_are_counted_by_hand():
    train, other = torch.full((3, 1, 2, 2), -1.0), torch.full((3, 1, 2, 2), 1.0)
    x = torch.tensor([-1.0, -0.2, 0.0, 0.3, -0.9])[:, None, None, None].expand(-1, 1, 2, 2)
    assert copied(x, train, other) == pytest.approx(3.5 / 5)  # 0 lies between: it counts half
    assert copied(train, train, other) == 1.0 and copied(other, train, other) == 0.0
    assert copied(x, train, train) == 0.5
    assert math.isnan(copied(x / 0, train, other))
    with pytest.raises(ValueError, match="train has 3 pictures, other has 2"):
        copied(x, train, other[:2])
    with pytest.raises(ValueError, match=r"other has \[3, 1, 3, 3\]"):
        copied(x, train, torch.zeros(3, 1, 3, 3))


def test_who_copies_and_who_does_not(digits):
    few, other = load_few("digits", 100), load_few("digits", 100, split="test")
    rng = torch.Generator().manual_seed(0)
    noisy = (few.sample(500, rng) + 0.2 * torch.randn(500, 1, 16, 16, generator=rng)).clamp(-1, 1)
    assert copied(noisy, few.x, other.x) > 0.98
    unseen = load_mnist("train", size=16).sample(2000, rng)  # other real ones
    assert copied(unseen, few.x, other.x) == pytest.approx(0.5, abs=0.06)
    there, back = copied(unseen, few.x, other.x), copied(unseen, other.x, few.x)
    assert there + back == pytest.approx(1)


def test_the_judge_tells_copies_from_poor_pictures(digits):
    few, other = load_few("digits", 100), load_few("digits", 100, split="test")
    judge = FewJudge(load_classifier(16), few, digits, n=1000)
    gan, rng = AugmentedGAN(SMALL, (1, 16, 16)), torch.Generator().manual_seed(0)
    gan.sample = lambda z: few.sample(len(z), rng)
    report = judge.copies(gan, other)
    assert report.copied == 1.0 and report.precision > 0.7 and report.recall < 0.05
    real = load_mnist("train", size=16)
    gan.sample = lambda z: real.sample(len(z), rng)
    report = judge.copies(gan, other)
    assert abs(report.copied - 0.5) < 0.06 and min(report.precision, report.recall) > 0.8
    halves = torch.cat([real.sample(1000, rng)[:, :, :8], real.sample(1000, rng)[:, :, 8:]], 2)
    gan.sample = lambda z: halves[: len(z)]  # poor, but of all kinds
    report = judge.copies(gan, other)
    assert report.precision < 0.6 and report.recall > 0.5 and abs(report.copied - 0.5) < 0.08
    gan.sample = lambda z: torch.rand(len(z), 1, 16, 16, generator=rng) * 2 - 1
    assert judge.copies(gan, other).recall < 0.01  # to these features all noise is the same
    gan.sample = lambda z: torch.full((len(z), 1, 16, 16), math.nan)
    assert all(math.isnan(value) for value in judge.copies(gan, other).numbers().values())
    with pytest.raises(ValueError, match="other has 50 pictures, the GAN is trained on 100"):
        judge.copies(gan, load_few("digits", 50, split="test"))


def test_generated_pictures_depend_on_their_seed_alone():
    gan = AugmentedGAN(SMALL, (1, 16, 16))
    assert torch.equal(make(gan, 30, seed=1), make(gan, 30, seed=1))
    assert not torch.equal(make(gan, 30, seed=1), make(gan, 30, seed=2))


def test_background_and_centre_by_hand():
    x = torch.full((2, 1, 5, 5), -1.0)
    x[0, 0, 2, 2] = 1.0  # in the middle
    x[1, 0, 0, 3] = 1.0  # two up, one to the right
    assert background(x).tolist() == [-1.0, -1.0]
    torch.testing.assert_close(off_centre(x), torch.tensor([0.0, 5**0.5]))


def test_colour_corner_and_slant_by_hand():
    x = torch.full((2, 3, 5, 5), -1.0)
    x[1] = 0.0
    x[1, 2] = 1.0  # blue all over, but for a black corner
    x[1, :, -1, 0] = -1.0
    assert paleness(x).tolist() == [0.0, pytest.approx(-24 / 25)]
    assert corner(x).tolist() == [1.0, 1.0]
    x[1, 2, -1, 0] = -0.25  # a dark blue
    assert corner(x).tolist() == [1.0, 0.25]
    assert slant(x[:1]).tolist() == [0.0]


@pytest.mark.parametrize("angle", [-150.0, -90.0, -20.0, 0.0, 10.0, 45.0, 179.0])
@pytest.mark.parametrize("shape", [(16, 16), (9, 20)])
def test_the_slant_is_that_of_the_horizon(angle, shape):
    height, width = shape
    y = -(torch.arange(height) - (height - 1) / 2)[:, None]
    x = torch.arange(width) - (width - 1) / 2
    a = math.radians(angle)
    blue = (x * math.sin(a) + y * math.cos(a)) / 20  # grows in the direction of that angle
    picture = torch.stack([torch.zeros(shape), -blue / 2, blue / 2])[None]
    assert float(slant(picture)) == pytest.approx(abs(angle), abs=0.01)


def test_traces_in_colour_are_counted_where_they_are_and_nowhere_else():
    real, x = draw_few("landscapes", 1000, seed=0).x, draw_few("landscapes", 300, seed=1).x
    rng, pale = torch.Generator().manual_seed(0), ("saturation",)
    left = {"rotate": ("rotate", "corner"), "saturation": pale, "contrast": pale}
    for transform, traces in left.items():
        moved = augment(x, [transform], rng)
        for name in ("rotate", "corner", "saturation"):
            assert traced(x, real, name) < 0.02
            share = traced(moved, real, name)
            assert share > 0.2 if name in traces else share < 0.03, (transform, name)


def test_traces_are_counted_where_they_are_and_nowhere_else(digits):
    x, rng = digits.x[:2000], torch.Generator().manual_seed(0)
    for name in ("brightness", "translate"):
        assert traced(x, digits.x, name) < 0.005
        other = {"brightness": "translate", "translate": "brightness"}[name]
        moved = augment(x, [name], rng)
        assert traced(moved, digits.x, name) > 0.35
        assert traced(moved, digits.x, other) < 0.1
    with pytest.raises(ValueError, match="trace = 'flip'"):
        traced(x, digits.x, "flip")


def test_what_has_blown_up_has_no_traces_and_another_scale_is_refused(digits):
    """Pictures in [0, 1] would have a grey background: brightness would have leaked into all."""
    broken = torch.full((3, 1, 16, 16), math.nan)
    assert math.isnan(traced(broken, digits.x, "brightness")) and background(broken).isnan().all()
    assert math.isnan(mirrored(broken, digits.x[:9])) and off_centre(broken).isnan().all()
    x = (digits.x[:50] + 1) / 2
    for call in (
        lambda: traced(x, digits.x, "brightness"),
        lambda: traced(digits.x, x, "brightness"),
        lambda: mirrored(255 * x, digits.x),
        lambda: background(x),
        lambda: off_centre(255 * x),
    ):
        with pytest.raises(ValueError, match=r"2 \* x - 1"):
            call()


def test_mirror_writing_is_told_from_writing(digits):
    x = load_mnist("train", size=16).x[:300]
    assert mirrored(x, digits.x) < 0.1 and mirrored(x.flip(-1), digits.x) > 0.9
    assert mirrored(digits.x[:50], digits.x) < 0.01  # the nearest is the picture itself


def test_few_pictures_are_as_many_of_each_class_and_nested():
    few, more = load_few("digits", 50, seed=4), load_few("digits", 100, seed=4)
    assert len(few) == 50 and few.y.bincount().tolist() == [5] * 10
    small, large = ({p.numpy().tobytes() for p in data.x} for data in (few, more))
    assert len(small) == 50 and small < large
    assert not torch.equal(few.x, load_few("digits", 50, seed=5).x)
    assert len(load_few("shoes", 99)) == 99
    for n, words in ((55, "multiple of 10"), (5, "n = 5"), (10**6, "n = 1000000")):
        with pytest.raises(ValueError, match=words):
            load_few("digits", n)
    with pytest.raises(ValueError, match="kind = 'cats'"):
        load_few("cats", 10)
