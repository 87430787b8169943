"""Static figures. They take arrays and an `Axes`, return the `Axes`, and never train.

Words inside figures are short and English or symbols, so that they serve both editions and need
no Japanese font.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

REAL, FAKE, VERDICT = "#0f7c8f", "#d95f1e", "#33415c"
HEAT = LinearSegmentedColormap.from_list("verdict", ["#f4a97c", "#ffffff", "#7cc3cf"])


def draw_frame(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """One state of the lab, as `Session.frame` gives it."""
    if header["kind"] == "many":
        return draw_many(header, arrays, ax)
    draw = {"1d": draw_1d, "2d": draw_2d, "images": draw_images}[header["kind"]]
    draw(header, arrays, ax)
    words = [f"step {header['step']}"]
    watched = "weights" in arrays  # a critic: how far, in place of how good
    for meter in header["meters"]:
        if meter["id"] in (("modes", "w1") if watched else ("modes", "good", "jsd")):
            words.append(meter_text(meter))
    ax.set_title(" · ".join(words), fontsize=9)
    return ax


def draw_many(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Several GANs side by side, in place of `ax`."""
    members = header["members"]
    columns = min(len(members), 4)
    spec: Any = ax.get_subplotspec()
    cells = spec.subgridspec(-(-len(members) // columns), columns)
    ax.axis("off")
    figure = ax.get_figure()
    assert figure is not None
    for k, (member, cell) in enumerate(zip(members, cells, strict=False)):
        own = {n.split("/")[1]: a for n, a in arrays.items() if n.startswith(f"{k}/")}
        panel = draw_frame(member, arrays | own, figure.add_subplot(cell))
        # A number stands in for a name that the font of figures may lack.
        name = member["name"].replace("_", " ") if member["name"].isascii() else f"{k + 1}"
        panel.set_title(f"{name}\n{panel.get_title().split(' · ', 1)[-1]}", fontsize=8)
    return ax


def draw_strip(steps: Any, shares: Tensor | np.ndarray, ax: Axes) -> Axes:
    """Which mode, when: the share of samples on each mode over time.

    Args:
        steps: `[T]`.
        shares: `[M, T]`, from 0 to 1.
    """
    shares = torch.as_tensor(shares).cpu().numpy()
    ramp = LinearSegmentedColormap.from_list("share", ["#ffffff", FAKE, "#5a2206"])
    extent = (float(steps[0]), float(steps[-1]), len(shares) + 0.5, 0.5)
    ax.imshow(
        np.sqrt(shares), aspect="auto", cmap=ramp, vmin=0, vmax=1, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    ax.set(xlabel="step", ylabel="mode")
    return ax


def meter_text(meter: dict[str, Any]) -> str:
    """`modes 7/8`, `good 63 %`, `JSD 0.12`."""
    if "of" in meter:
        return f"{meter['id']} {meter['value']}/{meter['of']}"
    if meter.get("unit") == "%":
        return f"{meter['id']} {100 * meter['value']:.0f} %"
    return f"{meter['id'].upper()} {meter['value']:.3f}"


def draw_2d(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Real and generated points over D's verdict, with the way G is pushed."""
    ax.imshow(
        arrays["heat"] / 255, extent=header["range"], cmap=HEAT, vmin=0, vmax=1, aspect="equal"
    )
    for name, colour, label in (("real", REAL, "real"), ("fake", FAKE, "generated")):
        low, high = np.array(header["range"]).reshape(2, 2).T  # (2,) each: x and y
        inside = ((arrays[name] > low) & (arrays[name] < high)).all(axis=1)
        x, y = arrays[name][inside].T
        ax.scatter(x, y, s=5, color=colour, alpha=0.7, lw=0, label=label)
        x, y = arrays[name][~inside].clip(low + 0.06, high - 0.06).T  # hollow, at the border
        ax.scatter(x, y, s=14, marker="D", facecolors="none", edgecolors=colour, lw=0.7)
    pushed = arrays["push"].any(axis=1)  # those with an arrow
    start, push = arrays["fake"][pushed], arrays["push"][pushed]
    length = np.linalg.norm(push, axis=1, keepdims=True)
    # Log-compressed: 1e-4 and below is a dot, 10 is long.
    shown = push / (length + 1e-12) * 0.09 * np.clip(np.log10(length + 1e-12) + 4, 0, 5)
    ends = np.stack([start, start + shown], axis=1)  # (n, 2 ends, 2)
    ax.add_collection(LineCollection(list(ends), colors="#7a2f06", linewidths=0.7))
    ax.set(xlim=header["range"][:2], ylim=header["range"][2:], xticks=[], yticks=[])
    return ax


def draw_transport(x: Tensor, y: Tensor, match: Tensor, ax: Axes) -> Axes:
    """How mass is moved: a line from each generated sample to the real one it is carried to.

    Args:
        x: generated samples `[N, 2]`; y: real ones `[N, 2]`.
        match: which y each x goes to, `[N]`.
    """
    ways = torch.stack([x, y[match]], dim=1).numpy()  # (N, 2 ends, 2)
    ax.add_collection(LineCollection(list(ways), colors="0.55", linewidths=0.6, zorder=1))
    for points, colour, label in ((x, FAKE, "generated"), (y, REAL, "real")):
        across, up = points.T.numpy()
        ax.scatter(across, up, s=8, color=colour, label=label, zorder=2)
    ax.set(aspect="equal", xticks=[], yticks=[])
    return ax


def draw_landscape(
    values: Tensor, ax: Axes, points: Tensor | None = None, reach: float = 2
) -> Axes:
    """A critic's scores over the plane as level lines.

    Args:
        values: `[R, R]` on [-reach, reach]^2, the first row at the bottom.
        points: real samples to lay over them, `[N, 2]`.
    """
    line = np.linspace(-reach, reach, len(values))
    ax.contourf(line, line, values.numpy(), levels=14, cmap=HEAT)
    ax.contour(line, line, values.numpy(), levels=14, colors="0.3", linewidths=0.4)
    if points is not None:
        across, up = points.T.numpy()
        ax.scatter(across, up, s=2, color=REAL, lw=0)
    ax.set(aspect="equal", xticks=[], yticks=[], xlim=(-reach, reach), ylim=(-reach, reach))
    return ax


def draw_1d(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """Figure 1 of Goodfellow et al. (2014): densities, D, and the lines z -> G(z) below."""
    x, top = arrays["x"], 1.25 * header["range"][3]
    ax.fill_between(x, arrays["q"], color=FAKE, alpha=0.3, lw=0)
    ax.plot(x, arrays["q"], color=FAKE, lw=1.4, label="q (G)")
    ax.plot(x, arrays["p"], color=REAL, lw=1.8, ls=(0, (1, 1)), label="p (data)")
    D, best = ("critic", "f*") if header["critic"] else ("D", "D*")
    ax.plot(x, arrays["D"] * top / 1.25, color=VERDICT, lw=1.4, ls="--", label=D)
    ax.plot(x, arrays["D_star"] * top / 1.25, color=VERDICT, lw=0.9, ls=":", label=best)
    z_line, x_line = -0.62 * top, -0.18 * top
    z = arrays["z"] / 3 * (x[-1] - x[0]) / 2 + (x[-1] + x[0]) / 2  # z spans the same width
    lines = np.stack(
        [np.c_[z, np.full_like(z, z_line)], np.c_[arrays["gz"], np.full_like(z, x_line)]], axis=1
    )
    ax.add_collection(LineCollection(list(lines), colors=FAKE, linewidths=0.5, alpha=0.6))
    for height, name in ((z_line, "z"), (x_line, "x")):
        ax.axhline(height, color="0.35", lw=1)
        ax.text(x[-1], height, f" {name}", va="center", fontsize=9, clip_on=False)
    ax.set(xlim=(x[0], x[-1]), ylim=(1.12 * z_line, top), xticks=[], yticks=[])
    return ax


def draw_images(header: dict[str, Any], arrays: dict[str, np.ndarray], ax: Axes) -> Axes:
    """A grid of pictures: the first ones from fixed noise, never a choice."""
    return draw_picture_grid(arrays["grid"] / 127.5 - 1, ax)


def draw_picture_grid(x: Tensor | np.ndarray, ax: Axes, columns: int = 8) -> Axes:
    """Grey pictures side by side. x: `[n, 1, H, W]` or `[n, H, W]`, from -1 (black) to 1."""
    pictures = as_pictures(x)
    n, height, width = pictures.shape
    rows = -(-n // columns)
    padded = np.zeros((rows * columns, height, width), dtype=np.float32)
    padded[:n] = pictures
    sheet = padded.reshape(rows, columns, height, width).swapaxes(1, 2)
    ax.imshow(sheet.reshape(rows * height, columns * width), cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    return ax


def as_pictures(x: Tensor | np.ndarray) -> np.ndarray:
    """`[n, 1, H, W]` or `[n, H, W]` in [-1, 1], on any device -> `[n, H, W]` in [0, 1]."""
    x = torch.as_tensor(x).detach().cpu()
    return ((x.squeeze(1) if x.ndim == 4 else x).numpy() + 1) / 2


def draw_frames(frames: Sequence[tuple[dict[str, Any], dict[str, np.ndarray]]]) -> Figure:
    """A strip of states, one panel each, with one legend."""
    size = (2.8 * len(frames), 3.1)
    fig, axes = plt.subplots(1, len(frames), figsize=size, squeeze=False, layout="constrained")
    for (header, arrays), ax in zip(frames, axes[0], strict=True):
        draw_frame(header, arrays, ax)
    handles, names = axes[0, 0].get_legend_handles_labels()
    if handles:
        fig.legend(
            handles,
            names,
            loc="outside lower center",
            ncols=len(names),
            frameon=False,
            markerscale=2,
        )
    return fig


def frame_png(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """The picture that stands in for the lab where widgets do not run."""
    size = (9.0, 5.2) if len(header.get("members", ())) > 2 else (4.2, 4.4)
    fig = Figure(figsize=size, dpi=80, layout="constrained")
    draw_frame(header, arrays, fig.subplots())
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    return buffer.getvalue()


def draw_curves(steps: Any, curves: dict[str, Any], ax: Axes, log: bool = False) -> Axes:
    """Named curves over training steps, with the legend outside of the data."""
    colours = {"D": REAL, "G": FAKE, "$W_1$": REAL, "estimate": VERDICT}
    for name, values in curves.items():
        ax.plot(steps, values, label=name, lw=1.3, color=colours.get(name))
    ax.set(xlabel="step", yscale="log" if log else "linear")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def draw_generator_diagram(z: Tensor | np.ndarray, x: Tensor | np.ndarray) -> Figure:
    """noise -> G -> x, with real noise and the picture that a trained G makes of it.

    Args:
        z: latent vectors `[n, L]`, L divisible by 4.
        x: what G makes of them, `[n, 1, H, W]` in [-1, 1].
    """
    noise, pictures = torch.as_tensor(z).cpu().numpy(), as_pictures(x)
    n, limit = len(noise), np.abs(noise).max()
    fig, ax = plt.subplots(figsize=(6.5, 1.0 * n + 0.5))
    for i in range(n):
        y = n - 1 - i
        left, right = (0, 2.4, y + 0.1, y + 0.9), (6.6, 7.4, y + 0.1, y + 0.9)
        ax.imshow(noise[i].reshape(4, -1), extent=left, cmap="PuOr_r", vmin=-limit, vmax=limit)
        ax.imshow(pictures[i], extent=right, cmap="gray", vmin=0, vmax=1)
        for start, end in ((2.55, 3.55), (5.45, 6.45)):
            arrow = {"arrowstyle": "-|>", "color": "0.25", "lw": 1.4}
            ax.annotate("", xy=(end, y + 0.5), xytext=(start, y + 0.5), arrowprops=arrow)
    box = FancyBboxPatch((3.75, 0.15), 1.5, n - 0.3, boxstyle="round,pad=0.1")
    box.set(facecolor="#fbe3d3", edgecolor=FAKE)
    ax.add_patch(box)
    ax.text(4.5, n / 2, "$G$", ha="center", va="center", fontsize=24, color=FAKE)
    titles = ((1.2, r"$\mathbf{z} \sim N(0, I)$"), (7.0, r"$\mathbf{x} = G(\mathbf{z})$"))
    for centre, words in titles:
        ax.text(centre, n + 0.12, words, ha="center", va="bottom", fontsize=12)
    ax.set(xlim=(-0.1, 8.2), ylim=(-0.05, n + 0.6), aspect="equal")
    ax.axis("off")
    return fig
