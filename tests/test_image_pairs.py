"""Photographs in grey and colour, shoes and their line drawings: shapes, parts, lines, files."""

import hashlib
import re
from pathlib import Path

import pytest
import torch
from torch.nn.functional import max_pool2d, pad

from gan_helpers.datasets import photos
from gan_helpers.datasets.images import load_fashion
from gan_helpers.datasets.photos import FLAT, LUMA, PHOTOS, load_photo_patches, luma, read_photo
from gan_helpers.datasets.shoes import edges, load_footwear, load_shoes_unpaired

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def patches():
    return load_photo_patches(n=60)


@pytest.fixture(scope="module")
def footwear():
    return load_footwear("test")


# --- photographs -------------------------------------------------------------------------------


def test_patches_have_shape_and_range(patches):
    assert patches.a.shape == (60, 1, 32, 32) and patches.b.shape == (60, 3, 32, 32)
    assert patches.b.min() < -0.9 and patches.b.max() > 0.9  # the range itself is Pairs' own check
    small = load_photo_patches("test", size=16, n=3)
    assert small.b.shape == (3, 3, 16, 16) and "test 16x16" in small.name


def test_grey_is_the_luma_of_colour(patches):
    assert sum(LUMA) == pytest.approx(1)
    by_hand = sum(w * patches.b[:, i] for i, w in enumerate(LUMA))
    torch.testing.assert_close(patches.a[:, 0], by_hand)
    torch.testing.assert_close(luma(torch.full((3, 2, 2), 0.3)), torch.full((1, 2, 2), 0.3))


def test_no_patch_is_flat(patches):
    assert patches.a.flatten(1).std(1).min() >= FLAT


def test_a_seed_decides(patches):
    assert torch.equal(load_photo_patches(n=7).b, patches.b[:7])  # and the first n are of any more
    assert not torch.equal(load_photo_patches(n=7, seed=1).b, patches.b[:7])


