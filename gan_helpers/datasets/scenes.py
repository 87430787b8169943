"""Worlds of colour pictures in two guises: one hidden scene, drawn once as A and once as B.

A scene is one row of uniform numbers. Its shapes are signed distances in [0, 1]^2, x to the right
and y down, negative inside; so it can be drawn at any size, its edges one pixel soft.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_helpers.checks import check_choice, check_int, check_seed, check_text
from gan_helpers.datasets.pairs import Pairs, Unpaired, check_pictures, draw_indices

SCENES = ("maps", "animals", "landscapes")
SIZES = (16, 256)  # below, a road is no road any more; above, memory is what is missing
MAX_PICTURES = 100_000
NUMBERS, LATTICE = 128, 256  # of a scene: for its parts, and for textures and whole crowds of parts
PIXELS_AT_ONCE = 2**17  # a field of that many numbers stays in the processor's cache
FAR = 9.0  # a distance that keeps a shape out of the picture
Point = tuple[Tensor | float, Tensor | float]  # the same for all scenes, or `[m, 1, 1, 1]`


def draw_pairs(kind: str, n: int, size: int = 32, seed: int = 0) -> Pairs:
    """`n` scenes, each drawn as A and as B, both `[n, 3, size, size]` in [-1, 1].

    Scene i depends on `kind`, `seed` and i alone: a longer set begins with the shorter one, and
    another size shows the same scenes. maps: road map and aerial photograph, whose roofs and trees
    the map does not tell. animals: horse and zebra in one pose. landscapes: summer and winter.

    Args:
        kind: "maps", "animals" or "landscapes".
        n: 1 to 100,000.
        size: height and width in pixels, 16 to 256.
        seed: of the scenes, 0 to 2^63 - 1; another one gives pairs to test with.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    a, b, _ = draw_scenes(kind, 0, check_int("n", n, 1, MAX_PICTURES), size, seed)
    return Pairs(kind, a, b)


def draw_unpaired(kind: str, n: int, size: int = 32, seed: int = 0) -> Unpaired:
    """`n` scenes drawn as A, and `n` others drawn as B, both `[n, 3, size, size]` in [-1, 1].

    They are the scenes of `draw_pairs(kind, 2 * n, size, seed)`: the first half as A, the second
    as B, so that no picture has its counterpart here. Test with pairs of another seed.

    Args and errors: as for `draw_pairs`.
    """
    n = check_int("n", n, 1, MAX_PICTURES)
    a, _, _ = draw_scenes(kind, 0, n, size, seed)
    _, b, _ = draw_scenes(kind, n, 2 * n, size, seed)
    return Unpaired(kind, a, b)


