"""Shoes and their outlines in pairs, and two heaps of shoes."""

from __future__ import annotations

from functools import reduce
from math import pi, tan
from operator import add, and_, or_

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import pad

from gan_helpers.checks import (
    brief,
    check_bool,
    plain,
)
from gan_helpers.datasets.images import SHOES, load_fashion
from gan_helpers.datasets.pairs import Pairs, Unpaired, check_pictures

SHOE_SIZES = ("28", "32")  # at 16 x 16, a line of one pixel is as wide as a strap

# --- shoes -------------------------------------------------------------------------------------

_, SNEAKER, BOOT = SHOES


def load_footwear(split: str = "train", size: int = 28) -> Pairs:
    """Sandals, sneakers and ankle boots of Fashion-MNIST: a is drawn by `edges`, b the photo.

    6,000 to train on, 1,500 to test on; both `[N, 1, size, size]`, the classes taking turns.

    Args:
        split: "train" or "test".
        size: edge of a picture, 28 or 32.

    Raises:
        FileNotFoundError, OSError: if a file is missing or damaged.
        ValueError: if there is no such split or size.
    """
    shoes = load_fashion(split, check_shoe_size(size)).of_class(*SHOES)
    return Pairs(f"footwear {split} {size}x{size}", edges(shoes.x), shoes.x)


def load_shoes_unpaired(split: str = "train", size: int = 28) -> Unpaired:
    """Two heaps from Fashion-MNIST: A sneakers, B ankle boots; 2,000 each to train on, 500 to test.

    Args, errors: as for `load_footwear`.
    """
    shoes = load_fashion(split, check_shoe_size(size))
    sneakers, boots = shoes.of_class(SNEAKER).x, shoes.of_class(BOOT).x
    return Unpaired(f"sneakers and ankle boots {split} {size}x{size}", sneakers, boots)


def check_shoe_size(size: object) -> int:
    """Return `size` if there are shoes of it, else raise a ValueError."""
    edge = plain(size)
    if isinstance(edge, bool) or not isinstance(edge, int) or str(edge) not in SHOE_SIZES:
        raise ValueError(f"size = {brief(size)} is unknown; choose one of {', '.join(SHOE_SIZES)}.")
    return edge


# --- line drawings -----------------------------------------------------------------------------

BACKGROUND = -0.8  # darker is background: the shadows and the noise around a shoe
SPECK = 8  # pixels; a smaller piece of the object is not drawn
STRONG, WEAK = 0.16, 0.08  # slopes per pixel: an inner line starts at STRONG and ends under WEAK
SHORT = 5  # pixels; a shorter inner line is not drawn


def edges(x: Tensor, inner: bool = True) -> Tensor:
    """The line drawing of a bright object on black: white lines (1) of one pixel on black (-1).

    1. Object: what is brighter than `BACKGROUND`; holes without a 2 x 2 block are filled, pieces of
       fewer than `SPECK` pixels left out. Beyond the frame all is background, so outlines close.
    2. Outline: the object's pixels with background above, below, left or right of them.
    3. Inner lines, if `inner`: smoothed, then Sobel's slope, of which the crests remain (Canny
       1986) that reach `STRONG` somewhere, are above `WEAK` everywhere, leave one pixel free
       to the outline, and have at least `SHORT` pixels.
    4. Thinning of both to one pixel (Zhang and Suen 1984), for straps two pixels wide.

    Args:
        x: float32 `[N, 1, H, W]` in [-1, 1].
        inner: False draws the outline alone.

    Raises:
        ValueError, TypeError: if x holds no grey pictures, or `inner` is no truth value.
    """
    inner, x = check_bool("inner", inner), check_pictures("x", x)
    if x.shape[1] != 1:
        raise ValueError(f"x has shape {list(x.shape)}; edges are drawn of grey, [N, 1, H, W].")
    return torch.cat([draw(part, inner) for part in x.split(500)])  # parts that fit the cache


def draw(x: Tensor, inner: bool) -> Tensor:
    """`edges` without the checks."""
    x = pad(x, [2] * 4, value=-1.0)  # room for background all around
    thing = without_specks(fill_small_holes(x > BACKGROUND), SPECK)
    lines = thing & ~all_of(neighbours(thing)[::2])
    if inner:
        lines = lines | inner_lines(x, thing)
    return thin(lines)[..., 2:-2, 2:-2].to(x.dtype) * 2 - 1


