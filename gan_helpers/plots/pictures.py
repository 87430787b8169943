"""Pictures side by side, and in rows."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from gan_helpers.checks import (
    MEND,
    check_int,
    check_is,
    check_number,
    kind_of,
)
from gan_helpers.plots.axes import check_axes, numbers, readable


def from_bytes(pictures: np.ndarray) -> np.ndarray:
    """Bytes `[n, H, W]` or `[n, H, W, 3]`, as in a frame -> `[n, C, H, W]` in [-1, 1]."""
    colour = pictures[..., None] if pictures.ndim == 3 else pictures
    return colour.transpose(0, 3, 1, 2) / 127.5 - 1


def draw_picture_grid(
    x: Tensor | np.ndarray, ax: Axes, columns: int = 8, names: Sequence[Any] = ()
) -> Axes:
    """Pictures side by side.

    Args:
        x: `[n, C, H, W]`, C = 1 (grey) or 3 (colour), or `[n, H, W]`, from -1 (black) to 1.
        columns: how many stand in a row, 1 or more.
        names: what is written above each column, if anything.

    Raises:
        ValueError, TypeError: if an argument is not as above; whole numbers, and pictures from 0 to
            255, are refused with the formula that mends it.
    """
    check_axes(ax)
    columns = check_int("columns", columns, 1, 10**6)
    names = names.tolist() if isinstance(names, (Tensor, np.ndarray)) else names
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"names = {names!r} has to be a list of names, one for each column.")
    names = list(map(str, names))
    pictures = as_pictures(x)
    n, height, width, *colours = pictures.shape
    rows = -(-n // columns)
    padded = np.zeros((rows * columns, height, width, *colours), dtype=np.float32)
    padded[:n] = pictures
    sheet = padded.reshape(rows, columns, height, width, *colours).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, *colours)
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    if any(names):
        ax.set_xticks((np.arange(len(names)) + 0.5) * width - 0.5, list(map(readable, names)))
        ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=1)
    return ax


def draw_rows(
    rows: Mapping[str, Tensor | np.ndarray], zoom: float = 0.85, fig: Figure | None = None
) -> Figure:
    """Rows of as many pictures each, with their names on the left.

    Args:
        rows: name -> `[n, C, H, W]` in [-1, 1]; at least one.
        zoom: edge of a picture in inches, above 0, at most 100.
        fig: what it is drawn on; by default a new figure of pyplot.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    if not isinstance(rows, Mapping):
        raise TypeError(f"rows is {kind_of(rows)}; it has to be a dictionary, name -> pictures.")
    if not rows:
        raise ValueError("rows is empty; it has to hold a row of pictures at least.")
    for name, x in rows.items():
        as_pictures(x, f"rows[{name!r}]")
    zoom = check_number("zoom", zoom, 0, 100, low_allowed=False)
    if fig is not None:
        check_is("fig", fig, Figure, "a figure of matplotlib")
    n, margin = max(len(x) for x in rows.values()), 1.3
    fig = fig or plt.figure()
    fig.set_size_inches(margin + zoom * n, zoom * len(rows))
    left = margin / (margin + zoom * n)
    fig.subplots_adjust(left=left, right=0.995, top=0.99, bottom=0.01, hspace=0.04)
    axes = fig.subplots(len(rows), 1, squeeze=False)[:, 0]
    for ax, (name, x) in zip(axes, rows.items(), strict=True):
        draw_picture_grid(x, ax, columns=n)
        ax.set_ylabel(readable(name), rotation=0, ha="right", va="center", fontsize=9)
    return fig


def as_pictures(x: Tensor | np.ndarray, name: str = "x") -> np.ndarray:
    """Pictures in [-1, 1], on any device, in [0, 1]: the colours come last, if there are some.

    `[n, 1, H, W]` or `[n, H, W]` -> `[n, H, W]`; `[n, 3, H, W]` -> `[n, H, W, 3]`. What transforms
    lead a little out of [-1, 1] is let through, and so is NaN.

    Raises:
        TypeError: if x holds no floats.
        ValueError: if x has another shape, or leaves [-3, 3].
    """
    pictures = numbers(name, x)
    if pictures.dtype.kind != "f":
        raise TypeError(f"{name} is {kind_of(x)}; pictures are floats in [-1, 1]. {MEND}")
    fits = pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[1] in (1, 3))
    if not fits or 0 in pictures.shape:
        raise ValueError(
            f"{name} has shape {list(pictures.shape)}; it has to be [n, 1, H, W], [n, H, W], or "
            "[n, 3, H, W] for colour."
        )
    if not np.isnan(pictures).all() and (size := np.nanmax(np.abs(pictures))) > 3:
        raise ValueError(f"{name} goes up to {size:g}; pictures are in [-1, 1]. {MEND}")
    if pictures.ndim == 4:
        pictures = pictures[:, 0] if pictures.shape[1] == 1 else pictures.transpose(0, 2, 3, 1)
    return (pictures + 1) / 2


def fewer_colours(png: io.BytesIO) -> bytes:
    """The same picture in 128 colours: photographs take a fifth of the room so."""
    few = Image.open(png).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, format="png", optimize=True)
    return small.getvalue()