@dataclass(frozen=True, eq=False)
class Scenes:
    """Colour pictures for a GAN to learn from; nothing is asked of it but to make more of them.

    Args:
        name: what the reader sees.
        x: float32 `[N, C, H, W]` in [-1, 1].

    Raises:
        ValueError, TypeError: if x has the wrong type, shape or range.
    """

    name: str
    x: Tensor

    def __post_init__(self) -> None:
        check_text("name", self.name)
        object.__setattr__(self, "x", check_pictures("x", self.x))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one picture, `(C, H, W)`."""
        return tuple(self.x.shape[1:])

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """`n` pictures drawn with replacement, `[n, C, H, W]`."""
        return self.x[draw_indices(self.x, n, rng)]


def draw_few(kind: str, n: int, size: int = 16, seed: int = 0) -> Scenes:
    """`n` scenes drawn as A: road maps, horses, or landscapes in summer.

    Args and errors: as for `draw_pairs`.
    """
    return Scenes(kind, draw_pairs(kind, n, size, seed).a)


def draw_scenes(
    kind: str, start: int, stop: int, size: int, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Scenes `start` to `stop` as A and B `[n, 3, S, S]` in [-1, 1], and where their subject is.

    The subject, `[n, 1, S, S]` from 0 to 1, is the water of a map, the animal, the land that snow
    can fall on.
    """
    paint = PAINTERS[check_choice("kind", kind, SCENES)]
    size = check_int("size", size, *SIZES)
    start = check_int("start", start, 0, 2 * MAX_PICTURES - 1)
    stop = check_int("stop", stop, start + 1, 2 * MAX_PICTURES)
    table = scene_table(stop, seed)[start:]
    n_at_once = max(1, PIXELS_AT_ONCE // size**2)
    drawn = [paint(Sheet(rows, size)) for rows in table.split(n_at_once)]
    a, b, subject = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    return (2 * a - 1).clamp_(-1, 1), (2 * b - 1).clamp_(-1, 1), subject


def scene_table(n: int, seed: int) -> Tensor:
    """One row of uniform numbers for each scene, `[n, NUMBERS + LATTICE]`, filled row by row."""
    rng = torch.Generator().manual_seed(check_seed(seed))
    n = check_int("n", n, 1, 2 * MAX_PICTURES)
    return torch.rand(n, NUMBERS + LATTICE, generator=rng)


@dataclass
class Sheet:
    """What m scenes are drawn on: the coordinates, and their numbers, taken from left to right.

    Numbers have shape `[m, 1, 1, 1]`, fields (distances, masks) `[m, 1, S, S]`, and pictures
    `[m, 3, S, S]`; they are combined by broadcasting.
    """

    table: Tensor  # [m, NUMBERS + LATTICE]
    size: int
    taken: int = 0

    def __post_init__(self) -> None:
        centres = (torch.arange(self.size) + 0.5) / self.size
        self.x, self.y = centres.view(1, 1, 1, -1), centres.view(1, 1, -1, 1)
        self.lattice = self.table[:, NUMBERS:]  # [m, LATTICE]
        self.fine, self.coarse = self.noise(16, 16), self.noise(4, 4)

    def numbers(self, k: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """The next k numbers of each scene, between low and high, `[m, k]`."""
        self.taken += k
        assert self.taken <= NUMBERS
        return low + (high - low) * self.table[:, self.taken - k : self.taken]

    def number(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """The next number of each scene, `[m, 1, 1, 1]`."""
        return self.numbers(1, low, high)[:, :, None, None]

    def chance(self, p: float) -> Tensor:
        """1 in a part p of the scenes, else 0, `[m, 1, 1, 1]`."""
        return (self.number() < p).float()

    def noise(self, rows: int, columns: int) -> Tensor:
        """Smooth noise around 0, mostly in [-1, 1], of so many bumps down and across."""
        bumps = 2 * self.lattice[:, : rows * columns].view(-1, 1, rows, columns) - 1
        return interpolate(bumps, (self.size, self.size), mode="bicubic", align_corners=False)

    def inside(self, distance: Tensor) -> Tensor:
        """How much of a pixel a shape covers, from the distance of its centre to the edge."""
        return (0.5 - self.size * distance).clamp(0, 1)


# --- paint and shapes --------------------------------------------------------------------------


def rgb(code: str) -> Tensor:
    """A colour "rrggbb" as `[1, 3, 1, 1]` in [0, 1]."""
    return (torch.tensor(list(bytes.fromhex(code))) / 255).view(1, 3, 1, 1)


def colours(*codes: str) -> Tensor:
    """Several colours, `[k, 3]`."""
    return torch.cat([rgb(code) for code in codes]).flatten(1)


def over(picture: Tensor, colour: Tensor, cover: Tensor) -> Tensor:
    """The colour laid over the picture, as thick as `cover` says, 0 to 1."""
    return torch.lerp(picture, colour, cover)


def ramp(x: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """0 up to `low`, 1 from `high` on, straight between them."""
    return ((x - low) / (high - low)).clamp(0, 1)


def turned(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """The coordinates along and across a direction."""
    c, s = angle.cos(), angle.sin()
    return x * c + y * s, y * c - x * s


def pick(table: Tensor, index: Tensor) -> Tensor:
    """From each scene's row `[m, k]`, the entry for each pixel `[m, 1, S, S]`."""
    return table.gather(1, index.flatten(1)).view_as(index)


def another(x: Tensor, k: float) -> Tensor:
    """A second number in [0, 1[ from the digits that the first does not show."""
    return (x * k).frac()


def limb(x: Tensor, y: Tensor, start: Point, end: Point, r0: float, r1: float) -> Tensor:
    """Distance to a limb, r0 thick at its start and r1 at its end."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    along = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return torch.hypot(x - x0 - along * dx, y - y0 - along * dy) - r0 - (r1 - r0) * along


def joined(d1: Tensor, d2: Tensor, soft: float) -> Tensor:
    """Distance to both shapes together, the notch between them filled (Quilez' smooth minimum)."""
    near = (soft - (d1 - d2).abs()).clamp_min(0)
    return torch.minimum(d1, d2) - near * near / (4 * soft)


# --- maps --------------------------------------------------------------------------------------


def between(u: Tensor, lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which two of the lines `[m, k]`, in order, u is between: number of the block, low, high."""
    above = (u > lines[:, :, None, None]).sum(1, keepdim=True)
    index = above.clamp(1, lines.shape[1] - 1)
    return index, pick(lines, index - 1), pick(lines, index)


def lot(u: Tensor, low: Tensor, high: Tensor, cut: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The part of a block cut in two that u is in: 0 or 1, its middle, half its length."""
    middle = low + (high - low) * cut
    second = u > middle
    low, high = torch.where(second, middle, low), torch.where(second, high, middle)
    return second.long(), (low + high) / 2, (high - low) / 2


def paint_map(s: Sheet) -> tuple[Tensor, Tensor, Tensor]:
    """A: a road map. B: the same place from above, the sun in the upper left. Subject: water."""
    x, y = s.x - 0.5, s.y - 0.5
    turn, gap = s.number(-0.45, 0.45), s.number(0.28, 0.38).flatten(1)
    steps = torch.arange(7) - 3
    u, v = turned(x, y, turn)
    i, u0, u1 = between(u, gap * (steps + s.numbers(7, -0.25, 0.25)))
    j, v0, v1 = between(v, gap * (steps + s.numbers(7, -0.25, 0.25)))
    street = torch.minimum(torch.minimum(u - u0, u1 - u), torch.minimum(v - v0, v1 - v)) - 0.027

    # Each block is a park, or is cut into one, two or four lots with a building each.
    block = pick(s.lattice, 255 - 8 * i - j)
    is_park = (block < 0.2).float()
    cut_u = torch.where(another(block, 31) < 0.3, 1.0, 0.4 + 0.2 * another(block, 13))
    cut_v = torch.where(another(block, 57) < 0.3, 1.0, 0.4 + 0.2 * another(block, 19))
    half_u, mid_u, long_u = lot(u, u0 + 0.027, u1 - 0.027, cut_u)
    half_v, mid_v, long_v = lot(v, v0 + 0.027, v1 - 0.027, cut_v)
    own = pick(s.lattice, 4 * (8 * i + j - 9) + 2 * half_u + half_v)
    long_u = long_u - 0.016 - 0.02 * another(own, 7)
    long_v = long_v - 0.016 - 0.02 * another(own, 11)
    built = ((own < 0.9) & (torch.minimum(long_u, long_v) > 0.014)).float() * (1 - is_park)
    house = torch.maximum((u - mid_u).abs() - long_u, (v - mid_v).abs() - long_v)
    u_shade, v_shade = turned(x - 0.02, y - 0.02, turn)  # the same house, moved to the lower right
    shade = torch.maximum((u_shade - mid_u).abs() - long_u, (v_shade - mid_v).abs() - long_v)

    # A main road, a large park, and a river or a lake or neither, lie over the blocks.
    p, q = turned(x, y, turn + s.number(0.5, 1.1) * (1 - 2 * s.chance(0.5)))
    main = (q - s.number(-0.22, 0.22) - s.number(-0.5, 0.5) * p * p).abs()
    p, q = turned(x, y, s.number(0, 3.14))
    bend = s.number(0.03, 0.08) * (s.number(5, 9) * p + s.number(0, 6)).sin()
    river = (q - s.number(-0.3, 0.3) - bend).abs() - s.number(0.055, 0.1)
    far = torch.hypot(x - s.number(-0.35, 0.35), 1.3 * (y - s.number(-0.35, 0.35)))
    lake = far - s.number(0.13, 0.22) + 0.02 * s.coarse
    wet = s.number()
    water = torch.minimum(river + FAR * (wet > 0.5), lake + FAR * ((wet < 0.4) | (wet > 0.75)))
    wide_u = (u - s.number(-0.3, 0.3)).abs() - s.number(0.15, 0.25)
    wide_v = (v - s.number(-0.3, 0.3)).abs() - s.number(0.12, 0.2)
    wide = torch.maximum(wide_u, wide_v) + FAR * (1 - s.chance(0.45))
    is_water, is_wide, is_main = s.inside(water), s.inside(wide), s.inside(main - 0.036)
    free = built * (1 - s.inside(water - 0.03)) * (1 - is_wide) * (1 - s.inside(main - 0.05))
    is_house, is_shade = s.inside(house) * free, s.inside(shade) * free
    is_street = s.inside(street) * (1 - is_wide)
    is_park = torch.maximum(is_park * s.inside(0.01 - street), is_wide)

    a = over(rgb("ece6da"), rgb("b5dd9c"), is_park)
    a = over(a, rgb("c4bdb5"), is_house)
    a = over(a, rgb("d8d2c8"), s.inside(street - 0.012) * (1 - is_wide) * 0.6)
    a = over(a, rgb("ffffff"), is_street)
    a = over(a, rgb("86bdec"), is_water)
    a = over(a, rgb("e0a63c"), is_main)
    a = over(a, rgb("fbd768"), s.inside(main - 0.026))

    mixed = (0.55 + 0.5 * s.coarse + 0.25 * s.fine).clamp(0, 1)
    b = over(rgb("a39a7c"), rgb("7d8a55"), mixed)
    b = over(b, rgb("6f9448") * (1 + 0.12 * s.fine), is_park)
    b = over(b, rgb("5d6168"), is_street)
    b = over(b, rgb("6e7d4c"), s.inside(water - 0.025) * (1 - is_street))
    b = over(b, rgb("24475a") * (1 + 0.1 * s.fine + 0.12 * s.coarse), is_water)
    b = over(b, rgb("3f6a6c"), is_water * ramp(water, -0.03, 0) * 0.6)
    b = over(b, rgb("22262c"), is_shade * 0.75)
    roof = ROOFS[(another(own, 17) * len(ROOFS)).long().squeeze(1)].movedim(-1, 1)  # [m, 3, S, S]
    across = torch.where(long_u > long_v, v - mid_v, u - mid_u)
    lit = torch.where(long_u > long_v, -1.0, 1.0 - 2.0 * (turn < 0))  # which half faces the sun
    b = over(b, roof * (0.8 + 0.32 * s.inside(-lit * across)), is_house)
    b = over(b, rgb("77767a"), is_main)
    b = over(b, rgb("d9d3bd"), s.inside(main - 0.002) * 0.35)

    # Trees: one to a cell, in most cells of a park, in some cells of a garden.
    cell = 0.096
    cy = s.y / cell + s.number()
    cx = s.x / cell + s.number() + 0.5 * cy.floor()  # every other row is moved by half a cell
    tree = pick(s.lattice, (13 * cy.floor() + cx.floor()).long() % LATTICE)
    tx = (cx.frac() - 0.35 - 0.3 * another(tree, 23)) * cell
    ty = (cy.frac() - 0.35 - 0.3 * another(tree, 41)) * cell
    radius = 0.021 + 0.02 * another(tree, 67)
    bank = s.inside(water - 0.06)
    dense = 0.25 + 0.5 * torch.maximum(is_park, bank)
    ground = (1 - s.inside(street - 0.004) * (1 - is_wide)) * (1 - is_house)
    ground = ground * (1 - is_water) * (1 - s.inside(main - 0.045)) * (tree < dense)
    b = over(b, rgb("1c2a1c"), s.inside(torch.hypot(tx - 0.01, ty - 0.01) - radius) * ground * 0.6)
    leaf = over(rgb("2f5a2b"), rgb("7fa048"), ramp(-tx - ty, -1.2 * radius, 1.6 * radius))
    b = over(b, leaf, s.inside(torch.hypot(tx, ty) - radius) * ground)
    return a, b, is_water * (1 - is_main)


ROOFS = colours("ad5f48", "c08260", "87503f", "a3a19c", "6d7684", "e0dace", "7b6a58")


# --- animals -----------------------------------------------------------------------------------


def paint_animal(s: Sheet) -> tuple[Tensor, Tensor, Tensor]:
    """A: a horse on a meadow. B: a zebra in its place, the grass dry. Subject: the animal."""
    scale, flip = s.number(0.78, 1.02), 1 - 2 * s.chance(0.5)
    ground = s.number(0.8, 0.92)
    x = flip * (s.x - 0.5 - s.number(-0.05, 0.05)) / scale + 0.03
    y = (s.y - ground) / scale + 0.42  # the feet are at 0.42, the middle of the body at 0
    grazing, stride, lift = s.chance(0.3), s.number(0.025, 0.1), s.number(-0.012, 0.006)
    neck_at = torch.where(grazing > 0, s.number(-0.75, -0.5), s.number(0.75, 1.1))
    head_at = torch.where(grazing > 0, s.number(-1.5, -1.2), s.number(-0.7, -0.3))

    # x is forward, angles rise from it; the trunk is one piece, its belly drawn in at the loins.
    nx, ny = 0.15 + 0.22 * neck_at.cos(), -0.03 - 0.22 * neck_at.sin()
    hx, hy = nx + 0.14 * head_at.cos(), ny - 0.14 * head_at.sin()
    neck = limb(x, y, (0.14, -0.02), (nx, ny), 0.092, 0.048)
    head = limb(x, y, (nx, ny), (hx, hy), 0.052, 0.03)
    ex, ey = (head_at + 1.9).cos(), -(head_at + 1.9).sin()  # the way the ears point
    tip = (nx + 0.095 * ex, ny + 0.095 * ey)
    ear = limb(x, y, (nx + 0.03 * ex, ny + 0.03 * ey), tip, 0.02, 0.01)
    rump = limb(x, y, (-0.17, 0.0), (-0.02, lift), 0.12, 0.098)
    barrel = joined(rump, limb(x, y, (-0.02, lift), (0.12, 0.01), 0.098, 0.118), 0.02)
    trunk = joined(joined(barrel, neck, 0.06), torch.minimum(head, ear), 0.03)
    bx, by = -neck_at.sin(), -neck_at.cos()  # the way from the neck to the mane
    withers, poll = (0.12 + 0.08 * bx, -0.05 + 0.08 * by), (nx + 0.045 * bx, ny + 0.045 * by)
    mane = limb(x, y, withers, poll, 0.018, 0.022)
    dock = -0.33 - s.number(0, 0.05)
    tail = torch.minimum(
        limb(x, y, (-0.26, -0.05), (dock, 0.03), 0.024, 0.02),
        limb(x, y, (dock, 0.03), (dock - 0.01, 0.19), 0.02, 0.03),
    )
    legs = []
    for hip, sign in ((-0.21, -1.0), (0.14, 0.7), (-0.19, 1.0), (0.14, -1.0)):  # far ones first
        bent = 0.014 if hip > 0 else -0.022  # knees point forward, hocks backward
        knee = (hip + 0.4 * sign * stride + bent, 0.23)
        thigh = limb(x, y, (hip, 0.05), knee, 0.068, 0.03)
        shin = limb(x, y, knee, (hip + sign * stride, 0.41), 0.027, 0.022)
        legs.append(torch.minimum(thigh, shin))
    far = torch.minimum(legs[0], legs[1]) + 0.003
    front = joined(trunk, torch.minimum(legs[2], legs[3]), 0.03)
    is_far, is_front = s.inside(far * scale), s.inside(front * scale)
    is_hair = s.inside(torch.minimum(mane, tail) * scale)

    # Where they stand. The dry picture differs from the green one in its tint alone.
    horizon = s.number(0.4, 0.55) + 0.02 * (s.number(3, 6) * s.x + s.number(0, 6)).sin()
    trees = s.y - horizon + 0.07 * ramp(s.noise(4, 16)[:, :, :1], -0.5, 1.2)
    grey = s.number(-0.04, 0.04)
    cloud = ramp(s.noise(16, 4), 0.1, 0.9) * ramp(horizon - s.y, 0.05, 0.2) * 0.8
    depth = ramp(s.y, horizon, 1.0)
    feet = torch.hypot((x + 0.02) / 0.3, (y - 0.415) / 0.035)
    shade = (1.25 - feet).clamp(0, 1) * 0.55
    sights = []
    for high, low, wood, back, grass, dark in (
        ("5f9fdb", "d4e8f2", "4f7f5c", "a5c36a", "6ea043", "2c4a22"),
        ("74a4cf", "f0e6cd", "7f8459", "dcc586", "b99a50", "594522"),
    ):
        sky = over(rgb(high), rgb(low), ramp(s.y, 0.0, horizon)) + grey
        picture = over(sky, rgb("ffffff"), cloud)
        picture = over(picture, rgb(wood), s.inside(-trees))
        field = over(rgb(back), rgb(grass), depth) * (1 + 0.07 * s.coarse + 0.1 * s.fine * depth)
        picture = over(picture, field, s.inside(horizon - s.y))
        sights.append(over(picture, rgb(dark), shade))
    a, b = sights

    # The horse: bay, chestnut, dun or grey; mane, tail and lower legs darker.
    light = 1.16 - 0.5 * ramp(y, -0.12, 0.16) + 0.12 * ramp(y, 0.2, 0.4)
    which = (s.number() * len(COATS)).long().flatten()
    coat, hair = COATS[which][..., None, None].unbind(1)  # [m, 3, 1, 1] each
    coat = coat * s.number(0.9, 1.1)
    lower = over(coat, hair, 0.7 * ramp(y, 0.24, 0.34))
    a = over(a, lower * 0.62, is_far)
    a = over(a, hair, is_hair)
    a = over(a, lower * light, is_front)
    a = over(a, hair, s.inside((mane + 0.008) * scale) * 0.9)
    eye = s.inside((torch.hypot(x - 0.8 * nx - 0.2 * hx, y - 0.8 * ny - 0.2 * hy) - 0.012) * scale)
    a = over(a, rgb("15100e"), eye)

    # The zebra: stripes run across the trunk, across the neck and across each leg.
    across_neck = ((x - 0.14) * neck_at.cos() - (y + 0.02) * neck_at.sin()) / 0.092
    on_body = (x - 1.6 * x * y) / 0.11
    on_neck = s.inside((torch.minimum(neck, head) - barrel) * scale)
    on_leg = ramp(y, 0.09, 0.13) * (1 - on_neck)
    stripe = over(band(s, on_body, 0.11 * scale), band(s, across_neck, 0.092 * scale), on_neck)
    stripe = over(stripe, band(s, y / 0.09, 0.09 * scale), on_leg)
    muzzle = ramp(torch.hypot(x - hx, y - hy), 0.06, 0.04)
    white, black = rgb("f7f2e6"), rgb("1d1a1c")
    hide = over(white, black, torch.maximum(stripe, muzzle))
    b = over(b, hide * 0.6, is_far)
    b = over(b, black, is_hair)
    b = over(b, hide * (0.55 + 0.45 * light).clamp_max(1), is_front)
    b = over(b, over(white, black, stripe), s.inside(mane * scale))
    b = over(b, black, eye)
    return a, b, torch.maximum(torch.maximum(is_far, is_front), is_hair)


def band(s: Sheet, phase: Tensor, period: Tensor) -> Tensor:
    """Stripes one phase apart, the dark ones a little narrower than the gaps; 1 is dark."""
    return s.inside(((phase.remainder(1) - 0.5).abs() - 0.23) * period)


COATS = colours(  # the coat, then mane and tail
    *("8f5226", "2a1a12", "a8622f", "8a4a22", "6b3d20", "20150f"),
    *("c0935a", "4a3420", "8d8a88", "4c4a4c"),
).view(-1, 2, 3)


# --- landscapes --------------------------------------------------------------------------------


def paint_landscape(s: Sheet) -> tuple[Tensor, Tensor, Tensor]:
    """A: summer. B: winter at the same place, the sun in the upper left. Subject: the land."""
    sun_x, sun_y = s.number(0.08, 0.5), s.number(0.08, 0.22)
    from_sun = torch.hypot(s.x - sun_x, s.y - sun_y)
    disc, glow = s.inside(from_sun - 0.045), (1 - from_sun / 0.5).clamp_min(0) ** 2
    cloud = ramp(s.noise(16, 4), 0.1, 0.9) * ramp(s.y, 0.5, 0.25) * 0.85
    a = over(rgb("3f8fdc"), rgb("d6ecf4"), ramp(s.y, 0.0, 0.55))
    a = over(a, rgb("fff3c4"), glow * 0.8)
    a = over(over(a, rgb("fff6b8"), disc), rgb("ffffff"), cloud)
    b = over(rgb("a3b8d2"), rgb("f3e4de"), ramp(s.y, 0.0, 0.55))
    b = over(b, rgb("fff1e2"), glow * 0.7)
    b = over(over(b, rgb("fffaf0"), disc), rgb("e6e9f0"), cloud)

    # Mountains: two peaks, their right sides in the shade, their tops white even in summer.
    rough = 0.035 * s.noise(4, 16)[:, :, :1] + 0.02 * s.noise(1, 32)
    wander = 0.5 * s.noise(16, 1) + 0.4 * s.fine
    land = torch.zeros_like(s.fine)
    for left, right in ((0.05, 0.45), (0.55, 0.95)):
        peak_x, peak_y = s.number(left, right), s.number(0.18, 0.42)
        ridge = peak_y + s.number(0.6, 1.0) * (s.x - peak_x).abs() + rough
        is_rock = s.inside(0.8 * (ridge - s.y))
        shade = ramp(s.x - peak_x - wander * (s.y - peak_y), -0.015, 0.015)
        cap = ramp(s.y - peak_y - 1.5 * rough - 0.03 * s.fine, 0.11, 0.08)
        rock = over(rgb("8d97ab"), rgb("66728c"), shade)
        rock = over(rock, over(rgb("ffffff"), rgb("c3d0e6"), shade), cap)
        a = over(a, over(rock, rgb("a9bfcb"), ramp(s.y, 0.3, 0.65) * 0.7), is_rock)
        b = over(b, over(rgb("f6f4f6"), rgb("b4c3dc"), shade * (1 - 0.3 * s.fine)), is_rock)
        land = torch.maximum(land, is_rock)

    # Three hills, each lighter at its crest; trees on the second; a pond, a hut and trees on the
    # third. The nearer a tree, the larger it is, and the later it is drawn.
    firs = s.number(-0.2, 1.2)  # their part of the trees
    for k, (start, light, dark, snow, blue) in enumerate(HILLS):
        waves = [(f, s.number(0.08, 0.2) / f, s.number(0, 6.28)) for f in (3.0, 6.5, 11.0)]
        base = start + s.number(-0.03, 0.03)
        below = s.y - crest(s.x, base, waves)
        is_hill, depth = s.inside(-below), ramp(below, 0, 0.24)
        meadow = over(rgb(light), rgb(dark), depth) * (1 + 0.05 * s.fine + 0.08 * s.coarse)
        a = over(a, meadow, is_hill)
        b = over(b, over(rgb(snow), rgb(blue), (depth + 0.25 * s.coarse).clamp(0, 1)), is_hill)
        land = torch.maximum(land, is_hill)
        if k == 0:
            continue
        if k == 2:
            mid_x = s.number(0.2, 0.8)
            mid_y = crest(mid_x, base, waves) + s.number(0.13, 0.17)
            pond = torch.hypot((s.x - mid_x) / s.number(2.5, 5), s.y - mid_y) - 0.055
            pond = pond + 0.012 * s.coarse + FAR * (1 - s.chance(0.4))
            is_pond = s.inside(pond)
            mirror = ramp(s.y - mid_y, -0.05, 0.05)
            a = over(a, over(rgb("cfe6ee"), rgb("4a94cf"), mirror), is_pond)
            b = over(b, over(rgb("a9c4de"), rgb("cfe0ee"), mirror), is_pond)
            hut_x = s.number(0.15, 0.85)
            a, b = paint_hut(s, a, b, hut_x, crest(hut_x, base, waves) + 0.035, s.chance(0.45))
        for step, slot in enumerate((1, 3, 0, 4, 2)):
            near, x0, seen = step / 4, (slot + s.number()) / 5, s.chance(0.65)
            y0 = crest(x0, base, waves) + (0.01 + 0.03 * near if k == 1 else 0.02 + 0.14 * near)
            tall = s.number(0.8, 1.2) * (0.12 if k == 1 else 0.17 + 0.12 * near)
            if k == 2:  # none stands in the pond
                seen = seen * (((x0 - mid_x) / 5).abs() + (y0 - mid_y).abs() > 0.08)
            a, b = paint_tree(s, a, b, x0, y0, tall, s.number() < firs, seen)
    return a, b, land


def crest(x: Tensor, base: Tensor, waves: list[tuple[float, Tensor, Tensor]]) -> Tensor:
    """The height of a hill at x."""
    return base + torch.stack([size * (f * x + phase).sin() for f, size, phase in waves]).sum(0)


def paint_tree(
    s: Sheet, a: Tensor, b: Tensor, x0: Tensor, y0: Tensor, tall: Tensor, fir: Tensor, seen: Tensor
) -> tuple[Tensor, Tensor]:
    """One more tree, a fir or a leafy one, on both pictures; in winter snow lies on it."""
    x, y = (s.x - x0) / tall, (y0 - s.y) / tall  # from -0.4 to 0.4, and from 0 at its foot to 1
    tier = ((1 - y) * 3.4).remainder(1)  # of the fir's branches: from 0 at its top to 1 at its hem
    skirt = torch.maximum(x.abs() - 0.26 * (1 - y) - 0.1 * tier, (y - 0.55).abs() - 0.45)
    crown = torch.hypot(x, 0.95 * (y - 0.62)) - 0.33 - 0.06 * s.fine
    crown = torch.where(fir, skirt, crown)
    trunk = torch.maximum(x.abs() - 0.045, (y - 0.2).abs() - 0.2)
    is_crown, is_trunk = s.inside(crown * tall) * seen, s.inside(trunk * tall) * seen
    shade = (1.1 - torch.hypot((x - 0.16) / 0.4, y / 0.1)).clamp(0, 1) * 0.45 * seen
    a, b = over(a, rgb("1f4a24"), shade), over(b, rgb("8298c0"), shade)
    a, b = over(a, rgb("5b4130"), is_trunk), over(b, rgb("51443f"), is_trunk)
    lit = ramp(0.5 * (y - 0.6) - x + 0.08 * s.fine, -0.25, 0.3)
    leaves = over(rgb("2f7030"), rgb("8cc14a"), lit) * s.number(0.85, 1.15)
    needles = over(rgb("18472f"), rgb("468a4e"), lit)
    a = over(a, torch.where(fir, needles, leaves), is_crown)
    frosted = over(rgb("777c93"), rgb("fbfbff"), lit)
    snow = ramp(tier, 0.75, 0.4) * (0.35 + 0.65 * lit)
    laden = over(over(rgb("24473f"), rgb("4f7468"), lit), rgb("f8fafe"), snow)
    return a, over(b, torch.where(fir, laden, frosted), is_crown)


def paint_hut(
    s: Sheet, a: Tensor, b: Tensor, x0: Tensor, y0: Tensor, seen: Tensor
) -> tuple[Tensor, Tensor]:
    """A hut on both pictures; in winter its roof is white and there is light in it."""
    x, y = s.x - x0, y0 - s.y
    wall = torch.maximum(x.abs() - 0.062, (y - 0.035).abs() - 0.035)
    roof = torch.maximum(x.abs() - 0.085 + 0.085 * (y - 0.065) / 0.07, (y - 0.1).abs() - 0.035)
    window = torch.maximum((x.abs() - 0.03).abs() - 0.013, (y - 0.038).abs() - 0.013)
    is_wall, is_roof, is_window = (s.inside(d) * seen for d in (wall, roof, window))
    dim = 1 - 0.25 * ramp(x, -0.02, 0.05)
    a, b = over(a, rgb("e8d9b8") * dim, is_wall), over(b, rgb("b59f8c") * dim, is_wall)
    a, b = over(a, rgb("5a4a40"), is_window), over(b, rgb("ffc95c"), is_window)
    a, b = over(a, rgb("b8472f") * dim, is_roof), over(b, rgb("f4f6fb") * dim, is_roof)
    return a, b


HILLS = (  # where it begins; its crest and its foot in summer, and in winter
    (0.52, "8fb58c", "6f9f74", "dfe6f0", "c6d3e6"),
    (0.61, "8cc152", "5f9a43", "f3f6fa", "d0dced"),
    (0.73, "a3d04f", "4f8f34", "ffffff", "d3def0"),
)

PAINTERS = {"maps": paint_map, "animals": paint_animal, "landscapes": paint_landscape}
