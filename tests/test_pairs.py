"""Two worlds of pictures: drawn together, or each by itself."""

import pytest
import torch

from gan_helpers.datasets.pairs import Pairs, Unpaired


def pictures(n, channels=1, size=4, start=0.0):
    """Each picture is one number all over, another for each."""
    value = start + torch.arange(n) / 100
    return value[:, None, None, None].expand(n, channels, size, size).contiguous()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_pairs_stay_together():
    data = Pairs("p", pictures(50), pictures(50, channels=3, start=0.1))
    a, b = data.sample(200, rng())
    assert a.shape == (200, 1, 4, 4) and b.shape == (200, 3, 4, 4)
    torch.testing.assert_close(a[:, 0] + 0.1, b[:, 2])
    assert len(a[:, 0, 0, 0].unique()) > 30  # of 50: drawn from all over


def test_unpaired_are_drawn_one_without_the_other():
    n = 50
    data = Unpaired("u", pictures(n), pictures(n))
    a, b = (x[:, 0, 0, 0] for x in data.sample(2000, rng()))
    # 2000 independent pairs of 50: 40 agree by chance, with a standard deviation of 6.3.
    assert (a == b).sum() < 80
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.12  # five standard errors


def test_the_worlds_may_differ_in_number_when_unpaired():
    data = Unpaired("u", pictures(3), pictures(9, channels=3))
    a, b = data.sample(5, rng())
    assert a.shape == (5, 1, 4, 4) and b.shape == (5, 3, 4, 4)


@pytest.mark.parametrize("kind", [Pairs, Unpaired])
def test_same_seed_same_pictures(kind):
    data = kind("d", pictures(20), pictures(20))
    for one, other in zip(data.sample(8, rng(3)), data.sample(8, rng(3)), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("a", "b", "error", "says"),
    [
        (pictures(3), pictures(4), ValueError, "as many"),
        (pictures(3), pictures(3, size=8), ValueError, "one size"),
        (pictures(3).double(), pictures(3), TypeError, "float32"),
        (pictures(3), (pictures(3) * 255).byte(), TypeError, "float32"),
        (pictures(3), pictures(3) * 255, ValueError, "127.5"),
        (pictures(3)[0], pictures(3), ValueError, "N, C, H, W"),
        (pictures(3, channels=2), pictures(3), ValueError, "3 for colour"),
        (pictures(3) * float("nan"), pictures(3), ValueError, "NaN"),
        (None, pictures(3), TypeError, "NoneType"),
    ],
)
def test_wrong_pictures_are_named(a, b, error, says):
    with pytest.raises(error, match=says):
        Pairs("p", a, b)


def test_unpaired_of_two_sizes():
    with pytest.raises(ValueError, match="one size"):
        Unpaired("u", pictures(3), pictures(3, size=8))


def test_bad_draws():
    data = Pairs("p", pictures(3), pictures(3))
    with pytest.raises(ValueError, match=r"n = 0 .* \[1, "):
        data.sample(0, rng())
    with pytest.raises(TypeError, match=r"torch\.Generator"):
        data.sample(1, 0)


@pytest.mark.parametrize("kind", [Pairs, Unpaired])
def test_arrays_become_tensors_and_another_scale_is_refused(kind):
    digits = -torch.ones(5, 1, 4, 4)
    digits[:, :, 1:3, 1:3] = 1.0
    data = kind("d", digits.double().numpy(), digits.numpy())
    assert torch.equal(data.a, digits) and data.b.dtype == torch.float32
    for wrong, formula in (
        ((digits + 1) / 2, "2 \\* x - 1"),
        ((digits + 1) * 127.5, "x / 127.5 - 1"),
    ):
        with pytest.raises(ValueError, match=f"^b .*{formula}"):
            kind("d", digits, wrong)
