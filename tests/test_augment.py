"""The transforms of 12.4.6: exact where they can be, differentiable, and alike in an ensemble."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from gan_helpers.augmentation import transforms as module
from gan_helpers.augmentation.transforms import TRANSFORMS, augment, cutout, rotate, translate
from gan_helpers.datasets.images import load_mnist

ALL = tuple(TRANSFORMS)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n=6, channels=3, size=16, seed=0):
    return torch.rand(n, channels, size, size, generator=rng(seed)) * 2 - 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("strength", "p"), [(0.0, 1.0), (1.0, 0.0)])
def test_without_strength_or_probability_nothing_changes_at_all(name, strength, p):
    x = pictures()
    assert torch.equal(augment(x, [name], rng(), strength, p), x)


@given(
    names=st.sets(st.sampled_from(ALL)),
    strength=st.floats(0, 1),
    p=st.floats(0, 1),
    n=st.integers(1, 4),
    channels=st.sampled_from([1, 3]),
)
@settings(max_examples=30, deadline=None)
def test_any_transforms_keep_the_shape_and_the_range_within_reason(names, strength, p, n, channels):
    x = pictures(n, channels)
    y = augment(x, tuple(names), rng(), strength, p)
    assert y.shape == x.shape and y.isfinite().all()
    assert y.abs().max() <= (1 + module.LIGHT + 2 * module.CONTRAST) * 2
    assert torch.equal(y, augment(x, tuple(names), rng(), strength, p))  # the same chance


@pytest.mark.parametrize("name", ALL)
def test_the_gradient_is_that_of_finite_differences(name):
    x = pictures(2, 3, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augment(x, [name], rng(1)), x)


@pytest.mark.parametrize("name", ALL)
def test_something_changes_and_each_picture_has_chance_of_its_own(name):
    x = pictures(1).expand(64, -1, -1, -1)
    y = augment(x, [name], rng())
    assert len(y.flatten(1).unique(dim=0)) > (1 if name == "flip" else 5)
    assert not torch.equal(y, x)


def test_p_is_the_share_of_pictures_that_change():
    x = pictures(4000, 1, 4)
    changed = (augment(x, ["brightness"], rng(), p=0.3) != x).flatten(1).any(1)
    assert 0.25 < changed.float().mean() < 0.35  # 7 standard deviations


def test_an_ensemble_gets_what_each_would_get_alone():
    x = torch.stack([pictures(5, 1, seed=k) for k in range(3)])  # (K, N, C, H, W)
    together = augment(x, ALL, [rng(7), rng(8), rng(9)], 0.7, 0.6)
    for k in range(3):
        assert torch.equal(together[k], augment(x[k], ALL, rng(7 + k), 0.7, 0.6))


def test_flip_mirrors_half_of_them():
    x = pictures(4000, 1, 4)
    y = augment(x, ["flip"], rng())
    mirrored = (y == x.flip(-1)).flatten(1).all(1)
    kept = (y == x).flatten(1).all(1)
    assert (mirrored ^ kept).all() and 0.45 < mirrored.float().mean() < 0.55


def test_a_shift_is_by_whole_pixels_and_brings_black():
    x = pictures(1, 1)
    for u, (across, down) in {
        (0.0, 0.0): (-2, -2),
        (0.5, 0.5): (0, 0),
        (0.99, 0.0): (2, -2),
        (0.5, 0.99): (0, 2),
    }.items():
        wanted = torch.roll(x, (down, across), (-2, -1))
        if down:
            wanted[..., slice(0, 2) if down > 0 else slice(-2, None), :] = -1
        if across:
            wanted[..., slice(0, 2) if across > 0 else slice(-2, None)] = -1
        moved = translate(x, torch.tensor([u]), 1.0)
        torch.testing.assert_close(moved, wanted)


def test_a_turn_by_a_right_angle_is_exact(monkeypatch):
    monkeypatch.setattr(module, "ANGLE", 90.0)
    x = pictures(1, 1)
    turned = rotate(x, torch.tensor([[1.0]]), 1.0)
    quarter = [torch.rot90(x, k, (-2, -1)) for k in (1, 3)]
    assert min(float((turned - q).abs().max()) for q in quarter) < 1e-4


def test_colours_brightness_adds_contrast_keeps_the_mean_and_saturation_the_grey():
    x = pictures()
    difference = augment(x, ["brightness"], rng()) - x
    assert difference.flatten(1).std(1).max() < 1e-6
    assert difference.abs().max() <= module.LIGHT
    y = augment(x, ["contrast"], rng())
    torch.testing.assert_close(y.mean((1, 2, 3)), x.mean((1, 2, 3)))
    y = augment(x, ["saturation"], rng())
    torch.testing.assert_close(y.mean(1), x.mean(1))
    grey = pictures(channels=1)
    torch.testing.assert_close(augment(grey, ["saturation"], rng()), grey)


def test_the_hole_is_a_grey_square_of_the_size_that_is_said():
    x = torch.ones(1, 1, 16, 16)
    y = cutout(x, torch.tensor([[0.5, 0.5]]), 1.0)
    side = round(16 * module.HOLE)
    assert set(y.unique().tolist()) == {0.0, 1.0}
    assert abs(int((y == 0).sum()) - side**2) <= 2 * side + 1  # to the nearest pixel
    assert (cutout(x, torch.tensor([[0.0, 0.0]]), 1.0) == 0).sum() < side**2  # partly outside


def test_digits_stay_on_the_page():
    x = load_mnist("test", size=16).x[:200]
    shifted = augment(x, ["translate"], rng())
    assert ((shifted + 1).sum() / (x + 1).sum()) > 0.97


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x": torch.zeros(3, 16, 16)}, ValueError, r"x has shape \[3, 16, 16\]"),
        ({"x": torch.zeros(2, 3, 1, 8, 8)}, ValueError, r"\[N, C, H, W\]"),
        ({"x": torch.zeros(3, 1, 8, 8), "rng": [rng()]}, ValueError, "K generators"),
        ({"names": ["blur"]}, ValueError, "transform = 'blur'"),
        ({"strength": 1.5}, ValueError, "strength = 1.5"),
        ({"p": -0.1}, ValueError, "p = -0.1"),
        ({"p": "often"}, TypeError, "p"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        augment(**{"x": torch.zeros(3, 1, 8, 8), "names": ["flip"]} | arguments)
