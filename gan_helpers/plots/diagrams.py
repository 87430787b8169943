"""Diagrams: what goes into G and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from gan_helpers.plots.axes import FAKE, REAL, VERDICT, numbers
from gan_helpers.plots.pictures import as_pictures


def draw_generator_diagram(z: Tensor | np.ndarray, x: Tensor | np.ndarray) -> Figure:
    """noise -> G -> x, with real noise and the picture that a trained G makes of it.

    Args:
        z: latent vectors `[n, L]`, L divisible by 4.
        x: what G makes of them, `[n, 1, H, W]` in [-1, 1].

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    z = numbers("z", z, "[n, L]", finite=True)
    n = check_diagram(z, x=as_pictures(x))
    _, ax = plt.subplots(figsize=(6.5, 1.0 * n + 0.5))
    for i, y in enumerate(range(n - 1, -1, -1)):
        place_noise(z, i, (0, 2.4, y), ax)
        place_picture(x, i, (6.6, y), ax)
        for start, end in ((2.55, 3.55), (5.45, 6.45)):
            place_arrow(start, end, y + 0.5, ax)
    place_box("$G$", (3.75, n), FAKE, ax)
    titles = ((1.2, r"$\mathbf{z} \sim N(0, I)$"), (7.0, r"$\mathbf{x} = G(\mathbf{z})$"))
    return finish_diagram(titles, n, 8.2, ax)


def draw_conditional_diagram(
    z: Tensor | np.ndarray,
    y: Tensor | np.ndarray,
    x: Tensor | np.ndarray,
    d: Tensor | np.ndarray,
    scores: Tensor | np.ndarray | None = None,
) -> Figure:
    """[z, y] -> G -> x, and then (x, y) -> D; or x -> D with two answers, if there are scores.

    Args:
        z: latent vectors `[n, L]`, L divisible by 4; y: codes `[n, K]`.
        x: what G makes of them, `[n, 1, H, W]` in [-1, 1].
        d: D's verdict on them, from 0 to 1, `[n]`.
        scores: of an AC-GAN, p(C_k | x), `[n, K]`.

    Raises:
        ValueError, TypeError: if an argument is not as above.
    """
    z = numbers("z", z, "[n, L]", finite=True)
    y, d = numbers("y", y, "[n, K]", finite=True), numbers("d", d, "[n]", finite=True)
    if scores is not None:
        scores = numbers("scores", scores, "[n, K]", finite=True)
    n = check_diagram(z, x=as_pictures(x), y=y, d=d, scores=y if scores is None else scores)
    shift = 0.9 if scores is None else 0.0
    _, ax = plt.subplots(figsize=(10.6, 1.0 * n + 0.5))
    for i, row in enumerate(range(n - 1, -1, -1)):
        place_noise(z, i, (0, 2.4, row), ax)
        place_bars(y, i, (2.55, row), REAL, ax)
        place_picture(x, i, (6.6, row), ax)
        arrows = [
            (3.4, 3.95),
            (5.85, 6.45),
            (7.55 + shift, 8.1 + shift),
            (9.9 + shift, 10.4 + shift),
        ]
        for start, end in arrows:
            place_arrow(start, end, row + 0.5, ax)
        if scores is None:
            place_bars(y, i, (7.5, row), REAL, ax)
        else:
            place_bars(scores, i, (11.5, row), VERDICT, ax)
        ax.text(10.5 + shift, row + 0.5, f"{float(d[i]):.2f}", va="center", fontsize=13)
    place_box("$G$", (4.15, n), FAKE, ax)
    place_box("$D$", (8.25 + shift, n), VERDICT, ax)
    both = r"$D(\mathbf{x}, \mathbf{y})$" if scores is None else r"$D(\mathbf{x})$"
    titles = [(1.2, r"$\mathbf{z}$"), (2.9, r"$\mathbf{y}$"), (7.0, r"$\mathbf{x}$")]
    titles += [(7.0 + 0.9, r"$\mathbf{y}$")] if scores is None else [(11.9, r"$p(C_k|\mathbf{x})$")]
    return finish_diagram([*titles, (10.8 + shift, both)], n, 12.5, ax)


def check_diagram(z: np.ndarray, **others: np.ndarray) -> int:
    """How many rows a diagram has, if there are as many of all that it shows."""
    if z.shape[1] % 4:
        raise ValueError(f"z has shape {list(z.shape)}; L has to be divisible by 4.")
    for name, values in others.items():
        if len(values) != len(z):
            raise ValueError(f"{name} has {len(values)} rows, z has {len(z)}.")
    return len(z)


def place_noise(z: Any, i: int, place: tuple[float, float, float], ax: Axes) -> None:
    """One latent vector as four rows of colours; place: left, right, row."""
    noise = torch.as_tensor(z).cpu().numpy()
    left, right, row = place
    limit, extent = np.abs(noise).max(), (left, right, row + 0.1, row + 0.9)
    ax.imshow(noise[i].reshape(4, -1), extent=extent, cmap="PuOr_r", vmin=-limit, vmax=limit)


def place_picture(x: Any, i: int, place: tuple[float, float], ax: Axes) -> None:
    """One picture; place: left, row."""
    extent = (place[0], place[0] + 0.8, place[1] + 0.1, place[1] + 0.9)
    ax.imshow(as_pictures(x)[i], extent=extent, cmap="gray", vmin=0, vmax=1)


def place_bars(y: Any, i: int, place: tuple[float, float], colour: str, ax: Axes) -> None:
    """One code, or one set of probabilities, a bar for each class; place: left, row."""
    shares = torch.as_tensor(y).cpu().numpy()[i]
    left, row, width = place[0], place[1] + 0.25, 0.75 / len(shares)
    at = left + (np.arange(len(shares)) + 0.5) * width
    ax.bar(at, 0.55 * shares, 0.8 * width, bottom=row, color=colour)
    ax.plot((left, left + 0.75), (row, row), color="0.4", lw=0.8)
    top = int(shares.argmax())
    ax.text(at[top], row - 0.03, str(top), ha="center", va="top", fontsize=9, color=colour)


def place_arrow(start: float, end: float, height: float, ax: Axes) -> None:
    """From left to right."""
    arrow = {"arrowstyle": "-|>", "color": "0.25", "lw": 1.4}
    ax.annotate("", xy=(end, height), xytext=(start, height), arrowprops=arrow)


def place_box(name: str, place: tuple[float, int], colour: str, ax: Axes) -> None:
    """A network beside all rows; place: left, number of rows."""
    left, n = place
    box = FancyBboxPatch((left, 0.15), 1.5, n - 0.3, boxstyle="round,pad=0.1")
    box.set(facecolor={FAKE: "#fbe3d3", VERDICT: "#e3e7ee"}[colour], edgecolor=colour)
    ax.add_patch(box)
    ax.text(left + 0.75, n / 2, name, ha="center", va="center", fontsize=24, color=colour)


def finish_diagram(titles: Sequence[tuple[float, str]], n: int, width: float, ax: Axes) -> Figure:
    """Titles above, each at its place, and no axes."""
    for centre, words in titles:
        ax.text(centre, n + 0.12, words, ha="center", va="bottom", fontsize=12)
    ax.set(xlim=(-0.1, width), ylim=(-0.05, n + 0.6), aspect="equal")
    ax.axis("off")
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