def neighbours(m: Tensor) -> list[Tensor]:
    """The pixel above each one, then clockwise: eight pictures like m; 0 beyond the frame."""
    (h, w), p = m.shape[-2:], pad(m, [1] * 4)
    clockwise = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    return [p[..., i : i + h, j : j + w] for i, j in clockwise]


def any_of(ms: list[Tensor]) -> Tensor:
    """Where one of them is true."""
    return reduce(or_, ms)


def all_of(ms: list[Tensor]) -> Tensor:
    """Where all of them are true."""
    return reduce(and_, ms)


#: Which pixels touch one of a picture `[N, 1, H, W]`: aslant, too, but none of another picture.
TOUCHING = np.zeros((3, 3, 3, 3), bool)
TOUCHING[1, 1] = True
#: The same along rows and columns only.
BESIDE = TOUCHING & ndimage.generate_binary_structure(2, 1)


def flood(seed: Tensor, within: Tensor, structure: np.ndarray) -> Tensor:
    """What is reached from `seed` on pixels of `within`, from one to those of `structure`."""
    reached = ndimage.binary_propagation(seed.cpu(), structure, within.cpu())
    return torch.from_numpy(reached).to(seed.device)


def fill_small_holes(m: Tensor) -> Tensor:
    """Fill the holes of m in which no 2 x 2 pixels have room, like eyelets and noise."""
    margin = pad(torch.zeros_like(m[..., 2:, 2:]), [1] * 4, value=True)  # is background
    hole = ~m & ~flood(margin, ~m, BESIDE)
    n = neighbours(hole)
    blocks = [hole & n[i] & n[i + 1] & n[(i + 2) % 8] for i in (0, 2, 4, 6)]  # one per quadrant
    return m | (hole & ~any_of(blocks))


def without_specks(m: Tensor, at_least: int) -> Tensor:
    """Only the connected pieces of at least so many pixels."""
    piece, _ = ndimage.label(m.cpu(), TOUCHING)  # (N, 1, H, W); 0 is background
    large = np.bincount(piece.ravel()) >= at_least
    large[0] = False
    return torch.from_numpy(large[piece]).to(m.device)


def inner_lines(x: Tensor, thing: Tensor) -> Tensor:
    """Step 3 of `edges`."""
    v, known = x * thing, thing.to(x.dtype)
    for _ in range(2):  # carry the object on outwards; its rim would outdo all else
        total, count = v + sum(neighbours(v)), known + sum(neighbours(known))
        v = torch.where(known > 0, v, total / count.clamp(min=1))
        known = (count > 0).to(x.dtype)
    n = neighbours(v)
    n = neighbours((4 * v + 2 * sum(n[::2]) + sum(n[1::2])) / 16)
    across = (n[1] + 2 * n[2] + n[3] - n[5] - 2 * n[6] - n[7]) / 8
    down = (n[3] + 2 * n[4] + n[5] - n[7] - 2 * n[0] - n[1]) / 8
    slope = (across**2 + down**2).sqrt()
    n = neighbours(slope)
    flat, steep = down.abs() <= tan(pi / 8) * across.abs(), across.abs() <= tan(pi / 8) * down.abs()
    crest = torch.zeros_like(thing)
    for where, i in (
        (flat, 2),
        (steep, 4),
        (~flat & ~steep & (across * down > 0), 3),
        (~flat & ~steep & (across * down < 0), 1),
    ):
        crest |= where & (slope >= n[i]) & (slope > n[(i + 4) % 8])  # one of two equals remains
    inside = thing & all_of(neighbours(thing)[::2])
    crest &= inside & all_of(neighbours(inside)) & (slope > WEAK)
    return without_specks(flood(crest & (slope > STRONG), crest, TOUCHING), SHORT)


def thin(m: Tensor) -> Tensor:
    """Take pixels off from both sides until lines of one pixel remain; bool -> bool."""
    left = m.to(torch.uint8)  # to count in
    while True:
        before = left
        for one, other in (((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6))):
            n = neighbours(left)
            count = reduce(add, n)
            runs = reduce(add, [(1 - p) * q for p, q in zip(n, n[1:] + n[:1], strict=True)])
            kept = all_of([n[i] for i in one]) | all_of([n[i] for i in other])
            left = left * ~((count >= 2) & (count <= 6) & (runs == 1) & (kept == 0))
        if torch.equal(left, before):
            return left.bool()
