"""Argument checks with one voice: what was wrong, what is allowed.

A check returns what it lets through, as what it is to be from there on: a number that was given as
0 or as a scalar of NumPy is a float, where a float belongs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

Kind = TypeVar("Kind")
MOST_NUMBERS = 10**7  # of one sample; more would be a slip, and fill the memory


# --- words -------------------------------------------------------------------------------------


def brief(value: object) -> str:
    """`value` as it is written, cut to fit into a message."""
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim:
        return f"{kind_of(value)} of shape {list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def kind_of(value: object) -> str:
    """Which kind of thing it is: `torch.int64`, `numpy float64`, `list`."""
    if isinstance(value, np.ndarray):
        return f"numpy {value.dtype}"
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


# --- single values -----------------------------------------------------------------------------


def plain(value: object) -> object:
    """What a scalar of NumPy, or an array or tensor without axes holds; all else as it is."""
    if isinstance(value, (np.generic, np.ndarray, Tensor)) and value.ndim == 0:
        return value.item()
    return value


def check_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`, else raise a ValueError that lists them."""
    allowed = list(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} = {brief(value)} is unknown; choose one of {', '.join(allowed)}.")
    return value


def check_number(
    name: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    low_allowed: bool = True,
) -> float:
    """Return `value` as a float if it is finite and in [low, high] (or ]low, high])."""
    bracket = "[" if low_allowed else "]"
    wanted = f"a number in {bracket}{low:g}, {high:g}]"
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(
            f"{name} = {brief(value)} is a {type(value).__name__}; it has to be {wanted}."
        )
    try:
        number = float(number)
    except OverflowError:  # a whole number of more than 308 digits
        number = math.inf
    too_low = number < low or (number == low and not low_allowed)
    if not math.isfinite(number) or too_low or number > high:
        raise ValueError(f"{name} = {brief(value)} is out of range; it has to be {wanted}.")
    return number


def check_int(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int if it is a whole number in [low, high]; 2.0 is none."""
    wanted = f"a whole number in [{low}, {high}]"
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(
            f"{name} = {brief(value)} is a {type(value).__name__}; it has to be {wanted}."
        )
    if not low <= number <= high:
        raise ValueError(f"{name} = {brief(value)} is out of range; it has to be {wanted}.")
    return number


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    truth = plain(value)
    if not isinstance(truth, bool):
        raise TypeError(
            f"{name} = {brief(value)} is a {type(value).__name__}; it has to be True or False."
        )
    return truth


def check_text(name: str, value: object) -> str:
    """Return `value` if it is a text."""
    return check_is(name, value, str, "a text")


def check_seed(seed: object, name: str = "seed") -> int:
    """Return `seed` if a generator can be set to it."""
    return check_int(name, seed, 0, 2**63 - 1)


def check_is(
    name: str, value: object, kind: type[Kind] | tuple[type[Kind], ...], wanted: str
) -> Kind:
    """Return `value` if it is of that kind; `wanted` tells the reader which one that is."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} = {brief(value)} is a {type(value).__name__}, not {wanted}.")
    return value


def check_callable(name: str, value: object, wanted: str) -> Callable[..., Any]:
    """Return `value` if it can be called; `wanted` tells the reader from what to what."""
    if not callable(value):
        raise TypeError(f"{name} = {brief(value)} is a {type(value).__name__}, not {wanted}.")
    return value


def check_has(name: str, value: Kind, needed: Iterable[str], wanted: str) -> Kind:
    """Return `value` if it has all of these attributes; `wanted` tells the reader what does."""
    own = dir(value) if isinstance(value, torch.nn.Module) else getattr(value, "__dict__", ())
    # Asked of the class, so that no property is evaluated.
    missing = [each for each in needed if not hasattr(type(value), each) and each not in own]
    if missing or isinstance(value, type):
        raise TypeError(f"{name} = {brief(value)} is a {type(value).__name__}, not {wanted}.")
    return value


def check_fields(
    settings: object, names: Iterable[str], check: Callable[..., object], *limits: Any, **more: Any
) -> None:
    """Check fields of a frozen dataclass alike; each then holds what its check has returned.

    For its `__post_init__`: so what a reader gives as 0 is a float wherever it is used.
    """
    for name in names:
        value = check(name, getattr(settings, name), *limits, **more)
        object.__setattr__(settings, name, value)


# --- chance and devices ------------------------------------------------------------------------


def check_rng(rng: object, x: Tensor) -> torch.device:
    """The device to draw on; generator (or generators) and data have to share it."""
    for own in rng if isinstance(rng, (list, tuple)) and rng else (rng,):
        if not isinstance(own, torch.Generator):
            raise TypeError(
                f"rng = {brief(own)} has to be a torch.Generator, e.g. "
                "torch.Generator().manual_seed(0)."
            )
        if own.device.type != x.device.type:
            raise ValueError(
                f"rng is on {own.device}, the data on {x.device}; use .to(rng.device)."
            )
    return x.device


