"""Curves, and what is seen of distances and landscapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from gan_helpers.checks import (
    check_bool,
    check_number,
    kind_of,
)
from gan_helpers.plots.axes import FAKE, HEAT, REAL, VERDICT, check_axes, numbers, readable


def draw_strip(steps: Any, shares: Tensor | np.ndarray, ax: Axes) -> Axes:
    """Which mode, when: the share of samples on each mode over time.

    Args:
        steps: `[T]`.
        shares: `[M, T]`, from 0 to 1.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    steps, shares = numbers("steps", steps, "[T]"), numbers("shares", shares, "[M, T]")
    if len(steps) != shares.shape[1]:
        raise ValueError(f"steps has {len(steps)} entries, shares has {shares.shape[1]} columns.")
    if not (shares.min() >= 0 and shares.max() <= 1):  # NaN fails both
        raise ValueError(
            f"shares ranges from {shares.min():g} to {shares.max():g}; it has to be in [0, 1]."
        )
    ramp = LinearSegmentedColormap.from_list("share", ["#ffffff", FAKE, "#5a2206"])
    extent = (float(steps[0]), float(steps[-1]), len(shares) + 0.5, 0.5)
    ax.imshow(
        np.sqrt(shares), aspect="auto", cmap=ramp, vmin=0, vmax=1, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    ax.set(xlabel="step", ylabel="mode")
    return ax


def draw_transport(
    x: Tensor | np.ndarray, y: Tensor | np.ndarray, match: Tensor | np.ndarray, ax: Axes
) -> Axes:
    """How mass is moved: a line from each generated sample to the real one it is carried to.

    Args:
        x: generated samples `[N, 2]`; y: real ones `[N, 2]`.
        match: which y each x goes to, `[N]`.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    x, y = (
        torch.as_tensor(numbers(name, points, "[N, 2]")) for name, points in (("x", x), ("y", y))
    )
    match = torch.as_tensor(numbers("match", match, "[N]", whole=True))
    if len(match) != len(x) or match.min() < 0 or match.max() >= len(y):
        raise ValueError(
            f"match holds {len(match)} places from {int(match.min())} to {int(match.max())}, for "
            f"{len(x)} samples x and {len(y)} samples y; see `optimal_assignment`."
        )
    ways = torch.stack([x, y[match]], dim=1).numpy()  # (N, 2 ends, 2)
    ax.add_collection(LineCollection(list(ways), colors="0.55", linewidths=0.6, zorder=1))
    for points, colour, label in ((x, FAKE, "generated"), (y, REAL, "real")):
        across, up = points.T.numpy()
        ax.scatter(across, up, s=8, color=colour, label=label, zorder=2)
    ax.set(aspect="equal", xticks=[], yticks=[])
    return ax


def draw_landscape(
    values: Tensor | np.ndarray,
    ax: Axes,
    points: Tensor | np.ndarray | None = None,
    reach: float = 2.0,
) -> Axes:
    """A critic's scores over the plane as level lines.

    Args:
        values: `[R, R]` on [-reach, reach]^2, the first row at the bottom, R at least 2; finite.
        points: real samples to lay over them, `[N, 2]`.
        reach: above 0.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    values = torch.as_tensor(numbers("values", values, "[R, R]", finite=True))
    if len(values) < 2 or len(values) != values.shape[1]:
        raise ValueError(f"values has shape {list(values.shape)}; it has to be [R, R], R >= 2.")
    if points is not None:
        points = torch.as_tensor(numbers("points", points, "[N, 2]"))
    reach = check_number("reach", reach, 0, low_allowed=False)
    line = np.linspace(-reach, reach, len(values))
    ax.contourf(line, line, values.numpy(), levels=14, cmap=HEAT)
    ax.contour(line, line, values.numpy(), levels=14, colors="0.3", linewidths=0.4)
    if points is not None:
        across, up = points.T.numpy()
        ax.scatter(across, up, s=2, color=REAL, lw=0)
    ax.set(aspect="equal", xticks=[], yticks=[], xlim=(-reach, reach), ylim=(-reach, reach))
    return ax


def draw_curves(steps: Any, curves: dict[str, Any], ax: Axes, log: bool = False) -> Axes:
    """Named curves over training steps, with the legend outside of the data.

    Args:
        steps: `[T]`.
        curves: name -> `[T]`; NaN leaves a gap.
        ax: what they are drawn on.
        log: whether the axis of the values is logarithmic.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    check_axes(ax)
    steps = numbers("steps", steps, "[T]")
    if not isinstance(curves, Mapping) or not curves:
        raise TypeError(f"curves is {kind_of(curves)}; it has to be a dictionary, name -> values.")
    curves = {name: numbers(f"curves[{name!r}]", own, "[T]") for name, own in curves.items()}
    if wrong := [name for name, own in curves.items() if len(own) != len(steps)]:
        raise ValueError(
            f"curves[{wrong[0]!r}] has {len(curves[wrong[0]])} values for {len(steps)} steps."
        )
    log = check_bool("log", log)
    colours = {"D": REAL, "G": FAKE, "$W_1$": REAL, "estimate": VERDICT}
    for name, values in curves.items():
        ax.plot(steps, values, label=readable(name), lw=1.3, color=colours.get(name))
    ax.set(xlabel="step", yscale="log" if log else "linear")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
