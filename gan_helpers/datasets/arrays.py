"""Pictures and classes as arrays: what is taken as it is, and what is brought there.

There is `[N, C, H, W]` in [-1, 1], and `[N]` from 0 on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_helpers.checks import brief, check_choice, check_number, kind_of
from gan_helpers.models import check_square

LAYOUTS = ("NHW", "NHWC", "NCHW")
BRIGHT = 128  # of 255: pictures that are nowhere brighter are rather in some other range


def as_stack(
    x: object,
    value_range: tuple[float, float] | None = None,
    layout: str | None = None,
    size: int | None = None,
) -> Tensor:
    """Pictures as float32 `[N, C, H, W]` in [-1, 1], C = 1 or 3; see `Images.from_arrays`."""
    pixels = laid_out(as_numbers(x), layout)
    black, white = value_range_of(pixels, value_range)
    exact = torch.float64 if pixels.dtype in (torch.int64, torch.float64) else torch.float32
    stack = pixels.to(exact).sub(black).div_((white - black) / 2).sub_(1)
    stack = stack.to(torch.float32).clamp_(-1, 1)
    return stack if size is None else cut(stack, check_square(size))


def as_numbers(x: object) -> Tensor:
    """An array or a tensor as one of bytes, float32, float64 or int64; truth values are floats."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "buif":
        small = x.dtype.itemsize <= 4
        kinds = {"b": "f4", "f": "f4" if small else "f8", "i": "i8", "u": "i8"}
        kind = "u1" if x.dtype == np.uint8 else kinds[x.dtype.kind]
        return torch.from_numpy(x.astype(kind))
    if not isinstance(x, Tensor) or x.is_complex():
        raise TypeError(
            f"x is {kind_of(x)}; it has to be a NumPy array or a tensor of numbers, [N, H, W], "
            "[N, H, W, C] or [N, C, H, W]. A list of arrays of one shape becomes one by "
            "np.stack(x)."
        )
    x = x.detach()
    if x.dtype in (torch.uint8, torch.float64):
        return x
    return x.float() if x.is_floating_point() or x.dtype == torch.bool else x.long()


def laid_out(x: Tensor, layout: str | None) -> Tensor:
    """`[N, C, H, W]`, whichever layout it has; nothing is guessed where there are two."""
    given = layout if layout is None else check_choice("layout", layout, LAYOUTS)
    shape = list(x.shape)
    if x.ndim not in (3, 4) or 0 in shape or (given and len(given) != x.ndim):
        raise ValueError(
            f"x has shape {shape}; it has to be [N, H, W], [N, H, W, C] or [N, C, H, W]"
            f"{f', here {given}' if given else ''}. Rows of H * W numbers become pictures by "
            "x.reshape(-1, H, W), a single picture by x[None]."
        )
    fits = [given] if given else [name for name in LAYOUTS if len(name) == x.ndim]
    fits = [name for name in fits if "C" not in name or shape[name.index("C")] in (1, 3)]
    if len(fits) != 1 or (given is None and x.ndim == 3 and min(shape[1:]) <= 3):
        raise ValueError(unclear(shape, fits))
    if fits == ["NHWC"]:
        return x.movedim(-1, 1)
    return x[:, None] if fits == ["NHW"] else x


def unclear(shape: list[int], fits: list[str]) -> str:
    """Why a shape is refused."""
    if len(fits) > 1:
        return (
            f"x has shape {shape}, which may be {' or '.join(fits)}; say which: "
            f"layout={fits[0]!r}, or layout={fits[1]!r}."
        )
    if len(shape) == 3:
        return (
            f"x has shape {shape}, which may be a single picture in colour, or a strip: x[None] "
            "makes an array of one picture, layout='NHW' takes it as [N, H, W]."
        )
    return (
        f"x has shape {shape}; there have to be 1 or 3 channels (grey or red, green, blue), in "
        "front, [N, C, H, W], or last, [N, H, W, C]. Leave transparency out: x[..., :3]."
    )


def value_range_of(x: Tensor, given: object) -> tuple[float, float]:
    """What black and white are in `x`: as given, or found where there is only one possibility."""
    if x.is_floating_point() and not x.isfinite().all():
        raise ValueError("x holds NaN or infinity; all values have to be finite.")
    low, high = float(x.min()), float(x.max())
    if given is not None:
        return checked_range(given, low, high)
    if x.dtype == torch.uint8 and high > 1:
        return 0.0, 255.0
    if low < 0:
        found = (-1.0, 1.0) if low >= -1 and high <= 1 and x.is_floating_point() else None
    elif high <= 1:
        found = (0.0, 1.0) if high > 0.5 and x.is_floating_point() else None
    else:
        found = (0.0, 255.0) if BRIGHT <= high <= 255 else None
    if found is None:
        raise ValueError(
            f"x is {kind_of(x)}, from {low:g} to {high:g}, and what is black and white in it is "
            "not clear; say so: value_range=(black, white), e.g. (0, 1), (-1, 1), (0, 255), "
            f"({low:g}, {high:g})."
        )
    return found