def test_the_parts_never_overlap(monkeypatch):
    """Photographs that are red where the test part lies: a filter across the line would blend."""
    noise = torch.rand(2, 300, 401, generator=torch.Generator().manual_seed(0))

    def painted(name):
        photo = torch.cat([torch.full((1, 300, 401), -1.0), noise])
        photo[0, :, : 401 // 4] = 1.0
        return photo

    monkeypatch.setattr(photos, "read_photo", painted)
    for size in (8, 32, 64):  # a filter over -1 alone may round a little; one column does more
        assert load_photo_patches("train", size, n=100).b[:, 0].max() < -0.9999
        assert load_photo_patches("test", size, n=100).b[:, 0].min() > 0.9999


def test_crops_reach_every_pixel_of_their_part(monkeypatch):
    """Coordinates as colours: the parts have no seam that is never seen, and crops have scales."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 300), torch.linspace(-1, 1, 400), indexing="ij")
    photo = torch.stack([x, y, torch.rand(300, 400, generator=torch.Generator().manual_seed(0))])
    monkeypatch.setattr(photos, "read_photo", lambda name: photo)
    monkeypatch.setattr(photos, "FLAT", 0.0)
    train, test = load_photo_patches(n=1500).b, load_photo_patches("test", n=1500).b
    middle = -1 + 2 * 99.5 / 399  # between columns 99 and 100
    assert test[:, 0].min() < -0.97 and middle - 0.03 < test[:, 0].max() < middle
    assert train[:, 0].max() > 0.97 and middle < train[:, 0].min() < middle + 0.03
    assert train[:, 1].min() < -0.97 and train[:, 1].max() > 0.97
    width = (train[:, 0].amax((1, 2)) - train[:, 0].amin((1, 2))) * 399 / 2  # of about the edge
    assert 28 < width.min() < 36 and 92 < width.max() < 100
    mirrored = (train[:, 0, 0, 0] > train[:, 0, 0, -1]).float().mean()
    assert abs(mirrored - 0.5) < 0.06  # 4.6 standard errors


def test_readme_code_and_photographs_agree():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert sorted(PHOTOS) == sorted(path.name for path in DATA.glob("photo_*"))
    for name, expected in PHOTOS.items():
        (row,) = re.findall(rf"(?m)^\| `{re.escape(name)}` .*$", text)
        content = (DATA / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == expected and f"`{expected}`" in row
        height, width = read_photo(name).shape[1:]
        assert f"{width} x {height}" in row and max(width, height) <= 640
    assert sum((DATA / name).stat().st_size for name in PHOTOS) < 2_000_000


def test_a_photograph_that_is_damaged(monkeypatch):
    name = "photo_rocket.jpg"
    monkeypatch.setitem(PHOTOS, name, "0" * 64)
    with pytest.raises(OSError, match=f"{name} is damaged.*git checkout -- data/{name}"):
        read_photo(name)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"split": "validation"}, ValueError),
        ({"size": 7}, ValueError),
        ({"size": 65}, ValueError),
        ({"size": 32.0}, TypeError),
        ({"n": 0}, ValueError),
        ({"n": True}, TypeError),
        ({"seed": -1}, ValueError),
    ],
)
def test_wrong_arguments_of_patches(wrong, error):
    with pytest.raises(error, match=f"{next(iter(wrong))} = "):
        load_photo_patches(**wrong)


# --- shoes -------------------------------------------------------------------------------------


def test_footwear_is_that_of_fashion_mnist(footwear):
    shoes = load_fashion("test").of_class(5, 7, 9)
    assert footwear.a.shape == footwear.b.shape == (1500, 1, 28, 28)
    assert torch.equal(footwear.b, shoes.x)
    assert torch.equal(footwear.a[:20], edges(shoes.x[:20]))  # and parts of 500 change nothing


def test_heaps_are_sneakers_and_boots():
    heaps, test = load_shoes_unpaired("test", 32), load_fashion("test", 32)
    assert torch.equal(heaps.a, test.of_class(7).x) and torch.equal(heaps.b, test.of_class(9).x)


def test_no_shoe_is_in_both_parts():
    def kept(split):
        return {x.numpy().tobytes() for x in load_fashion(split).of_class(5, 7, 9).x}

    train, test = kept("train"), kept("test")
    assert len(train) == 6000 and len(test) == 1500 and not train & test


@pytest.mark.parametrize("load", [load_footwear, load_shoes_unpaired])
def test_wrong_arguments_of_shoes(load):
    for size in (16, 30, 28.0, True):
        with pytest.raises(ValueError, match=r"size = .* is unknown; choose one of 28, 32\."):
            load(size=size)
    with pytest.raises(ValueError, match="split = 'all' is unknown"):
        load("all")


# --- line drawings -----------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [True, False])
def test_a_filled_square_is_its_outline(inner):
    x = torch.full((1, 1, 16, 16), -1.0)
    x[..., 4:12, 3:13] = 0.5
    expected = torch.full_like(x, -1.0)
    expected[..., 4:12, 3:13] = 1
    expected[..., 5:11, 4:12] = -1
    assert torch.equal(edges(x, inner), expected)


def test_an_outline_closes_at_the_frame():
    x = torch.ones(1, 1, 9, 9)
    expected = torch.ones_like(x)
    expected[..., 1:-1, 1:-1] = -1
    assert torch.equal(edges(x), expected)


def test_nothing_has_no_edges():
    dark = torch.full((2, 1, 28, 28), -1.0)
    dark[1] += 0.19 * torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(0))  # noise
    assert (edges(dark) == -1).all()


def test_specks_and_eyelets_are_left_out_and_holes_drawn():
    x = torch.full((1, 1, 24, 24), -1.0)
    x[..., 2:20, 2:20] = 1
    plain = edges(x, inner=False)
    x[..., 22, 4:11] = 1  # seven pixels
    x[..., 10, 10] = -1
    assert torch.equal(edges(x, inner=False), plain)
    x[..., 8:12, 8:12] = -1
    ring = edges(x, inner=False) - plain
    assert (ring[..., 7, 8:12] == 2).all() and (ring[..., 8:12, 8:12] == 0).all()


def test_an_inner_line_lies_on_the_step():
    x = torch.full((1, 1, 20, 20), -1.0)
    x[..., 2:18, 2:18] = 0.8
    x[..., 10:18, 2:18] = -0.2
    lines = edges(x) - edges(x, inner=False)
    row, column = (lines[0, 0] > 0).nonzero().T
    assert len(row.unique()) == 1 and row[0] in (9, 10)  # one pixel wide, at the step
    assert column.min() == 4 and column.max() == 15  # one pixel free on both sides
    x[..., 10:18, 2:18] = 0.7  # too weak a step
    assert torch.equal(edges(x), edges(x, inner=False))


def test_two_pixels_of_strap_are_one_line():
    x = torch.full((1, 1, 6, 12), -1.0)
    x[..., 2:4, 1:11] = 1
    lines = edges(x)[0, 0] > 0
    assert (lines.sum(0) <= 1).all() and lines.any(0).sum() >= 8


def test_moved_pictures_have_moved_edges(footwear):
    x = footwear.b[:40]
    for left, top in ((4, 4), (1, 7), (8, 0)):
        room = [left, 8 - left, top, 8 - top]
        assert torch.equal(edges(pad(x, room, value=-1.0)), pad(edges(x), room, value=-1.0))


def test_32_is_28_with_a_border(footwear):
    larger = load_fashion("test", 32).of_class(5, 7, 9).x[:100]
    assert torch.equal(edges(larger), pad(footwear.a[:100], [2] * 4, value=-1.0))


def test_lines_of_shoes_are_thin(footwear):
    """A closed outline of 28 x 28 has about 80 pixels, a tenth of the picture."""
    a = footwear.a
    assert a.unique().tolist() == [-1, 1]
    share = (a > 0).float().mean((1, 2, 3))
    assert 0.09 < share.mean() < 0.16 and share.max() < 0.3 and share.min() > 0.02
    blocks = -max_pool2d(-a, 2, 1) > 0  # 2 x 2 white pixels
    assert blocks.flatten(1).sum(1).float().mean() < 0.5
    assert not (-max_pool2d(-a, 3, 1) > 0).any()


def test_inner_lines_only_add(footwear):
    outline, both = edges(footwear.b[:200], inner=False) > 0, footwear.a[:200] > 0
    assert not (outline & ~both).any()
    assert (both & ~outline).flatten(1).any(1).float().mean() > 0.4  # most shoes have some


def test_wrong_arguments_of_edges():
    with pytest.raises(ValueError, match="of grey"):
        edges(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="ranges"):
        edges(torch.full((1, 1, 8, 8), 2.0))
    with pytest.raises(TypeError, match="x is"):
        edges([[1.0]])
    with pytest.raises(TypeError, match="inner = 1"):
        edges(torch.zeros(1, 1, 8, 8), inner=1)
