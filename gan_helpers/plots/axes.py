"""What all figures have in common: colours, and arguments that are checked."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.mathtext import MathTextParser
from torch import Tensor

from gan_helpers.checks import (
    check_is,
    check_shape,
    kind_of,
)

REAL, FAKE, VERDICT = "#0f7c8f", "#d95f1e", "#33415c"

HEAT = LinearSegmentedColormap.from_list("verdict", ["#f4a97c", "#ffffff", "#7cc3cf"])


def numbers(
    name: str, x: Any, shape: str = "[...]", *, whole: bool = False, finite: bool = False
) -> np.ndarray:
    """`x`, a tensor on any device, an array or a list, as an array of real numbers of that shape.

    Args:
        name: of the argument.
        x: what was given.
        shape: see `checks.check_shape`.
        whole: whether they have to be whole numbers.
        finite: whether NaN and infinity are refused.

    Raises:
        ValueError, TypeError: if it is none.
    """
    values = x.detach().cpu() if isinstance(x, Tensor) else x
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):  # ragged lists
        array = np.asarray(None)
    if array.dtype.kind not in ("iu" if whole else "iuf"):
        kind = "whole numbers" if whole else "real numbers"
        raise TypeError(f"{name} is {kind_of(x)}; it has to be {kind} of shape {shape}.")
    check_shape(name, array, shape)
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; all values have to be finite.")
    return array


#: Between two dollars, as Pandoc has it: no space inside of them, no digit behind the second.
FORMULA = re.compile(r"(?<!\\)\$(?=\S)[^$]*(?<=\S)\$(?!\d)")


def readable(name: object) -> str:
    """A reader's own name as it is drawn: `$` stands for itself unless it encloses a formula.

    Between two of them matplotlib expects one, and what is none would keep the figure from being
    drawn.
    """
    return "\n".join(map(readable_line, str(name).split("\n")))


def readable_line(line: str) -> str:
    """`readable` for a single line."""
    dollar = re.compile(r"(?<!\\)\$")
    try:
        if dollar.search(FORMULA.sub("", line)):
            raise ValueError("a dollar that belongs to no formula")
        if "$" in line:
            MathTextParser("path").parse(line)
    except ValueError:
        return dollar.sub(r"\\$", line)
    return line


def check_axes(ax: object) -> None:
    """Raise a TypeError if nothing can be drawn on it."""
    check_is("ax", ax, Axes, "Axes of matplotlib, e.g. plt.subplots()[1]")