def check_device(device: object, name: str = "device") -> torch.device:
    """Return `device` as a torch.device if this machine has it and can draw and compute on it.

    Raises:
        TypeError: if it is neither a text nor a torch.device.
        ValueError: if there is no such device here; the message lists those that are.
    """
    if not isinstance(device, (str, torch.device)):
        raise TypeError(
            f"{name} = {brief(device)} is a {type(device).__name__}; it has to be a text, e.g. "
            "'cpu'."
        )
    try:
        chosen = torch.device(device)
        torch.Generator(chosen)
        torch.zeros((), device=chosen).item()
    # Each kind of device says in its own way that it is missing.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        here = ["cpu"]
        here += [f"cuda:{k}" for k in range(torch.cuda.device_count())]
        here += ["mps"] if torch.backends.mps.is_available() else []
        raise ValueError(
            f"{name} = {str(device)!r} cannot be used here; choose one of {', '.join(here)}."
        ) from error
    return chosen


# --- arrays ------------------------------------------------------------------------------------


@cache
def axes_of(shape: str) -> tuple[bool, tuple[int | None, ...]]:
    """`[..., N, 2]` -> (whether there may be more axes in front, the lengths of the others)."""
    words = shape.strip("[]").split(", ")
    more = words[0] == "..."
    return more, tuple(int(word) if word.isdigit() else None for word in words[more:])


def check_shape(name: str, x: Tensor | np.ndarray, shape: str) -> None:
    """Raise a ValueError if a tensor or an array has another shape.

    shape: e.g. "[N, 2]" or "[..., N, d]"; a word stands for any length from 1 on.
    """
    more, axes = axes_of(shape)
    own = tuple(x.shape[max(0, x.ndim - len(axes)) :])  # the last ones
    fits = len(own) == len(axes) and (more or x.ndim == len(axes)) and 0 not in x.shape
    if not fits or any(n not in (None, given) for n, given in zip(axes, own, strict=True)):
        raise ValueError(f"{name} has shape {list(x.shape)}; it has to be {shape}.")


def check_floats(name: str, x: object, shape: str, *, finite: bool = True) -> Tensor:
    """Return `x` if it is a float32 or float64 tensor of that shape without NaN and infinity.

    Args:
        name: of the argument.
        x: what was given.
        shape: see `check_shape`; an axis of length 0 is refused.
        finite: False lets NaN and infinity pass, and asks the device for nothing.

    Raises:
        TypeError: if it is no such tensor; the message tells how it is made one.
        ValueError: if it has another shape, or is not finite.
    """
    if not isinstance(x, Tensor) or x.dtype not in (torch.float32, torch.float64):
        numbers = isinstance(x, (Tensor, np.ndarray, list, tuple, int, float))
        remedy = f"; use torch.as_tensor({name}, dtype=torch.float32)" if numbers else ""
        raise TypeError(
            f"{name} is {kind_of(x)}; it has to be a float32 or float64 tensor {shape}{remedy}."
        )
    check_shape(name, x, shape)
    if finite and not x.isfinite().all():
        raise ValueError(f"{name} holds NaN or infinity; all values have to be finite.")
    return x


def check_together(name: str, x: Tensor, other: str, y: Tensor) -> None:
    """Raise a ValueError if two tensors cannot be compared: other types, or other devices."""
    if x.dtype != y.dtype or x.device != y.device:
        raise ValueError(
            f"{name} is {x.dtype} on {x.device}, {other} is {y.dtype} on {y.device}; bring them "
            f"together by {other}.to({name})."
        )


def check_fits(name: str, x: Tensor, net: torch.nn.Module, called: str) -> None:
    """Raise a ValueError if `x` is not of the type, or on the device, of a network's parameters."""
    own = next(net.parameters(), x)
    if x.dtype != own.dtype or x.device != own.device:
        raise ValueError(
            f"{name} is {x.dtype} on {x.device}, {called} works in {own.dtype} on {own.device}; "
            f"use {name}.to({own.dtype}) and {name}.to({str(own.device)!r})."
        )


def check_event_shape(value: object, name: str = "event_shape") -> tuple[int, ...]:
    """Return `value` as a tuple if it is the shape of one sample: `(d,)` or `(C, H, W)`."""
    wanted = "(d,) for points, e.g. (2,), or (C, H, W) for pictures, e.g. (1, 16, 16)"
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name} = {brief(value)} is a {type(value).__name__}, not {wanted}.")
    if len(value) not in (1, 3):
        raise ValueError(f"{name} = {brief(value)} has {len(value)} axes; it has to be {wanted}.")
    shape = tuple(check_int(f"{name}[{k}]", n, 1, MOST_NUMBERS) for k, n in enumerate(value))
    if math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f"{name} = {shape} has more than {MOST_NUMBERS:,} numbers.")
    return shape


