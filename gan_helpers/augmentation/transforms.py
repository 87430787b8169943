"""Differentiable transforms of pictures, each with chance of its own for every picture.

All of them keep the shape; `augment` leaves pictures exactly as they are where the strength is 0,
or a transform passes them over. The gradient flows through to the picture, so G can learn from a D
that sees T(G(z)).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from gan_helpers.chance import Rng, draw
from gan_helpers.checks import (
    brief,
    check_callable,
    check_choice,
    check_fields,
    check_int,
    check_number,
    check_rng,
    kind_of,
)

ANGLE = 30.0  # degrees: the largest turn to either side, at strength 1
SHIFT = 1 / 8  # of the edge: the longest way in each direction (Zhao et al., 2020)
LIGHT = 0.5  # of the range from black (-1) to grey (0): the largest change of brightness
CONTRAST = 0.5  # the largest change of the factor around 1; saturation has the same
HOLE = 5 / 16  # of the edge: the side of the square that is cut out


def flip(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Mirror left and right, one picture in two; `strength` is how many of these."""
    return torch.where(u[:, 0, None, None, None] < strength / 2, x.flip(-1), x)


def rotate(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Turn by up to `ANGLE` degrees to either side; what comes in at the corners is black."""
    angle = math.radians(ANGLE) * strength * (2 * u[:, 0] - 1)  # (N,)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return resample(x, torch.stack([cos, -sin, zero, sin, cos, zero], -1), "bilinear")


def translate(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Shift by whole pixels, up to `SHIFT` of the edge each way; what comes in is black.

    At 16 x 16 that is up to 2 pixels, and none where the strength is below 1/4.
    """
    size = torch.tensor([x.shape[-1], x.shape[-2]], device=x.device)  # (W, H)
    most = (SHIFT * strength * size).round()
    shift = ((2 * most + 1) * u).floor() - most  # (N, 2) pixels, all equally likely
    across, down = (-2 * shift / size).unbind(-1)  # the frame is 2 wide
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return resample(x, torch.stack([one, zero, across, zero, one, down], -1), "nearest")


def resample(x: Tensor, matrix: Tensor, mode: str) -> Tensor:
    """The pictures under affine maps, `[N, 6]` row by row; black where they do not reach."""
    grid = affine_grid(matrix.view(-1, 2, 3), list(x.shape), align_corners=False)  # (N, H, W, 2)
    return grid_sample(x + 1, grid, mode=mode, align_corners=False) - 1  # outside it gives 0


def brightness(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Add the same number to all pixels, up to `LIGHT` either way."""
    return x + LIGHT * strength * (2 * u[:, 0, None, None, None] - 1)


def contrast(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Stretch or press the pixels around their mean, by up to `CONTRAST`."""
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * (1 + CONTRAST * strength * (2 * u[:, 0, None, None, None] - 1))


def saturation(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Stretch or press the colours around their grey; leaves grey pictures as they are."""
    grey = x.mean(1, keepdim=True)
    return grey + (x - grey) * (1 + CONTRAST * strength * (2 * u[:, 0, None, None, None] - 1))


def cutout(x: Tensor, u: Tensor, strength: float) -> Tensor:
    """Make a square of `HOLE` of the edge grey (0); it may lie partly outside (DeVries, 2017)."""
    height, width = x.shape[-2:]
    hole = HOLE * strength
    inside = []
    for n, start in ((height, u[:, 0, None]), (width, u[:, 1, None])):
        place = (torch.arange(n, device=x.device) + 0.5) / n - start  # (N, n), 0 is the centre
        inside.append(place.abs() < hole / 2)
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # (N, 1, H, W)
    return x.masked_fill(square, 0.0)


@dataclass(frozen=True)
class Transform:
    """One row of `TRANSFORMS`.

    Args:
        apply: `(x [N, C, H, W], u [N, n_random] uniform in [0, 1[, strength) -> [N, C, H, W]`.
        n_random: numbers of chance for each picture, 0 to 100.

    Raises:
        ValueError, TypeError: if `apply` is no function, or `n_random` out of its range.
    """

    apply: Callable[[Tensor, Tensor, float], Tensor]
    n_random: int = 1

    def __post_init__(self) -> None:
        check_callable("apply", self.apply, "a function (x, u, strength) -> x")
        check_fields(self, ("n_random",), check_int, 0, 100)


#: Name -> transform, in the order in which they are applied.
TRANSFORMS: dict[str, Transform] = {
    "flip": Transform(flip),
    "rotate": Transform(rotate),
    "translate": Transform(translate, 2),
    "brightness": Transform(brightness),
    "saturation": Transform(saturation),
    "contrast": Transform(contrast),
    "cutout": Transform(cutout, 2),
}

#: Those that change grey pictures.
GREY = tuple(name for name in TRANSFORMS if name != "saturation")


def augment(
    x: Tensor,
    names: Sequence[str],
    rng: Rng | None = None,
    strength: float = 1.0,
    p: float = 1.0,
) -> Tensor:
    """T(x): every picture under each of these transforms, with probability p for each of them.

    Args:
        x: `[N, C, H, W]` in [-1, 1]; `[K, N, C, H, W]` for K GANs with an `rng` each.
        names: of `TRANSFORMS`; their order does not matter.
        rng: the source of chance, on the device of the pictures.
        strength: 0 (nothing happens) to 1.
        p: 0 to 1.

    Returns:
        The same shape. Brightness and contrast may lead out of [-1, 1].

    Raises:
        ValueError, TypeError: if x has another shape, or an argument is out of its range.
    """
    check_pictures(x, rng)
    strength, p = check_number("strength", strength, 0, 1), check_number("p", p, 0, 1)
    if not isinstance(names, (list, tuple, set, frozenset)):
        raise TypeError(f"names = {brief(names)} has to be a list of names of TRANSFORMS.")
    for name in names:
        check_choice("transform", name, TRANSFORMS)
    flat = x.flatten(0, -4)  # (K * N, C, H, W)
    for name, transform in TRANSFORMS.items():
        if name not in names or not strength * p:
            continue
        u = draw(Tensor.uniform_, (x.shape[-4], transform.n_random + 1), rng).to(x)
        u = u.flatten(0, -2)  # (K * N, 1 + n_random)
        moved = transform.apply(flat, u[:, 1:], strength)
        flat = torch.where(u[:, :1, None, None] < p, moved, flat)
    return flat.view(x.shape)


def check_pictures(x: Tensor, rng: Rng | None) -> None:
    """Raise if x is not `[N, C, H, W]`, or `[K, N, C, H, W]` with K generators.

    Inside of a training step: nothing is asked of the device.
    """
    if not isinstance(x, Tensor) or x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"x is {kind_of(x)}; it has to be a float tensor of pictures in [-1, 1].")
    if rng is not None:
        check_rng(rng, x)
    one = rng is None or isinstance(rng, torch.Generator)
    if x.dim() != (4 if one else 5):
        wanted = "[N, C, H, W]" if one else "[K, N, C, H, W], as there are K generators"
        raise ValueError(f"x has shape {list(x.shape)}; transforms need pictures {wanted}.")
    if isinstance(rng, (list, tuple)) and len(rng) != len(x):
        raise ValueError(f"x has shape {list(x.shape)}; there are {len(rng)} generators in rng.")
    if 0 in x.shape:
        raise ValueError(f"x has shape {list(x.shape)}; there is no picture in it.")