def checked_range(given: object, low: float, high: float) -> tuple[float, float]:
    """`given` as two numbers, if all values of x, from `low` to `high`, lie between them."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(
            f"value_range = {brief(given)} has to be two numbers, (black, white), e.g. (0, 255)."
        )
    black, white = (check_number(f"value_range[{k}]", v, -1e6, 1e6) for k, v in enumerate(given))
    slack = 1e-5 * (white - black)  # of rounding
    if not black < white or low < black - slack or high > white + slack:
        raise ValueError(
            f"value_range = {brief(given)}, but x goes from {low:g} to {high:g}; the first number "
            "is what is black, the second, larger one what is white, and all of x lies between."
        )
    return black, white


def cut(x: Tensor, size: int) -> Tensor:
    """The middle square of each picture `[N, C, H, W]`, scaled to `size` with antialiasing."""
    edge = min(x.shape[-2:])
    top, left = ((n - edge) // 2 for n in x.shape[-2:])
    square = x[..., top : top + edge, left : left + edge]
    if edge == size:
        return square.contiguous()
    return interpolate(square, (size, size), mode="bilinear", antialias=True).clamp(-1, 1)


# --- what is taken as it is ----------------------------------------------------------------------


def as_pictures(x: object) -> Tensor:
    """`x` as a float32 tensor, if it is one, or a NumPy array of float32 or float64.

    Whole numbers are refused: nothing says whether 1 is white or nearly black.
    """
    if isinstance(x, np.ndarray) and x.dtype in (np.float32, np.float64):
        return torch.tensor(x, dtype=torch.float32)  # a copy: the array may be changed later
    if not isinstance(x, Tensor) or x.dtype != torch.float32:
        raise TypeError(
            f"x is {kind_of(x)}; it has to be a torch.float32 tensor in [-1, 1], or a NumPy array "
            "of float32 or float64. Bytes are brought there by x / 127.5 - 1, a float64 tensor "
            "becomes one by x.float()."
        )
    return x


def as_classes(y: object, x: Tensor) -> Tensor:
    """`y` as an int64 tensor, one class from 0 on for each picture of `x`."""
    if isinstance(y, np.ndarray) and y.dtype.kind in "iu":
        y = torch.tensor(y.astype(np.int64), device=x.device)
    if not isinstance(y, Tensor) or y.dtype != torch.int64:
        raise TypeError(
            f"y is {kind_of(y)}; it has to be a torch.int64 tensor or a NumPy array of whole "
            "numbers, e.g. torch.tensor([0, 1]); None where no class is used."
        )
    if y.shape != x.shape[:1]:
        raise ValueError(
            f"y has shape {list(y.shape)}; it has to be [{len(x)}], one class for each picture of "
            "x."
        )
    if y.device != x.device:
        raise ValueError(f"y is on {y.device}, x on {x.device}; use y.to(x.device).")
    if (lowest := int(y.min())) < 0:
        raise ValueError(f"y holds {lowest}; classes are whole numbers from 0.")
    if (highest := int(y.max())) >= 10**6:
        raise ValueError(f"y holds {highest}; classes are counted from 0, up to a million of them.")
    return y


def as_names(names: object, y: Tensor | None) -> tuple[str, ...]:
    """`names` as a tuple of texts, if there is one for each class of `y`, or none at all."""
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"classes = {brief(names)} has to be a tuple of texts, one for each class.")
    most = -1 if y is None else int(y.max())
    if names and len(names) <= most:
        raise ValueError(
            f"classes = {brief(names)} has {len(names)} names, and y holds {most}; there has to be "
            "one for each class, from 0 on."
        )
    return tuple(names)


def as_labels(y: Any, classes: Any, device: torch.device) -> tuple[Any, Any]:
    """Whole numbers of any kind as int64, and names as numbers and what these are called."""
    y = np.asarray(y) if isinstance(y, (list, tuple)) else y
    if isinstance(y, np.ndarray) and y.dtype.kind == "U":
        names, y = np.unique(y, return_inverse=True)
        classes = classes or tuple(names.tolist())
    if isinstance(y, np.ndarray) and y.dtype.kind in "iu":
        y = torch.tensor(y.astype(np.int64))
    if isinstance(y, Tensor) and not y.is_floating_point() and y.dtype != torch.bool:
        y = y.to(device, torch.int64)
    return y, classes
