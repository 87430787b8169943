"""One scene in two guises: the same at any size, and no pair among the unpaired."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from gan_helpers.datasets.pairs import Pairs, Unpaired
from gan_helpers.datasets.scenes import (
    SCENES,
    Scenes,
    draw_few,
    draw_pairs,
    draw_scenes,
    draw_unpaired,
    rgb,
    scene_table,
)

each_kind = pytest.mark.parametrize("kind", SCENES)


@pytest.fixture(scope="module")
def drawn():
    """Forty scenes of each kind: A, B and where the subject is."""
    return {kind: draw_scenes(kind, 0, 40, 32, 3) for kind in SCENES}


@each_kind
def test_pictures_are_of_the_kind_the_losses_want(kind):
    for size in (16, 33):
        world = draw_pairs(kind, 3, size)
        assert isinstance(world, Pairs) and world.name == kind
        for x in (world.a, world.b):
            assert x.shape == (3, 3, size, size) and x.dtype == torch.float32
            assert float(x.min()) >= -1 and float(x.max()) <= 1


@each_kind
def test_a_seed_is_a_world(kind):
    first, again, other = (draw_pairs(kind, 4, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(first.a, again.a) and torch.equal(first.b, again.b)
    assert float((first.a - other.a).abs().mean()) > 0.05


@each_kind
def test_a_longer_set_begins_with_the_shorter_one(kind, drawn):
    for n in (1, 5):
        short = draw_pairs(kind, n, seed=3)
        assert float((short.a - drawn[kind][0][:n]).abs().max()) < 1e-4
        assert float((short.b - drawn[kind][1][:n]).abs().max()) < 1e-4


def test_the_table_is_filled_row_by_row():
    assert torch.equal(scene_table(3, 5), scene_table(50, 5)[:3])


@each_kind
def test_another_size_shows_the_same_scene(kind, drawn):
    large = draw_pairs(kind, 40, 64, seed=3)
    for x, y in zip((large.a, large.b), drawn[kind], strict=False):
        error = (avg_pool2d(x, 2) - y).abs().mean()
        stranger = (avg_pool2d(x, 2) - y.roll(1, 0)).abs().mean()
        assert float(error) < 0.05
        assert float(error) < 0.25 * float(stranger)


def test_where_horse_and_zebra_differ_is_the_animal(drawn):
    a, b, animal = drawn["animals"]
    strong = (a - b).abs().mean(1, keepdim=True) > 0.4
    assert float(animal[strong].gt(0).float().mean()) > 0.98
    assert float(strong[animal > 0.9].float().mean()) > 0.5
    assert 0.08 < float(animal.mean()) < 0.4


def test_map_and_photograph_have_their_water_at_one_place(drawn):
    a, b, water = drawn["maps"]
    on_map = nearest(a, "86bdec", "ece6da", "b5dd9c", "c4bdb5", "ffffff", "e0a63c", "fbd768")
    # In the photograph, water is what is dark and blue; no shadow is as blue as that.
    red, _, blue = b.split(1, dim=1)
    on_photograph = (blue - red > 0.15) & (b.mean(1, keepdim=True) < -0.2)
    assert float((on_map == (water > 0.5)).float().mean()) > 0.98
    assert float((on_map == on_photograph).float().mean()) > 0.95
    seen = on_photograph[on_map].float().mean()
    assert float(seen) > 0.9  # so it is not only the land that agrees
    wet = (water > 0.5).flatten(1).any(1).float().mean()
    assert 0.3 < float(wet) < 0.95  # not every place has water


def nearest(x, first, *others):
    """Where x is nearer to the first colour than to any of the others, [n, 1, S, S]."""
    colours = torch.cat([rgb(code) for code in (first, *others)]) * 2 - 1  # (k, 3, 1, 1)
    return (x[:, None] - colours).square().sum(2).argmin(1, keepdim=True) == 0


def test_snow_lies_on_the_land_and_nowhere_else(drawn):
    a, b, land = drawn["landscapes"]
    brighter = (b - a).mean(1, keepdim=True)
    assert float(brighter[land > 0.9].mean()) > 0.5
    assert float(brighter[land < 0.1].mean().abs()) < 0.25
    # Green is gone with the summer.
    summer, winter = (x[:, 1:2] - x[:, [0, 2]].mean(1, keepdim=True) for x in (a, b))
    assert float(summer[land > 0.9].mean()) > 0.3 and float(winter[land > 0.9].mean()) < 0.1


@each_kind
def test_no_two_pictures_are_alike(kind, drawn):
    for x in drawn[kind][:2]:
        # A world of one picture and some noise would stay below: noise of 0.05 has a std of 0.05.
        assert float(x.std(0).mean()) > 0.12
        apart = torch.cdist(x.flatten(1), x.flatten(1)) / x[0].numel() ** 0.5
        assert float(apart.fill_diagonal_(1).min()) > 0.1


@each_kind
def test_the_unpaired_are_scenes_without_a_counterpart(kind):
    heaps, pairs = draw_unpaired(kind, 6, seed=4), draw_pairs(kind, 12, seed=4)
    assert isinstance(heaps, Unpaired) and heaps.a.shape == heaps.b.shape == (6, 3, 32, 32)
    assert float((heaps.a - pairs.a[:6]).abs().max()) < 1e-4
    assert float((heaps.b - pairs.b[6:]).abs().max()) < 1e-4
    table = scene_table(12, 4)
    assert not (table[:6, None] == table[6:]).all(-1).any()
    # The scenes of B, drawn as A, are none of the pictures of A.
    apart = (heaps.a[:, None] - pairs.a[6:]).abs().mean((2, 3, 4))
    assert float(apart.min()) > 0.05


@pytest.mark.parametrize("draw", [draw_pairs, draw_unpaired])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"kind": "faces"}, ValueError, "maps, animals, landscapes"),
        ({"n": 0}, ValueError, "n = 0"),
        ({"n": 2.0}, TypeError, "whole number"),
        ({"n": 10**6}, ValueError, "100000"),
        ({"size": 8}, ValueError, r"size = 8 .* \[16, 256\]"),
        ({"size": 512}, ValueError, "size = 512"),
        ({"seed": -1}, ValueError, "seed = -1"),
        ({"seed": "1"}, TypeError, "seed"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, wrong, error, message):
    with pytest.raises(error, match=message):
        draw(**{"kind": "maps", "n": 1, **wrong})


@each_kind
def test_a_few_are_the_first_as_A(kind):
    few = draw_few(kind, 5, seed=3)
    assert torch.equal(few.x, draw_pairs(kind, 5, 16, seed=3).a)
    assert len(few) == 5 and few.event_shape == (3, 16, 16) and few.name == kind
    drawn = few.sample(50, torch.Generator().manual_seed(0))
    known = {x.numpy().tobytes() for x in few.x}
    assert {x.numpy().tobytes() for x in drawn} == known  # all, and no other
    with pytest.raises(ValueError, match="C = 1 for grey and 3 for colour"):
        Scenes("own", torch.zeros(5, 2, 8, 8))