# --- densities on a grid -----------------------------------------------------------------------

TOO_MUCH = 1.02  # mass of a density; what is more is no rounding, nor a grid that is too coarse


def check_masses(p: object, q: object) -> None:
    """Raise if these are not two tensors of one shape, without values below 0."""
    for name, density in (("p", p), ("q", q)):
        x = check_floats(name, density, "[...]")
        if (low := float(x.min())) < 0:
            raise ValueError(f"{name} holds {low:g}; a density is 0 or more everywhere.")
    check_same_grid("q", q, p)


def check_same_grid(name: str, x: Any, p: Any) -> None:
    """Raise a ValueError if `x` is not on the grid of the density `p`."""
    if x.shape != p.shape:
        raise ValueError(
            f"{name} has shape {list(x.shape)}, p has {list(p.shape)}; both are values at the same "
            "points."
        )
    if x.device != p.device:
        raise ValueError(f"{name} is on {x.device}, p is on {p.device}; use .to(device).")


def check_densities(p: object, q: object, dx: object) -> float:
    """`dx`, if `p` and `q` are densities on a grid of that spacing; mass may lie off the grid.

    Raises:
        TypeError, ValueError: if they are none. More mass than 1 would lead a divergence out of
            its range without a word.
    """
    spacing = check_number("dx", dx, 0, low_allowed=False)
    check_masses(p, q)
    for name, density in (("p", p), ("q", q)):
        assert isinstance(density, Tensor)
        if (mass := float(density.sum()) * spacing) > TOO_MUCH:
            raise ValueError(
                f"{name} has the integral {mass:.4g} on a grid of spacing dx = {spacing:g}; that "
                f"of a density is 1: {name} / ({name}.sum() * dx)."
            )
    return spacing


# --- pictures ----------------------------------------------------------------------------------

#: How pictures are brought to [-1, 1].
MEND = "From [0, 1] 2 * x - 1 brings them there, from 0 to 255 x / 127.5 - 1."
MANY = 1000  # pictures


def check_scale(
    name: str,
    x: Tensor,
    *,
    most: float = 1.0,
    nan: bool = False,
    warn: bool = True,
    sure: bool = False,
    stacklevel: int = 3,
) -> None:
    """Refuse pictures that are surely not in [-1, 1], black to white; warn where it seems so.

    Surely not are those that leave it, and those without a single value below 0 of which most have
    a background of exactly 0 and something bright on it, or which are many and rich in contrast.
    In [-1, 1] they would be nowhere darker than grey. A G that has just begun makes pictures that
    are grey all over, so what has little contrast is let through; so is cutout's grey square, as
    there is black around it.

    Args:
        name: of the argument.
        x: pictures, floats `[N, ...]`, N at least 1.
        most: the largest size of a value; above 1 for what was transformed.
        nan: let NaN pass, as what a G makes that has blown up.
        sure: -1 is known to be black, even if nothing is darker than grey.
        warn: say so where pictures without a value below 0 are not surely wrong.
        stacklevel: of the warning, so that it is shown with the reader's line.

    Raises:
        ValueError: the message holds the formula that mends it.
    """
    low, high = (float(bound) for bound in x.detach().aminmax())
    if math.isnan(low) and nan:
        return
    if not (low >= -most and high <= most):  # NaN fails both
        clamp = " What a transform led a little out of it: x.clamp(-1, 1)." if high <= 3 else ""
        raise ValueError(
            f"{name} ranges from {low:g} to {high:g}; it has to be in [-1, 1], black to white, "
            f"without NaN. {MEND}{clamp}"
        )
    if sure or low < 0 or high < 0.5:
        return
    flat = x.detach().flatten(1)  # (N, pixels)
    bright, contrast = flat.amax(1) >= 0.5, flat.amax(1) - flat.amin(1) >= 0.5  # (N,)
    on_zero = (flat == 0).float().mean(1) >= 0.25
    if most_of(on_zero & bright) or (len(x) >= MANY and most_of(contrast)):
        raise ValueError(
            f"{name} has no value below 0: it is in [0, {high:g}], and it has to be in [-1, 1], "
            f"black to white. {MEND}"
        )
    if warn and most_of(contrast):
        warnings.warn(
            f"{name} has no value below 0, so it is nowhere darker than grey; black is -1 here. If "
            f"0 is black in it, 2 * x - 1 brings it to [-1, 1].",
            stacklevel=stacklevel,
        )


def most_of(which: Tensor) -> bool:
    """Whether more than half of these are true."""
    return float(which.float().mean()) > 0.5
