"""Argument checks with one voice: what was wrong, what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor


def check_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`, else raise a ValueError that lists them."""
    allowed = list(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} = {value!r} is unknown; choose one of {', '.join(allowed)}.")
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
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} = {value!r} is a {type(value).__name__}; it has to be {wanted}.")
    too_low = value < low or (value == low and not low_allowed)
    if not math.isfinite(value) or too_low or value > high:
        raise ValueError(f"{name} = {value!r} is out of range; it has to be {wanted}.")
    return float(value)


def check_int(name: str, value: object, low: int, high: int) -> int:
    """Return `value` if it is a whole number in [low, high]."""
    wanted = f"a whole number in [{low}, {high}]"
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} = {value!r} is a {type(value).__name__}; it has to be {wanted}.")
    if not low <= value <= high:
        raise ValueError(f"{name} = {value!r} is out of range; it has to be {wanted}.")
    return value


def check_bool(name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(
            f"{name} = {value!r} is a {type(value).__name__}; it has to be True or False."
        )
    return value


def check_rng(rng: object, x: Tensor) -> torch.device:
    """The device to draw on; generator (or generators) and data have to share it."""
    for own in rng if isinstance(rng, (list, tuple)) and rng else (rng,):
        if not isinstance(own, torch.Generator):
            raise TypeError(
                f"rng = {own!r} has to be a torch.Generator, e.g. torch.Generator().manual_seed(0)."
            )
        if own.device.type != x.device.type:
            raise ValueError(
                f"rng is on {own.device}, the data on {x.device}; use .to(rng.device)."
            )
    return x.device
